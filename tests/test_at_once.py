"""What opens once opens once, however many try at the same moment; and no house is left without an admin."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pyotp
import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from moderation import auth, decisions, shifts
from moderation.access import codes, passwords
from moderation.config import Settings
from moderation.db import Database, now
from moderation.decisions import Seen
from moderation.models import (
    Appeal,
    AuditEntry,
    Authenticator,
    Comment,
    Letter,
    Moderator,
    Outcome,
    RecoveryCode,
    Role,
    ShiftLink,
    Site,
    Status,
)
from moderation.views import desk, moderators, services
from moderation.web import Services
from tests.conftest import add_moderator
from tests.desks import PASSWORD, Person, csrf
from tests.stories import add_comment
from tests.together import at_once


@pytest.fixture
def mona(app: Flask, moderator: Moderator) -> Person:
    made = Person(app)
    made.sign_in()
    return made


def _ready(person: Person, page: str, address: str, **form: str) -> Callable[[], Any]:
    """A form that is filled in, and lacks the click."""
    form["csrf_token"] = csrf(person.client, page)
    return partial(person.client.post, address, data=form)


def _count(database: Database, table: type) -> int:
    with database.session(read_only=True) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize("kind", ["of the app", "on paper"])
def test_a_code_that_is_given_by_many_at_once_opens_for_one(
    app: Flask, mona: Person, database: Database, kind: str
) -> None:
    totp, papers = mona.set_up_authenticator()
    with time_machine.travel(now() + timedelta(minutes=2), tick=False):  # setting it up took a code, too
        code = totp.now() if kind == "of the app" else papers[0]
        thieves = [Person(app) for _ in range(6)]
        for thief in thieves:
            assert thief.sign_in() == "/sign-in/code"
        clicks = [_ready(thief, "/sign-in/code", "/sign-in/code", code=code) for thief in thieves]
        assert sorted(answer.status_code for answer in at_once(clicks)) == [303] + [401] * 5
        assert sum(thief.is_in() for thief in thieves) == 1


def test_each_wrong_password_of_many_at_once_counts(
    app: Flask, moderator: Moderator, database: Database, settings: Settings
) -> None:
    with time_machine.travel(now(), tick=False):
        clicks = [_ready(Person(app), "/sign-in", "/sign-in", name="mona", password="falsch-falsch") for _ in range(30)]
        statuses = [answer.status_code for answer in at_once(clicks)]
    allowed = settings.sign_ins_per_minute
    assert (statuses.count(401), statuses.count(429)) == (allowed, 30 - allowed)
    with database.session(read_only=True) as session:
        assert session.get_one(Moderator, moderator.id).wrong_passwords == allowed


def test_the_last_of_too_many_wrong_passwords_locks_whoever_gives_it(database: Database, moderator: Moderator) -> None:
    def guess() -> None:
        with database.session() as session:
            assert passwords.check(session, "mona", "falsch-falsch") is None
            session.commit()

    at_once([guess] * passwords.MOST_WRONG)
    with database.session(read_only=True) as session:
        kept = session.get_one(Moderator, moderator.id)
        assert (kept.wrong_passwords, passwords.is_locked(kept)) == (passwords.MOST_WRONG, True)
        assert session.scalar(select(func.count()).where(AuditEntry.deed == "sign_in_locked")) == 1


def test_of_new_codes_for_paper_that_were_asked_for_at_once_one_set_opens(
    mona: Person, moderator: Moderator, database: Database
) -> None:
    mona.set_up_authenticator()

    connected = threading.Barrier(8)

    def ask() -> None:
        with database.session(read_only=True) as session:
            session.scalar(select(1))
            connected.wait(30)
        with database.session() as session:
            codes.new_recovery_codes(session, session.get_one(Moderator, moderator.id))
            session.commit()

    at_once([ask] * 8)
    assert _count(database, RecoveryCode) == codes.RECOVERY_CODES


def test_an_app_that_is_confirmed_twice_at_once_is_kept_once(mona: Person, database: Database) -> None:
    page = mona.post("/access/authenticator", password=PASSWORD).text
    found = re.search(r"<code>([A-Z2-7]{32})</code>", page)
    assert found
    click = _ready(mona, "/access", "/access/authenticator/code", code=pyotp.TOTP(found[1]).now())
    assert {answer.status_code for answer in at_once([click] * 4)} == {200}
    assert (_count(database, Authenticator), _count(database, RecoveryCode)) == (1, 10)


def test_an_objection_that_is_sent_by_many_at_once_is_one(
    app: Flask, database: Database, site: Site, moderator: Moderator, settings: Settings
) -> None:
    with database.session() as session:
        comment = add_comment(session, site, commenter_email="otto@example.org")
        made = decisions.decide(session, comment.id, Outcome.DELETE, moderator=moderator, seen=Seen(1))
        session.commit()
        path = settings.links.statement(made.id).removeprefix(settings.public_url)
    clicks = [_ready(Person(app), path, path, text=f"Nummer {number}") for number in range(4)]
    assert [answer.status_code for answer in at_once(clicks)] == [303] * 4
    with database.session(read_only=True) as session:
        assert session.scalar(select(func.count()).select_from(Appeal)) == 1
        assert session.scalar(select(func.count()).where(Letter.kind == "appeal_received")) == 1


def test_a_link_that_shows_what_waits_is_opened_by_one_of_many_at_once(
    app: Flask, database: Database, site: Site, moderator: Moderator, settings: Settings
) -> None:
    with database.session() as session:
        add_comment(session, site, text="Trottel")
        link = ShiftLink(moderator_id=moderator.id, expires_at=now() + shifts.GOOD_FOR)
        session.add(link)
        session.commit()
        path = settings.links.shift(link.id).removeprefix(settings.public_url)
    clicks = [_ready(Person(app), path, path) for _ in range(4)]
    answers = at_once(clicks)
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404]
    assert sum("Trottel" in answer.text for answer in answers) == 1


@pytest.mark.parametrize("way", ["role", "shut out", "sites", "both ways"])
def test_two_admins_who_take_each_others_rights_at_once_leave_one(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch, way: str, site: Site
) -> None:
    both = {name: add_moderator(database, name, Role.ADMIN).id for name in ("ada", "bob")}
    people = {name: Person(app, name) for name in both}
    ways = {
        "role": ("", {"role": "moderator", "enabled": "on"}),
        "shut out": ("", {"role": "admin"}),
        "sites": ("/sites", {"reach": "sites", "site-foerdeblick": "admin"}),
    }
    clicks = []
    for number, (name, other) in enumerate([("ada", "bob"), ("bob", "ada")]):
        people[name].sign_in()
        more, form = ways[way] if way in ways else list(ways.values())[number]
        clicks.append(_ready(people[name], "/moderators", f"/moderators/{both[other]}{more}", **form))
    met = threading.Barrier(2)

    def meet() -> Services:
        met.wait(30)  # by now both were found to be admins
        return services()

    monkeypatch.setattr(moderators, "services", meet)
    answers = sorted(answer.status_code for answer in at_once(clicks))
    monkeypatch.undo()
    assert answers in ([303, 401], [303, 403])
    assert sum(person.client.get("/moderators").status_code == 200 for person in people.values()) == 1


def _after_shutting_out(database: Database, moderator: Moderator) -> Services:
    """What views work with; somebody is shut out before the view has it."""
    with database.session() as session:
        session.get_one(Moderator, moderator.id).disabled_at = now()
        session.commit()
    return services()


def test_what_an_admin_began_who_was_shut_out_meanwhile_is_not_done(
    app: Flask, database: Database, admin: Moderator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A back door: who is about to go lets somebody else in."""
    ada = Person(app, "ada")
    ada.sign_in()
    click = _ready(ada, "/moderators", "/moderators", name="kai", role="admin")

    monkeypatch.setattr(moderators, "services", lambda: _after_shutting_out(database, admin))
    assert click().status_code == 401
    assert _count(database, Moderator) == 1


