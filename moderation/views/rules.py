"""The pages of the house rules: in order, one by one, with what a change would have done, and their versions."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import auth, rulebook
from moderation.automation import watch
from moderation.db import now
from moderation.errors import BadInput, NotFound
from moderation.learning.lesson import LEAST_CITED
from moderation.models import Comment, Moderator, RuleSet, Site
from moderation.reading import reading
from moderation.rulebook import StatedRule, checks, modes
from moderation.rulebook.preview import BINS, Histogram, Preview, histogram, preview
from moderation.rulebook.stated import make_key
from moderation.views import asked_site, me, rule_form, rule_words, services

blueprint = Blueprint("rules", __name__)

VERSION = "int(max=1000000000)"


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    return {"rule_words": rule_words}


@blueprint.get("/rules")
def every() -> ResponseReturnValue:
    """List the house rules of a site in their order, with the versions there were."""
    with reading() as session:
        site, sites = asked_site(session)
        kept = rulebook.versions(session, site.id)
        rules = rulebook.stated(kept[0] if kept else None)
        return render_template(
            "rules.html",
            site=site,
            sites=sites,
            rules=rules,
            notes=_notes(rules),
            versions=kept,
            savers=_savers(session, kept),
            may_save=current_user.manages(site),
            signals=rule_form.signals(),
            modes=modes.stated(kept[0] if kept else None),
            mode_on=modes.on(session, site, modes.stated(kept[0] if kept else None), now()),
            deciding={automation.rule_id for automation in watch.running(session, site_id=site.id)},
        )


def _savers(session: Session, kept: Sequence[RuleSet]) -> dict[int, str]:
    ids = {one.moderator_id for one in kept if one.moderator_id is not None}
    rows = session.execute(select(Moderator.id, Moderator.name).where(Moderator.id.in_(ids)))
    return dict(iter(rows))


def _notes(rules: Sequence[StatedRule]) -> list[checks.Note]:
    return checks.notes(rules, longest=services().settings.max_comment_characters)


@blueprint.get("/rules/<slug>/new", defaults={"key": None}, endpoint="new")
@blueprint.get("/rules/<slug>/rule/<key>", endpoint="one")
def edit(slug: str, key: str | None) -> ResponseReturnValue:
    """Show the form of a rule, bound to what it is bound to or, with ``signal``, to something else."""
    with reading() as session:
        site = auth.site_by_slug(session, slug)
        rule = _rule(session, site, key)
        form = _form(session, site, rule, request.args.get("signal"))
        if rule is None:
            return _show(session, site, form, key=key)
        return _show(session, site, form, key=key, draft=rule)


def _rule(session: Session, site: Site, key: str | None) -> StatedRule | None:
    if key is None:
        return None
    rules = rulebook.stated(rulebook.current(session, site.id))
    found = next((rule for rule in rules if rule.key == key), None)
    if found is None:
        raise NotFound(f"There is no house rule {key!r} any more.", code="unknown_rule")
    return found


def _languages(site: Site, rule: StatedRule | None) -> list[str]:
    """The site's own language first, then the desk's, then whatever else the rule speaks."""
    return list(dict.fromkeys([site.language[:2], "de", "en", *(sorted(rule.title) if rule else ())]))


def _form(session: Session, site: Site, rule: StatedRule | None, signal: str | None) -> FlaskForm:
    asked = signal or (str(rule.applied().signal) if rule else "relevance")
    if asked not in rule_form.KINDS:
        raise BadInput(f"A rule cannot be bound to {asked!r}.", field="signal")
    return rule_form.make(asked, _languages(site, rule), rule, seen=str(rulebook.version(session, site.id)))


@blueprint.post("/rules/<slug>/new", defaults={"key": None}, endpoint="save_new")
@blueprint.post("/rules/<slug>/rule/<key>", endpoint="save")
def save(slug: str, key: str | None) -> ResponseReturnValue:
    """Show what the rule as filled in would have done; or save it, once what is to be said of it was seen."""
    with services().database.session() as session:
        site = auth.site_to_manage(session, slug)
        rule = _rule(session, site, key)
        form = _form(session, site, rule, request.form.get("signal"))
        present = rulebook.stated(rulebook.current(session, site.id))
        draft = _draft(form, site, rule, present)
        if draft is None or not form.validate():
            session.rollback()
            return _show(session, site, form, key=key)[0], 422
        rules = _with(present, draft)
        notes = [note for note in _notes(rules) if note.key == draft.key]
        if request.form.get("do") != "save" or (notes and request.form.get("read") != _said(notes)):
            session.rollback()
            return _show(session, site, form, key=key, draft=draft)
        rulebook.save(session, site, rules, moderator=me(session), seen=_seen())
        session.commit()
    return redirect(url_for("rules.every", site=slug), 303)


def _said(notes: Sequence[checks.Note]) -> str:
    """What was shown, so that only what was read is saved."""
    return " | ".join(map(str, notes))


def _draft(form: FlaskForm, site: Site, rule: StatedRule | None, present: Sequence[StatedRule]) -> StatedRule | None:
    languages = _languages(site, rule)
    titles = [form[f"title_{language}"].data for language in languages if form[f"title_{language}"].data]
    key = rule.key if rule else make_key(titles[0] if titles else "", [one.key for one in present])
    return rule_form.read(form, languages, key=key, before=rule)


def _with(present: Sequence[StatedRule], draft: StatedRule) -> list[StatedRule]:
    rules = [draft if rule.key == draft.key else rule for rule in present]
    return rules if draft in rules else [*rules, draft]


def _seen() -> int:
    given = request.form.get("seen", "")
    if not given.isascii() or not given.isdigit() or len(given) > 9:
        raise BadInput("`seen` must be the version you looked at.", field="seen")
    return int(given)


def _show(
    session: Session, site: Site, form: FlaskForm, *, key: str | None, draft: StatedRule | None = None
) -> tuple[str, int]:
    """Render the form, with the preview of the draft where there is one."""
    present = rulebook.stated(rulebook.current(session, site.id))
    shown, notes, bars = None, [], None
    if draft is not None:
        rules = _with(present, draft)
        notes = [note for note in _notes(rules) if note.key == draft.key]
        shown = preview(session, site, rules, present=present)
        bars = histogram(shown.history.comments, draft)
    html = render_template(
        "rule.html",
        site=site,
        key=key,
        form=form,
        languages=[name.removeprefix("title_") for name in form.data if name.startswith("title_")],
        signals=rule_form.signals(),
        draft=draft,
        notes=notes,
        said=_said(notes),
        preview=shown,
        option=_option(bars) if bars else None,
        bars=_bars(bars) if bars else None,
        titles={rule.key: rule.title for rule in present},
        examples=_examples(session, shown, draft),
        may_save=current_user.manages(site),
        least_cited=LEAST_CITED,
    )
    return html, 200


def _examples(session: Session, shown: Preview | None, draft: StatedRule | None) -> dict[str, list[Comment]]:
    if shown is None or draft is None:
        return {}
    wanted = {"marked": shown.examples(draft.key), "newly": shown.newly, "no_longer": shown.no_longer}
    ids = {id_ for some in wanted.values() for id_ in some}
    found = {comment.id: comment for comment in session.scalars(select(Comment).where(Comment.id.in_(ids)))}
    return {name: [found[id_] for id_ in some if id_ in found] for name, some in wanted.items()}


def _option(bars: Histogram) -> dict[str, Any]:
    """The histogram as a chart: stacked by what people decided, the rule's bound as a line."""
    parts = [
        (gettext("deleted"), bars.deleted),
        (gettext("approved"), bars.approved),
        (gettext("open"), bars.undecided),
    ]
    series: list[dict[str, Any]] = [
        {
            "type": "bar",
            "stack": "all",
            "name": name,
            "barWidth": "4%",
            "data": [[(at + 0.5) / BINS, number] for at, number in enumerate(numbers)],
        }
        for name, numbers in parts
    ]
    line = {"xAxis": bars.bound, "name": gettext("bound")}
    series[0]["markLine"] = {"symbol": "none", "data": [line], "label": {"formatter": "{b}"}}
    return {
        "legend": {},
        "tooltip": {},
        "xAxis": {"type": "value", "min": 0, "max": 1},
        "yAxis": {"type": "value"},
        "series": series,
    }


