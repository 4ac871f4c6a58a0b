"""A site with something of everything, every word of it marked: a page that shows any of it gives itself away."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Flask, url_for
from sqlalchemy import Boolean, DateTime, Enum, Float, Integer, LargeBinary, String, inspect, select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from moderation import auth, batches, closings, decisions, rulebook, search, sites
from moderation.db import Base, Database, UtcDateTime, now
from moderation.decisions import Seen
from moderation.models import (
    AkismetQuestion,
    AkismetUse,
    Alarm,
    Appeal,
    AuditEntry,
    Automation,
    Batch,
    Burst,
    Channel,
    Claim,
    Comment,
    CoralComment,
    Deferral,
    Door,
    Draw,
    Fingerprint,
    LearnedModel,
    Learner,
    Letter,
    ModelState,
    Moderator,
    News,
    Notice,
    Outcome,
    PastText,
    ReceivedEvent,
    RelevanceAdaptation,
    Role,
    Site,
    SiteRole,
    Traits,
    UnfinishedImport,
)
from moderation.queue import defer
from moderation.rulebook import Mode
from tests.desks import PASSWORD, Person
from tests.stories import add_article, add_assessment, add_comment

EVERYDAY = "Nordring"
"""A word that the comments and articles of every site hold."""


def row(session: Session, model: type[Base], mark: str, **given: Any) -> Any:
    """Add a row; whatever it must have and is not given is marked, if it is a text, and else something harmless."""
    for column in inspect(model).columns:
        if column.key in given or column.nullable or column.default is not None or column.primary_key:
            continue
        given[column.key] = _something(column.type, f"{mark} {column.key}")
    made = model(**given)
    session.add(made)
    session.flush()
    return made


def _something(kind: Any, text: str) -> Any:
    if isinstance(kind, Enum):
        return next(iter(kind.enums))
    if isinstance(kind, String):
        return text[: kind.length]
    if isinstance(kind, UtcDateTime | DateTime):
        return now()
    plain: dict[type, Any] = {Boolean: False, Float: 0.5, Integer: 1, LargeBinary: b""}
    return next((value for known, value in plain.items() if isinstance(kind, known)), {})


def fill(session: Session, slug: str, mark: str, me: Moderator, other: Moderator) -> dict[str, Any]:
    """Make a site on which ``me`` and somebody else have done all there is to do; return what addresses may name."""
    site = sites.add_site(session, slug=slug, name=f"{mark} Blatt", callback_url=f"https://{mark}.example.org/hook")
    token_id = _keys(session, site, mark)
    rules = _rules(session, site, mark, me)
    key = site.house_rules[0].key
    article = add_article(session, site, external_id=f"{mark}-1", title=f"{mark} Titel", lead=f"{mark} Vorspann")
    article.body, article.section = f"{mark} steht am {EVERYDAY} im Text.", f"{mark} Teil"
    article.authors, article.url = [f"{mark} Autor"], f"https://{mark}.example.org/1"
    search.remember_article(session, article)
    who = {"commenter_id": f"{mark}-otto", "commenter_name": f"{mark} Otto", "commenter_email": f"{mark}@example.org"}
    comments = [
        add_comment(session, site, article=article, text=f"Du {mark}, der {EVERYDAY} ist zu. Nummer {number}", **who)
        for number in range(9)
    ]
    waits, approved, deleted, undoable, put_off, *batched, asked, drawn = comments
    for comment in comments:
        add_assessment(session, comment, site.house_rules[0])
        row(session, PastText, mark, comment_id=comment.id, revision=0, text=f"{mark} früher")
        row(session, Fingerprint, mark, site_id=site.id, comment_id=comment.id, piece=1)
        row(session, Traits, mark, comment_id=comment.id, revision=1)
    decisions.decide(session, approved.id, Outcome.APPROVE, moderator=other, seen=Seen(1))
    cut = decisions.decide(session, deleted.id, Outcome.DELETE, moderator=other, seen=Seen(1), rule_id=rules[0])
    assert cut.delivery is not None
    cut.delivery.last_error, cut.delivery.failed_at, cut.delivery.attempts = f"{mark} antwortet nicht", now(), 3
    mine = decisions.decide(session, undoable.id, Outcome.DELETE, moderator=me, seen=Seen(1), rule_id=rules[0])
    assert mine.delivery is not None
    mine.delivery.not_before = now() + timedelta(hours=1)
    defer(session, put_off.id, moderator=other, note=f"{mark} fragen")
    row(session, Deferral, mark, comment_id=waits.id, moderator_id=me.id, note=f"{mark} erledigt", ended_at=now())
    row(session, Claim, mark, comment_id=waits.id, moderator_id=other.id, expires_at=now() + timedelta(hours=1))
    batch = _batch(session, mark, me, [comment.id for comment in batched])
    article_closing = closings.decide(session, article.id, Door.CLOSE, moderator=me, reason=f"{mark} Ende")
    assert article_closing is not None
    assert article_closing.delivery is not None
    article_closing.delivery.not_before = now() + timedelta(hours=1)
    row(session, AkismetQuestion, mark, comment_id=asked.id, guid=f"{mark}-guid", key="0" * 12)
    detail = {"title": f"{mark} heiß", "article": article.id, "why": "rate", "minutes": 30, "recent": 9, "usual": 1.0}
    row(session, Alarm, mark, site_id=site.id, kind="hot", subject=f"article {article.id}", detail=detail)
    alarm = row(
        session,
        Alarm,
        mark,
        site_id=site.id,
        kind="automation_off",
        detail={"title": {"de": f"{mark} Regel"}, "key": key, "why": "checks", "promise": 0.9}
        | {"checked": 2, "right": 1, "decided": 2, "kept": 1},
    )
    made = {
        "slug": slug,
        "key": key,
        "number": 2,
        "comment_id": waits.id,
        "article_id": article.id,
        "decision_id": mine.id,
        "delivery_id": cut.delivery.id,
        "closing_id": article_closing.id,
        "batch_id": batch.id,
        "alarm_id": alarm.id,
        "key_id": token_id,
        "rule_id": rules[0],
        "site_id": site.id,
    }
    made |= _readers(session, site, mark, cut.id, waits.id)
    made |= _machines(session, site, mark, rules, me, drawn)
    row(
        session,
        AuditEntry,
        mark,
        deed="site_changed",
        subject=f"site {slug}",
        moderator_id=other.id,
        detail={"n": mark},
    )
    session.flush()
    return made


def _keys(session: Session, site: Site, mark: str) -> int:
    auth.new_token(site, name=f"{mark} Schlüssel")
    auth.new_akismet_key(site)
    session.flush()
    return next(key.id for key in site.keys if key.kind == "token")


def _rules(session: Session, site: Site, mark: str, me: Moderator) -> list[int]:
    """The rules to start with, marked, and a mode: the second version."""
    stated = rulebook.stated(rulebook.current(session, site.id))
    words = {"title": {"de": f"{mark} Regel", "en": f"{mark} rule"}, "text": {"de": f"{mark} gilt."}}
    marked = [rule.model_copy(update=words) for rule in stated]
    mode = Mode.model_validate(
        {
            "key": "nacht",
            "title": {"de": f"{mark} Nacht"},
            "hours": {"start": "00:00", "end": "23:59"},
            "rules": {marked[0].key: {"off": True}},
        }
    )
    rulebook.save(session, site, marked, modes=[mode], moderator=me)
    return [rule.id for rule in site.house_rules]


def _batch(session: Session, mark: str, me: Moderator, ids: list[int]) -> Batch:
    chosen = select(Comment).where(Comment.id.in_(ids))
    made = batches.create(session, chosen, moderator=me, outcome=Outcome.APPROVE, name=f"{mark} Stapel")
    batches.step(session, made.id)
    return made


def _readers(session: Session, site: Site, mark: str, decision_id: int, comment_id: int) -> dict[str, Any]:
    """What readers asked for, and who is told of it."""
    words = {"text": f"{mark} sagt wer", "language": "de", "email": f"{mark}@example.org"}
    appeal = row(session, Appeal, mark, decision_id=decision_id, **words)
    notice = row(session, Notice, mark, site_id=site.id, comment_id=comment_id, name=f"{mark} Ina", **words)
    row(session, Letter, mark, kind="reasons", decision_id=decision_id, language="de", address=f"{mark}@example.org")
    channel = row(session, Channel, mark, site_id=site.id, address=f"mailto:{mark}@example.org")
    row(session, News, mark, channel_id=channel.id, kind="hot", detail={"title": mark})
    return {"appeal_id": appeal.id, "notice_id": notice.id, "channel_id": channel.id}


def _machines(
    session: Session, site: Site, mark: str, rules: list[int], me: Moderator, drawn: Comment
) -> dict[str, Any]:
    """What is learned, decides by itself, and came from other services."""
    there = {"site_id": site.id}
    figures = {"auc": 0.9, "general": {"auc": 0.8}, "gain": 0.1, "error": 0.02}
    automation = row(
        session,
        Automation,
        mark,
        rule_id=rules[0],
        terms={"x": mark},
        moderator_id=me.id,
        outcome=Outcome.DELETE,
        **there,
    )
    row(session, Draw, mark, comment_id=drawn.id, revision=1, automation_id=automation.id, fate="checked")
    row(session, LearnedModel, mark, version=1, state=ModelState.SHADOW, rule_id=rules[0], figures=figures, **there)
    row(session, Learner, mark, **there)
    burst = row(session, Burst, mark, moderator_id=me.id, first_id=1, last_id=9, decisions=9, **there)
    row(session, RelevanceAdaptation, mark, **there)
    row(session, UnfinishedImport, mark, form="wordpress", **there)
    row(session, AkismetUse, mark, month=date(2026, 11, 1), blog=f"{mark}.example.org", **there)
    row(session, CoralComment, mark, **there)
    row(session, ReceivedEvent, mark, webhook_id=f"{mark}-1", **there)
    stranger = row(session, Moderator, mark, name=f"{mark} Moderatorin", confined=True)
    row(session, SiteRole, mark, moderator_id=stranger.id, role=Role.MODERATOR, **there)
    return {"burst_id": burst.id, "moderator_id": stranger.id}


MINE, THEIRS = "Amselfeld", "Zitronenfalter"
"""What marks the words of one's own site, and those of the other."""