def test_a_site_keeps_a_secret_whoever_ends_the_old_ones_at_once(
    app: Flask, database: Database, site: Site, admin: Moderator
) -> None:
    ada = Person(app, "ada")
    ada.sign_in()
    page = f"/sites/{site.slug}"
    for _ in range(2):
        ada.post(f"{page}/secrets", page=page)
    new, end = (_ready(ada, page, f"{page}/secrets", **form) for form in ({}, {"do": "finish"}))
    at_once([end, new, end, end])
    with database.session() as session:
        kept = session.get_one(Site, site.id)
        assert len(auth.signing_secrets(kept)) in {1, 2}, "the new one, and what was the newest before"
        assert auth.signing_secrets(kept)[0] == max(kept.keys, key=lambda key: key.id).value


def test_nothing_is_decided_by_whoever_was_shut_out_since_they_clicked(
    app: Flask, mona: Person, database: Database, site: Site, moderator: Moderator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.session() as session:
        comment_id = add_comment(session, site).id
        session.commit()
    click = _ready(mona, "/access", f"/comments/{comment_id}/decision", outcome="approve", revision="1")
    monkeypatch.setattr(desk, "services", lambda: _after_shutting_out(database, moderator))
    assert click().status_code == 401
    with database.session(read_only=True) as session:
        assert session.get_one(Comment, comment_id).status is Status.PENDING
