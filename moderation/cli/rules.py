"""`moderation rules`: a site's house rules as a file, and back."""

from pathlib import Path

import click

from moderation import rulebook
from moderation.cli.session import open_session, the_site
from moderation.config import load_settings
from moderation.rulebook import checks, files, modes


@click.group()
def rules() -> None:
    """A site's house rules as a file, and back."""


_SITE = click.option("--site", "slug", help="Which site; may be left out where there is only one.")


@rules.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@_SITE
@click.option("--version", type=click.IntRange(1), help="An earlier version; the newest when left out.")
def rules_export(file: Path | None, slug: str | None, version: int | None) -> None:
    """Write the house rules to FILE, or to the screen."""
    with open_session(read_only=True) as session:
        site = the_site(session, slug)
        kept = rulebook.get(session, site.id, version) if version else rulebook.current(session, site.id)
        text = files.write(rulebook.stated(kept), modes.stated(kept))
    if file is None:
        click.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8")
        click.echo(f"{file} holds the house rules of {site.slug}, version {kept.version if kept else 0}.")


@rules.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_SITE
@click.option("--dry-run", is_flag=True, help="Read and check only.")
def rules_import(file: Path, slug: str | None, dry_run: bool) -> None:
    """Make the rules in FILE all the house rules of a site, as a new version; what is not in it is archived."""
    stated = files.read_file(file)
    for note in checks.notes(stated.rules, longest=load_settings().max_comment_characters):
        click.echo(f"Note on {note}", err=True)
    with open_session(read_only=dry_run) as session:
        site = the_site(session, slug)
        before = rulebook.version(session, site.id)
        if dry_run:
            click.echo(f"{file} is in order: {len(stated.rules)} rules. Nothing was changed.")
            return
        saved = rulebook.save(session, site, stated.rules, modes=stated.modes).version
        session.commit()
        same = "already had these rules: version" if saved == before else "has new house rules: version"
        click.echo(f"{site.slug} {same} {saved}.")
