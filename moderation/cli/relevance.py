"""`moderation relevance`: what a site's own traffic has taught about relevance, and learning it now."""

import click

from moderation import adaptation, auth
from moderation.cli.session import open_session
from moderation.errors import BadInput
from moderation.judge import Judge
from moderation.learning.adapt import LEAST_ARTICLES, LEAST_COMMENTS
from moderation.models import RelevanceAdaptation


@click.group()
def relevance() -> None:
    """How relevance adapts to a site's own traffic."""


@relevance.command("show")
@click.argument("site")
def relevance_show(site: str) -> None:
    """List what the last nights taught, newest first; the first line holds."""
    with open_session(read_only=True) as session:
        rows = adaptation.history(session, auth.site_by_slug(session, site).id)
        for row in rows:
            click.echo(_line(row))
    if not rows:
        click.echo("Nothing yet: the general model holds. It is tried every night at 3:30 UTC.")


@relevance.command("adapt")
@click.argument("site")
def relevance_adapt(site: str) -> None:
    """Learn from the site's newest comments now rather than at night."""
    with open_session(read_only=True) as session:
        found = adaptation.material(session, auth.site_by_slug(session, site).id)
    if found is None:
        needed = f"{LEAST_ARTICLES} articles with four comments each, {LEAST_COMMENTS} comments in all"
        raise BadInput(f"{site} has too few comments to learn from: {needed} are needed.", field="site")
    judge = Judge.load()
    adapted = adaptation.learn(judge, found)
    with open_session() as session:
        row = adaptation.keep(session, found, adapted, engine=judge.engine)
        session.commit()
        click.echo(_line(row))


def _line(row: RelevanceAdaptation) -> str:
    figures = row.figures
    state = "adapted" if row.content else "general"
    return (
        f"{row.version:>4}  {row.created_at:%Y-%m-%d}  {state}  AUC {figures['auc_general']:.3f} general, "
        f"{figures['auc_adapted']:.3f} adapted (gain {figures['gain_low']:+.3f} to {figures['gain_high']:+.3f}), "
        f"{row.comments} comments under {row.articles} articles, {row.oldest_at:%Y-%m-%d} to {row.newest_at:%Y-%m-%d}"
    )
