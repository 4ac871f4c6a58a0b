"""`moderation rules`: a site's house rules as a file, and back."""

import json
from pathlib import Path
from typing import Any

import click

from moderation import rulebook
from moderation.cli.session import open_session, the_site
from moderation.config import load_settings
from moderation.rulebook import checks, files, modes, preview


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
    longest = load_settings().max_comment_characters
    for note in checks.notes(stated.rules, longest=longest):
        click.echo(f"Note on {note}", err=True)
    for mode in stated.modes:
        for note in modes.notes(stated.rules, mode, longest=longest):
            click.echo(f"Note on mode {mode.key}: {note}", err=True)
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


@rules.command("schema")
def rules_schema() -> None:
    """Print the JSON schema of a file of house rules, for editors that complete and check as one types."""
    click.echo(json.dumps(files.RuleFile.model_json_schema(), indent=2, ensure_ascii=False))


@rules.command("backtest")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_SITE
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def rules_backtest(file: Path, slug: str | None, as_json: bool) -> None:
    """Say what the rules in FILE would have marked of the last twelve months; nothing is changed or judged anew."""
    told = _marked(slug, file)
    click.echo(json.dumps(told) if as_json else _table(told))


def _marked(slug: str | None, file: Path) -> dict[str, Any]:
    """Say what house rules would have marked of the last twelve months: by rule, in all, by section and month."""
    with open_session(read_only=True) as session:
        site = the_site(session, slug)
        stated = files.read_file(file).rules
        ids = {rule.key: rule.id for rule in rulebook.stated(rulebook.current(session, site.id))}
        drafts = [rule.model_copy(update={"id": ids.get(rule.key)}) for rule in stated]
        past = preview.history(session, site, [rule.applied() for rule in drafts])
        effect = preview.effect(past.comments, drafts)
        told = {"n": len(past.comments), "of": past.total, "since": past.since.isoformat()}
        told |= {"total": _shares(past, effect.total), "disagreed": effect.disagreed}
        told["rules"] = {key: _shares(past, marks) for key, marks in effect.rules.items()}
        for kind, groups in past.parts().items():
            told[kind] = {
                name: _shares(part, preview.effect(part.comments, drafts).total) for name, part in groups.items()
            }
        return told


def _shares(past: preview.History, marks: preview.Marks) -> dict[str, Any]:
    """Return counts, and shares from 0 to 1: of the marks people decided that were right, missed, and not marked."""
    counts = {name: getattr(marks, name) for name in ("marked", "approved", "deleted", "untold")}
    shares = {"precision": marks.precision, "missed": past.missed(marks), "saved": past.saved(marks)}
    return {"n": len(past.comments), **counts, **shares}


def _table(told: dict[str, Any]) -> str:
    """Return what house rules would have marked, for reading."""

    def show(value: float | None) -> str:
        return "-" if value is None else f"{value:.3f}"

    lines = [f"{told['n']} of {told['of']} judged comments since {told['since'][:10]}"]
    lines.append(f"{'':40}{'comments':>10}{'marked':>8}{'marks right':>13}{'missed':>8}{'not marked':>12}{'untold':>8}")
    groups = {"": {"all together": told["total"]}} | {kind: told[kind + "s"] for kind in ("rule", "section", "month")}
    for kind, rows in groups.items():
        lines += [
            f"{f'{kind} {name or chr(45)}'.strip()[:39]:40}{row['n']:>10}{row['marked']:>8}{show(row['precision']):>13}"
            f"{show(row['missed']):>8}{show(row['saved']):>12}{row['untold']:>8}"
            for name, row in rows.items()
        ]
    return "\n".join(lines)
