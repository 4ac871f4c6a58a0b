"""`moderation token`: what programs of a site show at the API, each with what it may do."""

import click
from sqlalchemy import select

from moderation import audit, auth
from moderation.cli.session import open_session
from moderation.models import Scope, Site, SiteKey


@click.group()
def token() -> None:
    """What programs of a site show at the API."""


@token.command("create")
@click.argument("slug")
@click.option("--scope", type=click.Choice([scope.value for scope in Scope]), default="decide", show_default=True)
@click.option("--name", default="", help="What it is for, to know it by later.")
def token_create(slug: str, scope: str, name: str) -> None:
    """Make a token for a site and print it, this once; those the site has stay valid.

    It may read; decide, too; or manage the site and its rules, too.
    """
    if len(name) > 80:
        raise click.BadParameter("at most 80 characters", param_hint="--name")
    with open_session() as session:
        site = auth.site_by_slug(session, slug)
        made = auth.new_token(site, Scope(scope), name)
        audit.note(session, "token_created", moderator=None, subject=f"site {slug}", scope=scope)
        session.commit()
    click.echo(made)


@token.command("list")
@click.argument("slug", required=False)
def token_list(slug: str | None) -> None:
    """List the tokens, of all sites or of one, with their ids, and when a token was revoked."""
    found = select(SiteKey).join(SiteKey.site).where(SiteKey.kind == "token").order_by(SiteKey.id)
    with open_session(read_only=True) as session:
        if slug is not None:
            found = found.where(Site.id == auth.site_by_slug(session, slug).id)
        for key in session.scalars(found):
            end = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else ""
            fields = (str(key.id), key.site.slug, str(key.scope), f"{key.created_at:%Y-%m-%d}", key.name, end)
            click.echo("\t".join(fields).rstrip())


@token.command("revoke")
@click.argument("token_id", type=int, metavar="ID")
def token_revoke(token_id: int) -> None:
    """Let a token be valid no longer, from now on and for ever."""
    with open_session() as session:
        site = auth.revoke_token(session, token_id)
        audit.note(session, "token_revoked", moderator=None, subject=f"site {site.slug}")
        session.commit()
    click.echo(f"Token {token_id} is revoked.")