OF_ONESELF = {"passkey_id", "sign_in_id"}
"""What addresses name that belongs to a person, not to a site."""


@dataclass
class House:
    """Two sites with something of everything; ``own`` and ``other`` are what addresses may name of each."""

    app: Flask
    database: Database
    own: dict[str, Any]
    other: dict[str, Any]

    def desk(self, name: str) -> Person:
        made = Person(self.app, name)
        assert made.sign_in() == "/queue"
        return made


def make_house(app: Flask, database: Database) -> House:
    """Two sites, where mona moderates one, anna leads it, and ada leads the house."""
    with database.session() as session:
        who = {
            name: sites.add_moderator(session, name=name, password=PASSWORD, role=role)
            for name, role in (("mona", Role.MODERATOR), ("anna", Role.MODERATOR), ("ada", Role.ADMIN))
        }
        session.flush()
        other = fill(session, "nachbarblatt", THEIRS, who["mona"], who["ada"])
        own = fill(session, "eigenblatt", MINE, who["mona"], who["ada"])
        sites.confine_moderator(session, who["mona"], {"eigenblatt": Role.MODERATOR}, by=who["ada"])
        sites.confine_moderator(session, who["anna"], {"eigenblatt": Role.ADMIN}, by=who["ada"])
        session.commit()
    return House(app, database, own, other)


def routes(app: Flask, method: str) -> Iterator[Rule]:
    """The desk's routes: a new one is among them by itself."""
    for rule in app.url_map.iter_rules():
        if method in (rule.methods or ()) and rule.endpoint not in auth.OPEN | auth.SIGNED | {"live.bell"}:
            yield rule


def address_of(app: Flask, rule: Rule, named: dict[str, Any]) -> str:
    """The address of a route; a KeyError asks whoever made a new one to say in `fill` what it may name."""
    asked = rule.arguments - set(rule.defaults or ())
    with app.test_request_context():
        return url_for(rule.endpoint, **{name: 1 if name in OF_ONESELF else named[name] for name in asked})
