"""`moderation models fit-blend`: fits how much the embedded judge and Detoxify count, on labelled comments."""

import sys
from pathlib import Path
from typing import IO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from moderation.cli.evaluate import judge_lines
from moderation.config import load_settings
from moderation.judge import Judge, blending
from moderation.judge.detoxify import DetoxifyModel, overall
from moderation.learning.blend import FEWEST, FEWEST_OF_EACH, Fitted, Opinion, chosen, fit
from moderation.service_judge import checkpoint_of

_BATCH = 64


@click.command("fit-blend")
@click.option("--jsonl", "file", type=click.File("rb"), required=True, help="Comments labelled `disrespectful`.")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Whose blend; the one MODERATION_TONE_MODEL names.")
def fit_blend(file: IO[bytes], checkpoint: Path | None) -> None:
    """Fit how much each of the two counts, by language, on labelled comments, one JSON object a line.

    Weights that do better on comments they were not fitted on are written beside the checkpoint, and used from then on.
    """
    checkpoint = checkpoint or checkpoint_of(load_settings())
    model = DetoxifyModel.load(checkpoint)
    opinions, bad_lines = _opinions(file, model)
    found = fit(opinions)
    if not found:
        raise click.ClickException(
            f"{len(opinions)} labelled comments are too few: {FEWEST} are needed, {FEWEST_OF_EACH} of them "
            "disrespectful and as many that are not."
        )
    Console(width=100).print(_table(found))
    weights = chosen(found)
    if any(one.helps for one in found.values()):
        click.echo(f"Written to {blending.save(checkpoint, weights)}; workers use it from their next start on.")
    else:
        click.echo("Nothing fitted does better than the blend there is; nothing is written.")
    sys.exit(1 if bad_lines else 0)


def _opinions(file: IO[bytes], model: DetoxifyModel) -> tuple[list[Opinion], int]:
    """Ask both about every labelled line; return what they say, and how many lines could not be read."""
    lines = file.readlines()
    opinions: list[Opinion] = []
    bad_lines = 0
    columns = (TextColumn("Judging"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=sum(bool(line.strip()) for line in lines))
        for outcomes, faults in judge_lines(Judge.load(), lines, _BATCH):
            for fault in faults:
                click.echo(fault, err=True)
            bad_lines += len(faults)
            for outcome, scores in zip(outcomes, model.score([o.text for o in outcomes]), strict=True):
                judged, label = outcome.assessment, outcome.labels.disrespectful
                if judged.disrespect is not None and label is not None:
                    opinions.append(Opinion(judged.language, judged.disrespect, overall(scores), label))
            progress.advance(task, len(outcomes) + len(faults))
    return opinions, bad_lines


def _table(found: dict[str, Fitted]) -> Table:
    table = Table(caption="Loss: mean logarithmic, on comments held out; before: what the fit begins with.")
    for column in ("language", "comments", "bias", "embedded", "Detoxify", "loss before", "loss fitted", "used"):
        table.add_column(column, justify="left" if column == "language" else "right")
    for language, one in found.items():
        weights = (f"{weight:.2f}" for weight in one.weights)
        losses = (f"{one.before:.3f}", f"{one.after:.3f}", "yes" if one.helps else "no")
        table.add_row(language or "all others", str(one.comments), *weights, *losses)
    return table
