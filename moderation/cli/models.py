"""`moderation models`: Detoxify's checkpoints and the fast runtimes made of them."""

from pathlib import Path

import click

from moderation.judge.checkpoint import ModelError
from moderation.judge.fast_detoxify import TOLERANCE, build


@click.group()
def models() -> None:
    """Detoxify's models, for `moderation score --tone`."""


@models.command("build")
@click.argument("checkpoint", type=click.Path(path_type=Path))
def build_runtime(checkpoint: Path) -> None:
    """Build the fast runtime of CHECKPOINT beside it, and compare its scores with the checkpoint's own."""
    build_and_tell(checkpoint)


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
