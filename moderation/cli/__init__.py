"""The `moderation` command: a table of contents of what it can do."""

import click
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError

from moderation import __version__
from moderation.cli.audit import audit
from moderation.cli.automation import automation
from moderation.cli.backtest import backtest
from moderation.cli.commenter import commenter
from moderation.cli.database import db
from moderation.cli.doctor import doctor
from moderation.cli.evaluate import evaluate
from moderation.cli.imports import export, import_
from moderation.cli.learn import learn
from moderation.cli.models import models
from moderation.cli.moderator import moderator
from moderation.cli.notify import notify
from moderation.cli.relevance import relevance
from moderation.cli.rules import rules
from moderation.cli.run import run
from moderation.cli.score import score
from moderation.cli.site import site
from moderation.cli.token import token
from moderation.errors import ModerationError
from moderation.judge.artefacts import WeightsError
from moderation.judge.checkpoint import ModelError
from moderation.judge.learned import ModelError as SiteModelError

NO_SUCH_TABLE = "42P01"
"""What PostgreSQL calls it."""

NO_DATABASE = (
    "The database does not answer, or has no tables yet: check MODERATION_DATABASE_URL, then run "
    "`moderation db upgrade`; `moderation doctor` says more."
)


class _Group(click.Group):
    """Shows what is known to go wrong as one line that says what to do, not as a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (ModerationError, WeightsError, ModelError, SiteModelError) as error:
            raise click.ClickException(str(error)) from error
        except (OperationalError, InterfaceError) as error:
            raise click.ClickException(NO_DATABASE) from error
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", None) != NO_SUCH_TABLE:
                raise
            raise click.ClickException(NO_DATABASE) from error
        except OSError as error:
            if error.filename is None:
                raise
            raise click.ClickException(f"{error.filename}: {error.strerror}.") from error


@click.group(cls=_Group)
@click.version_option(__version__)
def main() -> None:
    """Hausordnung: readers' comments, moderated by the site's own stated rules."""


for command in (
    run,
    score,
    models,
    relevance,
    backtest,
    learn,
    evaluate,
    db,
    site,
    token,
    rules,
    audit,
    automation,
    moderator,
    commenter,
    import_,
    export,
    notify,
    doctor,
):
    main.add_command(command)
