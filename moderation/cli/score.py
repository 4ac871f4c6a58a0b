"""`moderation score`: reads cases as JSON Lines, writes what the judge says of each; needs no database and no web."""

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Annotated, Any, Protocol

import click
from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictStr, ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from moderation.judge import Article, Assessment, Case, Judge, Kind, Parent, blending
from moderation.judge.case import ToneSource
from moderation.judge.detoxify import DetoxifyModel, ToneJudge
from moderation.judge.text import legible


class Assessing(Protocol):
    """What scores a batch of cases."""

    def assess(self, cases: list[Case]) -> list[Assessment]:
        """Return one assessment for each case."""


def _name(value: object) -> object:
    """A commenter may come as a name or as an object that holds one."""
    return value.get("name") if isinstance(value, dict) else value


def _absent(value: object) -> object:
    return () if value is None else value


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


Name = Annotated[StrictStr | None, BeforeValidator(_name)]


class _Article(_Lenient):
    title: StrictStr | None = None
    lead: StrictStr | None = None
    body: StrictStr | None = None
    authors: Annotated[tuple[StrictStr, ...], BeforeValidator(_absent)] = ()
    language: StrictStr | None = None

    def value(self) -> Article:
        """Return the article this describes."""
        return Article(self.title or "", self.lead or "", self.body or "", self.authors, self.language)


class _Parent(_Lenient):
    text: StrictStr
    commenter: Name = None
    parent: "_Parent | None" = None

    def value(self) -> Parent:
        """Return the comment this describes, and what it answers."""
        return Parent(self.text, self.commenter, self.parent.value() if self.parent else None)


class _Sibling(_Lenient):
    text: StrictStr


class _Line(_Lenient):
    id: StrictStr | int
    text: StrictStr
    language: StrictStr | None = None
    commenter: Name = None
    article: _Article | None = None
    parent: _Parent | None = None
    thread: Annotated[tuple[_Sibling, ...], BeforeValidator(_absent)] = ()
    background: Annotated[tuple[StrictStr, ...], BeforeValidator(_absent)] = ()

    def case(self) -> Case:
        """Return the case this line describes."""
        article = self.article
        return Case(
            text=self.text,
            language=self.language,
            commenter=self.commenter,
            article=None if article is None else article.value(),
            parent=None if self.parent is None else self.parent.value(),
            thread=tuple(sibling.text for sibling in self.thread),
            background=self.background,
        )


class BadLineError(ValueError):
    """A line that is no case; the message says why."""


def load_line(line: bytes) -> dict[str, Any]:
    """Return the JSON object of one line; raises BadLineError."""
    try:
        data = json.loads(line.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise BadLineError("not UTF-8") from error
    except RecursionError as error:
        raise BadLineError("nested too deeply") from error
    except ValueError as error:
        raise BadLineError(f"not JSON: {error}") from error
    if not isinstance(data, dict):
        raise BadLineError("not a JSON object")
    legible_data: dict[str, Any] = _legible(data)
    return legible_data


def parse(line: bytes) -> tuple[str | int, Case]:
    """Return id and case of one line; raises BadLineError."""
    try:
        parsed = _Line.model_validate(load_line(line))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadLineError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return parsed.id, parsed.case()


def describe(id_: str | int, assessment: Assessment) -> dict[str, Any]:
    """Return the line that is written for an assessment."""
    reason = assessment.relevance_reason
    passage, other = assessment.passage, assessment.other_article
    return {
        "id": id_,
        "language": assessment.language,
        "relevance": assessment.relevance,
        **({} if reason is None else {"relevance_reason": reason.value}),
        "disrespect": assessment.disrespect,
        "kinds": {kind.value: assessment.kinds.get(kind) for kind in Kind},
        "target": assessment.target and assessment.target.value,
        "spans": [
            {"start": span.start, "end": span.end, "kind": span.kind.value, "score": span.score}
            for span in assessment.spans
        ],
        "sentences": [
            {"start": sentence.start, "end": sentence.end, "disrespect": sentence.disrespect}
            for sentence in assessment.sentences
        ],
        "put_down_share": assessment.put_down_share,
        "passage": passage and {"text": passage.text, "similarity": passage.similarity},
        "other_article": other and {"title": other.title, "similarity": other.similarity},
        "spam": assessment.spam,
        "engine": assessment.engine,
    }


def score_lines(judge: Assessing, lines: Iterable[bytes], out: IO[str], batch: int) -> Iterator[tuple[int, list[str]]]:
    """Score lines batch by batch, in order; yield after each batch how many were scored and what was wrong.

    Holds one batch at a time, whatever the length of the input.
    """
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    while chunk := list(islice(numbered, batch)):
        cases: list[tuple[str | int, Case]] = []
        faults: list[str] = []
        for number, line in chunk:
            try:
                cases.append(parse(line))
            except BadLineError as error:
                faults.append(f"line {number}: {error}")
        for (id_, _), assessment in zip(cases, judge.assess([case for _, case in cases]), strict=True):
            out.write(json.dumps(describe(id_, assessment), ensure_ascii=True) + "\n")
        out.flush()
        yield len(cases), faults


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--output", type=click.File("w", encoding="utf-8"), default="-", help="Where to write; standard output.")
@click.option("--batch", type=click.IntRange(1, 4096), default=64, show_default=True, help="Comments judged together.")
@click.option(
    "--tone",
    type=click.Choice([source.value for source in ToneSource]),
    default=ToneSource.EMBEDDED.value,
    show_default=True,
    help="Whose word on tone counts; all but `embedded` need --checkpoint.",
)
@click.option("--checkpoint", type=click.Path(path_type=Path), help="A checkpoint in Detoxify's format.")
@click.option("--device", default="cpu", show_default=True, help="Where Detoxify runs: cpu or cuda.")
def score(file: IO[bytes], output: IO[str], batch: int, tone: str, checkpoint: Path | None, device: str) -> None:
    """Score the comments in FILE, one JSON object a line; "-" reads standard input.

    A line that cannot be read is named on standard error, the others are scored; the command then ends with 1.
    """
    faulty = False
    judge = _judge(ToneSource(tone), checkpoint, device)
    console = Console(stderr=True)
    columns = (TextColumn("Scoring"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        for scored, faults in score_lines(judge, file, output, batch):
            faulty = faulty or bool(faults)
            for fault in faults:
                click.echo(fault, err=True)
            progress.advance(task, scored + len(faults))
    sys.exit(1 if faulty else 0)


def _judge(tone: ToneSource, checkpoint: Path | None, device: str) -> Assessing:
    if tone is ToneSource.EMBEDDED:
        return Judge.load()
    if checkpoint is None:
        raise click.UsageError(f"--tone {tone} needs --checkpoint, a file in Detoxify's format.")
    model = DetoxifyModel.load(checkpoint, device=device)
    blend = blending.ALONE if tone is ToneSource.DETOXIFY else blending.Blend.of(checkpoint)
    return ToneJudge(Judge.load(), model, blend)


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON value")


def _legible(value: Any) -> Any:
    """JSON may escape half a surrogate pair, which is no character: it becomes U+FFFD, one for one."""
    if isinstance(value, str):
        return legible(value)
    if isinstance(value, list):
        return [_legible(item) for item in value]
    if isinstance(value, dict):
        return {key: _legible(item) for key, item in value.items()}
    return value