def _bars(bars: Histogram) -> list[tuple[str, int, int, int]]:
    return [
        (f"{rule_words.number(at / BINS)}–{rule_words.number((at + 1) / BINS)}", deleted, approved, undecided)
        for at, (deleted, approved, undecided) in enumerate(
            zip(bars.deleted, bars.approved, bars.undecided, strict=True)
        )
    ]


@blueprint.post("/rules/<slug>/rule/<key>/move")
def move(slug: str, key: str) -> ResponseReturnValue:
    """Put a rule one place up or down."""
    with services().database.session() as session:
        site = auth.site_to_manage(session, slug)
        rules = rulebook.stated(rulebook.current(session, site.id))
        at = rules.index(_moved(session, site, key))
        to = at - 1 if request.form.get("to") == "up" else at + 1
        if 0 <= to < len(rules):
            rules[at], rules[to] = rules[to], rules[at]
        rulebook.save(session, site, rules, moderator=me(session), seen=_seen())
        session.commit()
    return redirect(url_for("rules.every", site=slug), 303)


def _moved(session: Session, site: Site, key: str) -> StatedRule:
    rule = _rule(session, site, key)
    if rule is None:
        raise NotFound(f"There is no house rule {key!r} any more.", code="unknown_rule")
    return rule


@blueprint.post("/rules/<slug>/rule/<key>/archive")
def archive(slug: str, key: str) -> ResponseReturnValue:
    """Take a rule out of force; it is kept, because decisions cite it, and an earlier version brings it back."""
    with services().database.session() as session:
        site = auth.site_to_manage(session, slug)
        _moved(session, site, key)
        rules = [rule for rule in rulebook.stated(rulebook.current(session, site.id)) if rule.key != key]
        rulebook.save(session, site, rules, moderator=me(session), seen=_seen())
        session.commit()
    return redirect(url_for("rules.every", site=slug), 303)


