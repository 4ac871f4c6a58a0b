"""`moderation learn`: what a site taught us: its models, learn now, try one, go back, run silently, rule on bursts."""

import json
import time

import click

from moderation.cli.backtest import table
from moderation.cli.session import open_session, the_site
from moderation.config import load_settings
from moderation.learning import bursts, lesson, shelf
from moderation.models import LearnedModel

_SITE = click.option("--site", "slug", help="Which site; may be left out where there is only one.")


@click.group()
def learn() -> None:
    """What was learned of a site's moderators."""


@learn.command("status")
@_SITE
def status(slug: str | None) -> None:
    """List the site's models with their figures, and bursts of decisions that wait for a ruling."""
    with open_session() as session:
        site = the_site(session, slug)
        learner = shelf.learner(session, site.id)
        click.echo(
            f"{site.slug}: learned from {learner.decisions} decisions, "
            + (f"last {learner.learned_at:%Y-%m-%d %H:%M} UTC" if learner.learned_at else "never yet")
            + (f"; {learner.lacking} comments are still to be read" if learner.lacking else "")
            + (
                "; after a rollback no model switches on by itself (`moderation learn resume`)"
                if learner.paused
                else ""
            )
        )
        for model in shelf.every(session, site.id):
            click.echo(_line(model))
        for burst in bursts.waiting(session, site.id):
            click.echo(
                f"burst {burst.id}: {burst.decisions} decisions by {burst.moderator.name}, "
                f"{burst.began_at:%Y-%m-%d %H:%M:%S}-{burst.ended_at:%H:%M:%S} UTC, do not count until an admin rules: "
                f"`moderation learn rule {burst.id} --counts` or `--left-out`"
            )


def _line(model: LearnedModel) -> str:
    figures = model.figures

    def show(value: float | None) -> str:
        return "-" if value is None else f"{value:.3f}"

    about = f"rule {model.rule.key}" if model.rule else "deletion"
    against = f"version {figures['compared_with']}" if figures.get("compared_with") else "the general model"
    gain = "not to be told" if figures.get("gain") is None else f"{figures['gain']:+.3f} ± {figures['error']:.3f}"
    return (
        f"version {model.version} {model.state:9} {about}: {model.decisions} decisions, {model.positives} of them; "
        f"auc {show(figures.get('auc'))} (general {show(figures['general']['auc'])}), ece {show(figures.get('ece'))}; "
        f"against {against} {gain}"
    )


@learn.command("run")
@_SITE
def run(slug: str | None) -> None:
    """Learn from the site's decisions now, and switch on what is surely better."""
    days = load_settings().keep_deleted_days
    with open_session() as session:
        site = the_site(session, slug)
        learner_id = shelf.learner(session, site.id).id
        found = lesson.gather(session, learner_id, days=days)
        session.commit()
    with open_session(read_only=True) as session:
        course = lesson.prepare(session, learner_id, found)
    results, report = lesson.learn(course)
    with open_session() as session:
        lesson.record(session, course, results, report)
        session.commit()
        for model in shelf.every(session, course.site_id)[: len(results)]:
            click.echo(_line(model))
    if not results:
        click.echo(f"Too few decisions to learn from: {len(course.found)}. At least 50, 4 of each outcome, are needed.")


@learn.command("trial")
@click.argument("version", type=click.IntRange(1))
@_SITE
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def trial(version: int, slug: str | None, as_json: bool) -> None:
    """Say how a version that is kept does on what was decided after it had been taught."""
    from moderation.learning import kept  # noqa: PLC0415 - numbers cost a second to load

    began = time.perf_counter()
    with open_session(read_only=True) as session:
        result = kept.trial(session, the_site(session, slug), version, days=load_settings().keep_deleted_days)
    result["seconds"] = round(time.perf_counter() - began, 2)
    click.echo(json.dumps(result) if as_json else table(result))


@learn.command("rollback")
@_SITE
@click.option("--rule", "key", help="Of this house rule rather than of deletion, by its key.")
@click.option("--general", is_flag=True, help="To the general model, past all that the site taught.")
def rollback(slug: str | None, key: str | None, general: bool) -> None:
    """Go back to the model before; none switches on by itself until `resume`."""
    with open_session() as session:
        site = the_site(session, slug)
        rule_id = None if key is None else shelf.rule_of(session, site, key).id
        earlier = shelf.roll_back(session, site, moderator=None, rule_id=rule_id, to_general=general)
        session.commit()
        without = "The general model is in force." if key is None else f"Nothing learned speaks of rule {key} any more."
        click.echo(f"Version {earlier.version} is in force." if earlier else without)


@learn.command("resume")
@_SITE
def resume(slug: str | None) -> None:
    """After a rollback: let models switch on by themselves again."""
    with open_session() as session:
        shelf.resume(session, the_site(session, slug), moderator=None)
        session.commit()
    click.echo("Models switch on again where they are surely better.")


@learn.command("shadow")
@click.argument("wish", type=click.Choice(["on", "off"]))
@_SITE
def shadow(wish: str, slug: str | None) -> None:
    """Let what is not in force yet judge silently, to see where it differs."""
    with open_session() as session:
        shelf.shadow(session, the_site(session, slug), on=wish == "on", moderator=None)
        session.commit()
    click.echo(f"Shadow mode is {wish}.")


@learn.command("rule")
@click.argument("burst", type=click.IntRange(1))
@click.option("--counts/--left-out", required=True, help="Whether to learn from it.")
def rule(burst: int, counts: bool) -> None:
    """Say whether a burst of decisions counts."""
    with open_session() as session:
        bursts.rule(session, burst, counts=counts, moderator=None)
        session.commit()
    click.echo(f"Burst {burst} {'counts from the next lesson on' if counts else 'is left out'}.")
