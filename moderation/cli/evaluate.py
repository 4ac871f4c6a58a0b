"""`moderation evaluate`: judges labelled JSON Lines and says how well; needs no database and no web."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import IO, Annotated, Any, Self

import click
from pydantic import BaseModel, BeforeValidator, ConfigDict, NonNegativeInt, StrictBool, StrictStr, ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from moderation.cli.score import Assessing, BadLineError, load_line, parse
from moderation.evaluation import Labels, Outcome, render, summarise
from moderation.judge import Case, Judge, Kind, Target


def _place(value: object) -> object:
    """A span may come as [start, end] or as an object that holds both."""
    return (value.get("start"), value.get("end")) if isinstance(value, dict) else value


def _kinds(value: object) -> object:
    """Kinds may come as a list of those that are there, or as an object that says yes or no to each."""
    return dict.fromkeys(map(str, value), True) if isinstance(value, list) else value


Place = Annotated[tuple[NonNegativeInt, NonNegativeInt], BeforeValidator(_place)]


class _Labels(BaseModel):
    model_config = ConfigDict(extra="ignore")

    relevant: StrictBool | None = None
    disrespectful: StrictBool | None = None
    kinds: Annotated[dict[Kind, StrictBool] | None, BeforeValidator(_kinds)] = None
    target: Target | None = None
    spans: tuple[Place, ...] | None = None
    rule: StrictStr | None = None
    section: StrictStr | None = None

    @classmethod
    def of(cls, data: dict[str, Any]) -> Self:
        """Return the labels of a line; raises BadLineError."""
        try:
            return cls.model_validate(data.get("labels") or {})
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise BadLineError(f"{'.'.join(['labels', *map(str, first['loc'])])}: {first['msg']}") from error

    def value(self) -> Labels:
        """Return the labels as the evaluation takes them."""
        return Labels(**{name: getattr(self, name) for name in type(self).model_fields})


def judge_lines(judge: Assessing, lines: Iterable[bytes], batch: int) -> Iterator[tuple[list[Outcome], list[str]]]:
    """Judge labelled lines batch by batch; yield the outcomes of each batch and what was wrong with its lines."""
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    while chunk := list(islice(numbered, batch)):
        read: list[tuple[str | int, Case, Labels]] = []
        faults: list[str] = []
        for number, line in chunk:
            try:
                read.append((*parse(line), _Labels.of(load_line(line)).value()))
            except BadLineError as error:
                faults.append(f"line {number}: {error}")
        judged = judge.assess([case for _, case, _ in read])
        yield (
            [
                Outcome(id_, case.text, labels, assessment)
                for (id_, case, labels), assessment in zip(read, judged, strict=True)
            ],
            faults,
        )


@click.command()
@click.option("--jsonl", "file", type=click.File("rb"), required=True, help='Labelled comments; "-": standard input.')
@click.option("--report", type=click.File("w", "utf-8", lazy=False, atomic=True), help="Write an HTML report here.")
@click.option("--json", "as_json", is_flag=True, help="Print all figures as JSON instead of a table.")
@click.option("--batch", type=click.IntRange(1, 4096), default=64, show_default=True, help="Comments judged together.")
def evaluate(file: IO[bytes], report: IO[str] | None, as_json: bool, batch: int) -> None:
    """Judge labelled comments, one JSON object a line, and say how well the judge agrees with the labels.

    A line that cannot be read is named on standard error, the others are judged; the command then ends with 1.
    """
    lines = file.readlines()
    console = Console(stderr=True)
    outcomes: list[Outcome] = []
    bad_lines = 0
    with ExitStack() as stack:
        columns = (TextColumn("Judging"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        progress = stack.enter_context(Progress(*columns, console=console, disable=not console.is_terminal))
        task = progress.add_task("", total=sum(bool(line.strip()) for line in lines))
        for judged, faults in judge_lines(Judge.load(), lines, batch):
            outcomes += judged
            bad_lines += len(faults)
            for fault in faults:
                click.echo(fault, err=True)
            progress.advance(task, len(judged) + len(faults))
    summary = summarise(outcomes, bad_lines=bad_lines)
    if report is not None:
        report.write(render(outcomes, summary))
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=True, indent=2))
    else:
        Console().print(*_tables(summary))
    sys.exit(1 if bad_lines else 0)


def _tables(summary: dict[str, Any]) -> list[Table]:
    left_out = [
        f"{name}: {summary[name]['missing_label']} without a label, {summary[name]['unscored']} without a score"
        for name in ("relevance", "disrespect")
    ]
    title = f"{summary['n']} comments, {', '.join(summary['engine'])}"
    scores = Table(title=title, caption="\n".join(left_out))
    for column in ("", "n", "yes", "AUC", "95 %", "AP", "ECE", "F1"):
        scores.add_column(column, justify="right" if column else "left", no_wrap=True)
    for name in ("relevance", "disrespect"):
        row = summary[name]
        more = (_figure(row["ece"]), _figure(row["threshold_0_5"]["f1"]))
        scores.add_row(name, *_areas(row), *more)
    for kind, row in summary["kinds"].items():
        if row["n"]:
            scores.add_row(kind, *_areas(row), "", "")
    slices = Table(title="Slices: AUC (95 %)")
    for column in ("", "relevance", "n", "disrespect", "n"):
        slices.add_column(column, justify="left" if not column else "right")
    for by, relevance in summary["slices"]["relevance"].items():
        disrespect = summary["slices"]["disrespect"][by]
        for part in sorted({*relevance, *disrespect}):
            cells: list[str] = []
            for rows in (relevance, disrespect):
                cells += [_area(rows[part]), str(rows[part]["n"])] if part in rows else ["", ""]
            slices.add_row(f"{by}: {part}", *cells)
    others = Table(title="Target and spans")
    for column in ("", "n", "right", "F1"):
        others.add_column(column)
    others.add_row("target", str(summary["target"]["n"]), _figure(summary["target"]["accuracy"]), "")
    others.add_row("spans (characters)", str(summary["spans"]["n"]), "", _figure(summary["spans"]["f1"]))
    return [scores, slices, others]


def _areas(row: dict[str, Any]) -> tuple[str, ...]:
    counts = (str(row["n"]), str(row["positives"]))
    return (*counts, _figure(row["auc"]), _bounds(row["auc_ci"]), _figure(row["average_precision"]))


def _area(row: dict[str, Any]) -> str:
    bounds = _bounds(row["auc_ci"])
    return _figure(row["auc"]) + (f" ({bounds})" if bounds else "")


def _bounds(interval: list[float | None]) -> str:
    return "" if None in interval else "–".join(_figure(bound) for bound in interval)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
