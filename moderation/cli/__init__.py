"""The `moderation` command: a table of contents of what it can do."""

import click

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


class _Group(click.Group):
    """Shows the service's own errors as one line, not as a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ModerationError as error:
            raise click.ClickException(error.message) from error


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