@blueprint.get(f"/rules/<slug>/versions/<{VERSION}:number>")
def version(slug: str, number: int) -> ResponseReturnValue:
    """Show an earlier version, and what going back to it would have changed."""
    with reading() as session:
        site = auth.site_by_slug(session, slug)
        kept = rulebook.get(session, site.id, number)
        rules, present = rulebook.stated(kept), rulebook.stated(rulebook.current(session, site.id))
        return render_template(
            "rule_version.html",
            site=site,
            kept=kept,
            rules=rules,
            preview=preview(session, site, rules, present=present),
            titles={rule.key: rule.title for rule in (*present, *rules)},
            savers=_savers(session, [kept]),
            newest=rulebook.version(session, site.id),
            may_save=current_user.manages(site),
        )


@blueprint.post(f"/rules/<slug>/versions/<{VERSION}:number>", endpoint="go_back")
def go_back(slug: str, number: int) -> ResponseReturnValue:
    """Make the rules of an earlier version those of a new one."""
    with services().database.session() as session:
        site = auth.site_to_manage(session, slug)
        kept = rulebook.get(session, site.id, number)
        rules, kept_modes = rulebook.stated(kept), modes.stated(kept)
        rulebook.save(session, site, rules, modes=kept_modes, moderator=me(session), seen=_seen())
        session.commit()
    return redirect(url_for("rules.every", site=slug), 303)
