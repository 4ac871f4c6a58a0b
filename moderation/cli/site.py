"""`moderation site`: the sites that send comments."""

import click
from sqlalchemy import select

from moderation import audit, auth, forms, sites
from moderation.cli.session import open_session
from moderation.models import Site


@click.group()
def site() -> None:
    """The sites that send comments."""


@site.command("add")
@click.argument("slug")
@click.option("--name", required=True, help="As readers know it.")
@click.option("--language", default="de", show_default=True, help="Main language of its articles.")
@click.option("--callback-url", help="Where decisions are sent; without it, the site fetches them.")
@click.option("--callback-private", is_flag=True, help="The callback may be at a private address.")
def site_add(slug: str, name: str, language: str, callback_url: str | None, callback_private: bool) -> None:
    """Add a site, with the house rules to start with, and print its keys. The token is shown only now."""
    with open_session() as session:
        made = sites.add_site(session, slug=slug, name=name, language=language, callback_url=callback_url)
        made.callback_private = callback_private
        token = auth.new_token(made)
        session.commit()
        click.echo(f"Webhook address: /webhooks/{made.slug}/comments")
        click.echo(f"Signing secret:  {auth.signing_secrets(made)[0]}")
        click.echo(f"API token:       {token}")


@site.command("set")
@click.argument("slug")
@click.option("--name", help="As readers know it.")
@click.option("--callback-url", help="Where decisions are sent; 'none': the site fetches them.")
@click.option("--callback-private/--callback-public", default=None, help="Whether that may be a private address.")
@click.option(
    "--keep-addresses/--seal-addresses", "keeps_addresses", default=None, help="Keep e-mails and IPs readable."
)
@click.option(
    "--learn-records/--ignore-records",
    "learns_from_records",
    default=None,
    help="Whether what is learned looks at commenters' records.",
)
@click.option("--mail-reasons/--no-mail", "mails_reasons", default=None, help="Mail commenters why we deleted.")
@click.option("--origin", "more", multiple=True, help="Pages with our forms are served there, too; may be repeated.")
@click.option("--remove-origin", "fewer", multiple=True, help="Such pages are not served there any more.")
@click.option("--no-origins", is_flag=True, help="No page has our forms any more, but for those named with --origin.")
@click.option(
    "--proof-of-work/--no-proof-of-work", "forms_need_work", default=None, help="Browsers work before they send."
)
@click.option(
    "--akismet-asks/--akismet-alone", default=None, help="People decide what is in doubt for Akismet's clients."
)
@click.option("--undo-seconds", type=click.IntRange(0, 86_400), help="How long a decision waits before it is sent.")
def site_set(slug: str, more: tuple[str, ...], fewer: tuple[str, ...], no_origins: bool, **changes: object) -> None:
    """Change what is known of a site; what is left out stays as it is."""
    with open_session() as session:
        found = auth.site_by_slug(session, slug)
        if more or fewer or no_origins:
            changes["origins"] = forms.other_origins([] if no_origins else found.origins, more=more, fewer=fewer)
        sites.change_site(found, **changes)
        said = sorted(name for name, value in changes.items() if value is not None)
        audit.note(session, "site_changed", moderator=None, subject=f"site {slug}", fields=said)
        session.commit()
        click.echo(f"{slug} is changed.")
        if "origins" in changes:
            _say_origins(found)


def _say_origins(found: Site) -> None:
    click.echo(f"Forms stand on:  {', '.join(found.origins) or '(no page)'}")


@site.command("show")
@click.argument("slug")
def site_show(slug: str) -> None:
    """Show a site with its signing secret."""
    with open_session(read_only=True) as session:
        found = auth.site_by_slug(session, slug)
        click.echo(f"Name:            {found.name}")
        click.echo(f"Webhook address: /webhooks/{found.slug}/comments")
        for secret in auth.signing_secrets(found):
            click.echo(f"Signing secret:  {secret}")
        click.echo(f"Decisions go to: {found.callback_url or '(the site fetches them)'}")
        click.echo(f"Undo window:     {found.undo_seconds} s")
        if found.origins:
            _say_origins(found)


@site.command("rotate")
@click.argument("slug")
@click.option("--finish", is_flag=True, help="End all secrets but the newest: the site signs with that by now.")
def site_rotate(slug: str, finish: bool) -> None:
    """Make a new signing secret and print it; the ones before stay valid until --finish."""
    with open_session() as session:
        found = auth.site_by_slug(session, slug)
        if finish:
            ended = auth.end_old_secrets(found)
            audit.note(session, "secrets_ended", moderator=None, subject=f"site {slug}", number=ended)
        else:
            secret = auth.new_signing_key(found)
            audit.note(session, "secret_added", moderator=None, subject=f"site {slug}")
        session.commit()
    click.echo(f"Old secrets ended: {ended}." if finish else secret)


@site.command("akismet-key")
@click.argument("slug")
def site_akismet_key(slug: str) -> None:
    """Make another key for Akismet's clients and print it; those it has stay valid."""
    with open_session() as session:
        key = auth.new_akismet_key(auth.site_by_slug(session, slug))
        audit.note(session, "key_added", moderator=None, subject=f"site {slug}", kind="akismet")
        session.commit()
    click.echo(key)


@site.command("coral")
@click.argument("slug")
@click.argument("secret", required=False)
@click.option("--reject/--hold", default=None, help="Whether Coral rejects what a house rule says to delete.")
def site_coral(slug: str, secret: str | None, reject: bool | None) -> None:
    """Let Coral ask us: tell us the SECRET it signs with, and whether it may reject by itself (else it holds)."""
    with open_session() as session:
        found = auth.site_by_slug(session, slug)
        if secret:
            auth.add_coral_secret(found, secret)
            audit.note(session, "key_added", moderator=None, subject=f"site {slug}", kind="coral")
        if reject is not None:
            found.coral_rejects = reject
            audit.note(session, "site_changed", moderator=None, subject=f"site {slug}", fields=["coral_rejects"])
        session.commit()
    click.echo(f"{slug} is changed.")


@site.command("list")
def site_list() -> None:
    """List the sites."""
    with open_session(read_only=True) as session:
        for found in session.scalars(select(Site).order_by(Site.slug)):
            click.echo(f"{found.slug}\t{found.name}\t{found.callback_url or 'fetches its decisions'}")
