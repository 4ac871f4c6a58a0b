"""`moderation models`: Detoxify's checkpoints, fetched and checked, and the fast runtimes made of them."""

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from moderation.checkpoints import RELEASED, Released, faults, pull
from moderation.config import load_settings
from moderation.judge.checkpoint import ModelError
from moderation.judge.fast_detoxify import TOLERANCE, build, path_of


@click.group()
def models() -> None:
    """Detoxify's models, for `moderation score --tone`."""


@models.command("list")
def list_models() -> None:
    """List the released models and which of them are here."""
    folder = load_settings().models_folder
    for model in RELEASED.values():
        state = "here" if (folder / model.file).exists() else "not here"
        click.echo(f"{model.name:<15} {state:<9} {model.file}")


@models.command("pull")
@click.argument("name", default="multilingual")
@click.option("--mirror", default="", help="Address of a folder that has the files, instead of their makers'.")
def pull_model(name: str, mirror: str) -> None:
    """Fetch a released model into MODERATION_MODELS_DIR, check it and build its fast runtime; resumes what was cut."""
    model, folder = _released(name), load_settings().models_folder
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bars:
        tasks = {part: bars.add_task(part, total=None, start=False) for part, _, _ in model.parts()}

        def show(part: str, have: int, whole: int | None) -> None:
            bars.start_task(tasks[part])
            bars.update(tasks[part], completed=have, total=whole)

        try:
            checkpoint = pull(model, folder, show, mirror=mirror)
        except OSError as error:
            raise click.ClickException(f"{folder} cannot be written: {error.strerror or error}.") from error
    if not path_of(checkpoint).exists():
        build_and_tell(checkpoint)
    click.echo(f"Ready: moderation score FILE --tone blend --checkpoint {checkpoint}")


@models.command("check")
@click.argument("name", default="multilingual")
def check_model(name: str) -> None:
    """Check a model's files against their checksums; exit code 1 if one is missing or damaged."""
    found = faults(_released(name), load_settings().models_folder)
    click.echo("\n".join(found) or "All its files are here and whole.")
    sys.exit(1 if found else 0)


@models.command("build")
@click.argument("checkpoint", type=click.Path(path_type=Path))
def build_runtime(checkpoint: Path) -> None:
    """Build the fast runtime of CHECKPOINT beside it, and compare its scores with the checkpoint's own."""
    build_and_tell(checkpoint)


def _released(name: str) -> Released:
    if name not in RELEASED:
        raise click.UsageError(f"There is no model {name!r}, but {', '.join(RELEASED)}.")
    return RELEASED[name]


def build_and_tell(checkpoint: Path) -> None:
    """Build, and say what came of it. Raises ClickException."""
    try:
        built = build(checkpoint, click.echo)
    except ModelError as error:
        raise click.ClickException(str(error)) from error
    if built.precision == "int8":
        click.echo(f"{built.path}: int8, at most {built.difference:.4f} from the checkpoint on the probe texts.")
    else:
        click.echo(
            f"{built.path}: float32, because int8 was {built.int8_difference:.3f} off on the probe texts "
            f"({TOLERANCE} is allowed). It is exact, but slower."
        )
