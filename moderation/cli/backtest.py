"""`moderation backtest`: replays decisions in time order, each comment judged with only what was learned before it."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

import click
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from moderation.cli.score import BadLineError, parse
from moderation.cli.session import open_session, the_site
from moderation.config import load_settings
from moderation.judge import Case, Judge

if TYPE_CHECKING:
    from moderation.learning.figures import Doubles
    from moderation.learning.fit import Material
    from moderation.learning.replay import Schedule

BATCH = 512

_TIME = TypeAdapter(datetime)


@dataclass(frozen=True, slots=True)
class Decided:
    """A case, what was decided on it, and when, if that is known."""

    case: Case
    section: str | None
    deleted: bool
    decided_at: datetime | None


def parse_decided(line: bytes) -> Decided:
    """Return one decided case; raises BadLineError."""
    _, case = parse(line)
    data = json.loads(line.decode("utf-8-sig"))
    if data.get("decision") not in ("approve", "delete"):  # a list, which is in no set, is no decision either
        raise BadLineError('decision: must be "approve" or "delete"')
    article = data.get("article") or {}
    section = article.get("section")
    return Decided(case, section if isinstance(section, str) else None, data["decision"] == "delete", _moment(data))


def _moment(data: dict[str, Any]) -> datetime | None:
    stated = data.get("decided_at")
    if stated is None:
        return None
    try:
        moment = _TIME.validate_python(stated)
    except ValidationError as error:
        raise BadLineError("decided_at: must be an ISO 8601 time") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read(file: IO[bytes]) -> tuple[list[Decided], list[str]]:
    """Return the decided cases in the order of their decisions, and what was wrong with other lines."""
    found, faults = [], []
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            found.append(parse_decided(line))
        except BadLineError as error:
            faults.append(f"line {number}: {error}")
    # With times on some lines only, the others could not be placed: then the order of the file is the truth.
    if all(decided.decided_at is not None for decided in found):
        found.sort(key=lambda decided: decided.decided_at or datetime.min.replace(tzinfo=UTC))
    return found, faults


def study(judge: Judge, found: list[Decided]) -> "Iterator[Material]":
    """Judge decided cases batch by batch; yield what can be learned from each."""
    # Imported here and below: numbers cost a second to load, and most commands want none.
    import numpy as np  # noqa: PLC0415

    from moderation.judge.learned import grams_of  # noqa: PLC0415
    from moderation.learning.fit import Material, sparse  # noqa: PLC0415

    rest = iter(found)
    while batch := list(islice(rest, BATCH)):
        _, features = judge.study([decided.case for decided in batch])
        grams = sparse([grams_of(decided.case.text, decided.section) for decided in batch])
        deleted = np.array([decided.deleted for decided in batch], dtype=np.float64)
        yield Material(features, grams, deleted, np.ones(len(batch)))


def report(material: "Material", schedule: "Schedule") -> dict[str, Any]:
    """Replay and return the figures, with those of the general model beside them."""
    from moderation.learning.figures import measure  # noqa: PLC0415
    from moderation.learning.replay import replay  # noqa: PLC0415

    replayed = replay(material, schedule)
    return {
        "n": len(material.deleted),
        "deleted": int(material.deleted.sum()),
        **measure(replayed.learned, material.deleted, replayed.order).report(),
        "ece_from_300": _late_error(replayed.learned, material.deleted),
        "general": measure(replayed.general, material.deleted).report(),
    }


def _late_error(said: "Doubles", deleted: "Doubles") -> float | None:
    from moderation.learning.figures import calibration_error  # noqa: PLC0415

    return calibration_error(said[300:], deleted[300:]) if len(deleted) > 300 else None


@click.command()
@click.option("--jsonl", "file", type=click.File("rb", lazy=True), help='Decided comments; "-": standard input.')
@click.option("--site", "slug", help="Instead of a file: what a site's people decided, as the service keeps it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--warm-up", type=click.IntRange(min=50), default=50, show_default=True, help="Decisions to begin with.")
@click.option("--refit-every", type=click.IntRange(min=1), help="Learn again after so many; else in growing steps.")
@click.option("--no-learning", is_flag=True, help="Only the general model, calibrated.")
def backtest(
    file: IO[bytes] | None, slug: str | None, as_json: bool, warm_up: int, refit_every: int | None, no_learning: bool
) -> None:
    """Replay decided comments in time order and print how well they were foretold.

    Each comment is judged with only what was learned from the decisions before it. A line that cannot be read is named
    on standard error, the others are replayed; the command then ends with 1.
    """
    from moderation.learning.replay import Schedule  # noqa: PLC0415

    if (file is None) == (slug is None):
        raise click.UsageError("Give either --jsonl or --site.")
    began = time.perf_counter()
    schedule = Schedule(warm_up, refit_every, learning=not no_learning)
    if file is None:
        result, faults = _own(slug, schedule), False
    else:
        found, complaints = read(file)
        faults = bool(complaints)
        for complaint in complaints:
            click.echo(complaint, err=True)
        if not found:
            raise click.ClickException("There is no decided comment to replay.")
        result = report(_judged(found), schedule)
    result["seconds"] = round(time.perf_counter() - began, 2)
    click.echo(json.dumps(result) if as_json else table(result))
    sys.exit(1 if faults else 0)


def _judged(found: list[Decided]) -> "Material":
    from moderation.learning.fit import join  # noqa: PLC0415

    parts = []
    console = Console(stderr=True)
    with ExitStack() as stack:
        columns = (TextColumn("Judging"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        progress = stack.enter_context(Progress(*columns, console=console, disable=not console.is_terminal))
        task = progress.add_task("", total=len(found))
        for part in study(Judge.load(), found):
            parts.append(part)
            progress.advance(task, len(part.deleted))
    return join(parts)


def _own(slug: str | None, schedule: "Schedule") -> dict[str, Any]:
    """Replay what the service keeps of a site; its report has also sections, months and rules."""
    from moderation.learning import decided  # noqa: PLC0415
    from moderation.learning.replay import replay  # noqa: PLC0415
    from moderation.learning.report import report as whole  # noqa: PLC0415

    with open_session(read_only=True) as session:
        site = the_site(session, slug)
        counting = decided.counting(session, site, days=load_settings().keep_deleted_days)
        found = decided.material(session, decided.thinned(counting))
    if found is None:
        raise click.ClickException("There is no decided comment to replay; the workers must have read it, too.")
    material, used = found
    return whole(replay(material, schedule), material.deleted, used)


def table(result: dict[str, Any]) -> str:
    """Return the figures for reading."""

    def show(value: float | None) -> str:
        return "-" if value is None else f"{value:.3f}"

    general = result["general"]
    lines = [f"{result['n']} decisions, {result['deleted']} deleted, {result['seconds']} s", ""]
    lines.append(f"{'':30}{'learned':>10}{'general':>10}")
    for name in ("auc", "average_precision", "ece", "precision_at_recall_0.5"):
        lines.append(f"{name:30}{show(result[name]):>10}{show(general[name]):>10}")
    for seen, value in result["auc_by_seen"].items():
        lines.append(f"{f'auc with {seen} seen':30}{show(value):>10}{show(general['auc_by_seen'][seen]):>10}")
    if "thresholds" in result:
        lines += ["", f"{'from':>6}{'marks right':>14}{'missed':>10}{'not marked':>14}"]
        counted, deleted = result["counted"], max(result["deleted"], 1)
        for threshold, marked, right in zip(result["thresholds"], result["marked"], result["right"], strict=True):
            correct = show(right / marked if marked else None)
            missed, saved = show(1 - right / deleted), show(1 - marked / max(counted, 1))
            lines.append(f"{threshold:>6}{correct:>14}{missed:>10}{saved:>14}")
    return "\n".join(lines)
