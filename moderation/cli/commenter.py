"""`moderation commenter`: what is kept of one commenter, and how to erase it."""

import json

import click

from moderation import auth, privacy
from moderation.cli.session import open_session


@click.group()
def commenter() -> None:
    """What is kept of one commenter of a site."""


@commenter.command("show")
@click.argument("site")
@click.option("--id", "commenter_id", help="As the site names them.")
@click.option("--email", help="Their e-mail.")
def commenter_show(site: str, commenter_id: str | None, email: str | None) -> None:
    """Print all that is kept of a commenter as JSON, to be given to them."""
    with open_session(read_only=True) as session:
        found = privacy.find(session, auth.site_by_slug(session, site), commenter_id=commenter_id, email=email)
        click.echo(json.dumps(privacy.tell(session, found), ensure_ascii=False, indent=2))


@commenter.command("erase")
@click.argument("site")
@click.option("--id", "commenter_id", help="As the site names them.")
@click.option("--email", help="Their e-mail.")
@click.confirmation_option(prompt="Erase texts, names and addresses for good?")
def commenter_erase(site: str, commenter_id: str | None, email: str | None) -> None:
    """Erase a commenter's texts, names and addresses for good, and print the proof as JSON."""
    with open_session() as session:
        found = privacy.find(session, auth.site_by_slug(session, site), commenter_id=commenter_id, email=email)
        proof = privacy.erase(session, found)
        session.commit()
    click.echo(json.dumps(proof, ensure_ascii=False, indent=2))
