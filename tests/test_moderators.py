"""Admins let moderators in and shut them out; nobody else does, and no house is left without an admin."""

import re

import pytest
from flask import Flask

from moderation import sites
from moderation.db import Database
from moderation.models import AuditEntry, Moderator, Role
from tests.conftest import PASSWORD
from tests.desks import Person


@pytest.fixture
def admin(app: Flask, database: Database) -> Person:
    with database.session() as session:
        sites.add_moderator(session, name="ada", password=PASSWORD, role=Role.ADMIN)
        session.commit()
    made = Person(app, "ada")
    made.sign_in()
    return made


def _shown(page: str) -> str:
    found = re.search(r"<code>([a-z2-9-]{19})</code>", page)
    assert found
    return found[1]


def _who(database: Database, name: str) -> Moderator:
    with database.session(read_only=True) as session:
        return session.query(Moderator).filter_by(name=name).one()


def test_somebody_is_let_in_and_shut_out(app: Flask, admin: Person, database: Database) -> None:
    password = _shown(admin.post("/moderators", name="  Nils ", role="moderator").text)
    nils = Person(app, "Nils")
    assert nils.sign_in(password) == "/queue"
    admin.post(f"/moderators/{_who(database, 'Nils').id}", role="moderator")
    assert not nils.is_in()
    assert nils.sign_in(password) == ""
    admin.post(f"/moderators/{_who(database, 'Nils').id}", role="admin", enabled="on")
    assert nils.sign_in(password) == "/queue"
    assert nils.client.get("/moderators").status_code == 200
    with database.session(read_only=True) as session:
        assert {"moderator_added", "moderator_changed"} <= {entry.deed for entry in session.query(AuditEntry)}


def test_whoever_lost_password_and_phone_gets_a_new_password(
    app: Flask, admin: Person, moderator: Moderator, database: Database
) -> None:
    mona = Person(app)
    mona.sign_in()
    mona.set_up_authenticator()
    password = _shown(admin.post(f"/moderators/{moderator.id}/password").text)
    assert not mona.is_in()
    assert mona.sign_in() == ""
    assert mona.sign_in(password) == "/queue"


def test_an_admin_cannot_take_the_rights_from_themselves(admin: Person, database: Database) -> None:
    ada = _who(database, "ada").id
    assert admin.post(f"/moderators/{ada}", role="moderator", enabled="on").status_code == 422
    assert admin.post(f"/moderators/{ada}", role="admin").status_code == 422
    assert admin.is_in()


def test_a_name_is_given_once(admin: Person, moderator: Moderator) -> None:
    assert admin.post("/moderators", name="mona", role="moderator").status_code == 422
    assert admin.post("/moderators", name=" ", role="moderator").status_code == 422
    assert admin.post("/moderators", name="kai", role="king").status_code == 422


def test_moderators_do_not_make_moderators(app: Flask, moderator: Moderator, database: Database) -> None:
    mona = Person(app)
    mona.sign_in()
    assert mona.client.get("/moderators").status_code == 403
    assert mona.post("/moderators", name="kai", role="admin").status_code == 403
    assert mona.post(f"/moderators/{moderator.id}", role="admin", enabled="on").status_code == 403
    assert _who(database, "mona").role is Role.MODERATOR
