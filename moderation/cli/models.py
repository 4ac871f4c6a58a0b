"""`moderation models`: Detoxify's checkpoints, fetched and checked, and the fast runtimes made of them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bars

from moderation.checkpoints import RELEASED, Progress, Released, alone, faults, pull
from moderation.cli.blend import fit_blend
from moderation.config import load_settings
from moderation.judge.fast_detoxify import TOLERANCE, build, path_of


@click.group()
def models() -> None:
    """Detoxify's models, for `moderation score --tone` and for the workers."""


models.add_command(fit_blend)


@models.command("list")
def list_models() -> None:
    """List the released models and which of them are here."""
    folder = load_settings().models_folder
    for model in RELEASED.values():
        state = "here" if (folder / model.file).exists() else "not here"
        click.echo(f"{model.name:<15} {state:<9} {model.file}")


@models.command("pull")
@click.argument("name", default="multilingual")
@click.option("--mirror", help="Address of a folder that has the files; MODERATION_MODELS_MIRROR.")
def pull_model(name: str, mirror: str | None) -> None:
    """Fetch a released model into MODERATION_MODELS_DIR, check it and build its fast runtime; resumes what was cut."""
    settings = load_settings()
    model, folder = _released(name), settings.models_folder
    try:
        # One after the other: who waits finds everything there.
        with alone(folder), _progress(model) as show:
            checkpoint = pull(model, folder, show, mirror=settings.models_mirror if mirror is None else mirror)
            if not path_of(checkpoint).exists():
                build_and_tell(checkpoint)
    except OSError as error:
        raise click.ClickException(f"{folder} cannot be written: {error.strerror or error}.") from error
    click.echo(f"Ready: moderation score FILE --tone blend --checkpoint {checkpoint}")


@contextmanager
def _progress(model: Released) -> Iterator[Progress]:
    """Show how far each file has come: bars on a terminal, else a line for every tenth."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _tenths()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Bars(*columns, TimeRemainingColumn(), console=console) as bars:
        tasks = {part: bars.add_task(part, total=None, start=False) for part, _, _ in model.parts()}

        def show(part: str, have: int, whole: int | None) -> None:
            bars.start_task(tasks[part])
            bars.update(tasks[part], completed=have, total=whole)

        yield show


def _tenths() -> Progress:
    told: dict[str, int] = {}

    def show(part: str, have: int, whole: int | None) -> None:
        tenth = 10 * have // whole if whole else 0
        if tenth > told.get(part, 0):
            told[part] = tenth
            click.echo(f"{part}: {have / 1e6:.0f} of {(whole or 0) / 1e6:.0f} MB", err=True)

    return show


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
    if not checkpoint.exists():
        raise click.ClickException(f"{checkpoint} does not exist.")
    with alone(checkpoint.parent):
        build_and_tell(checkpoint)


def _released(name: str) -> Released:
    if name not in RELEASED:
        raise click.UsageError(f"There is no model {name!r}, but {', '.join(RELEASED)}.")
    return RELEASED[name]


def build_and_tell(checkpoint: Path) -> None:
    """Build, and say what came of it. Raises ModelError."""
    built = build(checkpoint, click.echo)
    if built.precision == "int8":
        click.echo(f"{built.path}: int8, at most {built.difference:.4f} from the checkpoint on the probe texts.")
    else:
        click.echo(
            f"{built.path}: float32, because int8 was {built.int8_difference:.3f} off on the probe texts "
            f"({TOLERANCE} is allowed). It is exact, but slower."
        )
