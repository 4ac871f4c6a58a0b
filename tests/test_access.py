"""Getting in: password and code, codes on paper, locks, devices that can be signed out from elsewhere."""

import re
from datetime import timedelta

import argon2
import pytest
import time_machine
from click.testing import CliRunner
from flask import Flask

from moderation import create_app, sites
from moderation.access import passwords, resetting
from moderation.access.passwords import LOCKED_FOR, MOST_WRONG
from moderation.cli import main
from moderation.config import Settings
from moderation.db import Database, now
from moderation.models import AuditEntry, Moderator, Passkey, Role, SignIn
from tests.conftest import STRONG, add_moderator
from tests.desks import PASSWORD, Person, csrf
from tests.statements import heard


@pytest.fixture
def person(app: Flask, moderator: Moderator) -> Person:
    made = Person(app)
    made.sign_in()
    return made


def test_guessing_passwords_from_a_stolen_database_is_dear() -> None:
    """As RFC 9106 advises where memory is short: 64 MiB, three passes."""
    assert STRONG.type is argon2.Type.ID
    assert STRONG.memory_cost >= 64 * 1024
    assert STRONG.time_cost >= 3


def test_a_code_for_an_app_that_was_begun_before_the_sign_in_leads_back(person: Person) -> None:
    answer = person.post("/access/authenticator/code", code="123456")
    assert (answer.status_code, answer.headers.get("location")) == (303, "/access")


def test_an_app_whose_first_code_does_not_fit_is_not_kept(app: Flask, person: Person) -> None:
    person.post("/access/authenticator", password=PASSWORD)
    answer = person.post("/access/authenticator/code", code="000000")
    assert (answer.status_code, "<code>" in answer.text) == (422, True), "it may be tried again"
    assert Person(app).sign_in() == "/queue"


def test_with_an_authenticator_the_password_is_half_the_way(app: Flask, person: Person) -> None:
    totp, _ = person.set_up_authenticator()
    other = Person(app)
    assert other.sign_in() == "/sign-in/code"
    assert not other.is_in()
    assert other.code("000000") == ""
    with time_machine.travel(now() + timedelta(seconds=60)):
        assert other.code(totp.now()) == "/queue"
        assert other.is_in()


def test_no_code_opens_twice(app: Flask, person: Person) -> None:
    totp, papers = person.set_up_authenticator()
    with time_machine.travel(now() + timedelta(seconds=60), tick=False):
        code = totp.now()
        for opened in ("/queue", ""):
            other = Person(app)
            other.sign_in()
            assert other.code(code) == opened
    with time_machine.travel(now() + timedelta(seconds=180), tick=False):
        for opened in ("/queue", ""):
            other = Person(app)
            other.sign_in()
            assert other.code(papers[0]) == opened


def test_an_app_that_is_taken_away_opens_nothing_for_whoever_is_half_in(app: Flask, person: Person) -> None:
    totp, papers = person.set_up_authenticator()
    other = Person(app)
    other.sign_in()
    person.post("/access/authenticator/remove", password=PASSWORD)
    with time_machine.travel(now() + timedelta(seconds=60)):
        assert [other.code(code) for code in (totp.now(), papers[0])] == ["", ""]


def test_a_password_that_was_changed_is_half_the_way_no_more(app: Flask, person: Person) -> None:
    """Somebody has the old one, and is about to get hold of a code."""
    _, papers = person.set_up_authenticator()
    thief = Person(app)
    assert thief.sign_in() == "/sign-in/code"
    person.post("/access/password", password=PASSWORD, new="ein-ganz-neues-7")
    assert thief.code(papers[0]) == ""
    assert not thief.is_in()


def test_who_is_shut_out_between_password_and_code_stays_outside(
    app: Flask, person: Person, database: Database, moderator: Moderator
) -> None:
    _, papers = person.set_up_authenticator()
    other = Person(app)
    other.sign_in()
    with database.session() as session:
        session.get_one(Moderator, moderator.id).disabled_at = now()
        session.commit()
    assert other.code(papers[0]) == ""
    assert not other.is_in()


def test_the_code_must_come_soon_after_the_password(app: Flask, person: Person) -> None:
    totp, _ = person.set_up_authenticator()
    other = Person(app)
    with time_machine.travel(now(), tick=False) as clock:
        other.sign_in()
        token = csrf(other.client, "/sign-in/code")
        clock.shift(timedelta(minutes=6))
        answer = other.client.post("/sign-in/code", data={"csrf_token": token, "code": totp.now()})
    assert answer.status_code == 401
    assert not other.is_in()


def test_new_recovery_codes_end_the_old_ones(app: Flask, person: Person) -> None:
    _, old = person.set_up_authenticator()
    new = re.findall(
        r"<code>([a-z2-9]{5}-[a-z2-9]{5})</code>", person.post("/access/recovery-codes", password=PASSWORD).text
    )
    assert len(new) == 10
    assert not set(old) & set(new)
    other = Person(app)
    other.sign_in()
    assert other.code(old[1]) == ""
    assert other.code(new[1].upper()) == "/queue"


def test_the_app_is_removed_only_with_the_password(app: Flask, person: Person) -> None:
    person.set_up_authenticator()
    refused = person.post("/access/authenticator/remove", password="falsch-falsch")
    assert (refused.status_code, "Das ist nicht dein Kennwort." in refused.text) == (422, True)
    assert Person(app).sign_in() == "/sign-in/code"
    person.post("/access/authenticator/remove", password=PASSWORD)
    assert Person(app).sign_in() == "/queue"


def test_a_passkey_is_removed_only_with_the_password(
    app: Flask, person: Person, moderator: Moderator, database: Database
) -> None:
    with database.session() as session:
        session.add(Passkey(moderator_id=moderator.id, credential_id=b"key", public_key=b"public", name="Mein Rechner"))
        session.commit()
    for password in ("", "falsch-falsch"):
        assert person.post("/access/passkeys/1/remove", password=password).status_code == 422
    with database.session(read_only=True) as session:
        assert session.query(Passkey).count() == 1
    assert person.post("/access/passkeys/1/remove", password=PASSWORD).status_code == 303
    with database.session(read_only=True) as session:
        assert session.query(Passkey).count() == 0


def test_the_secret_of_an_authenticator_is_not_in_the_database(person: Person, database: Database) -> None:
    totp, papers = person.set_up_authenticator()
    with database.session(read_only=True) as session:
        kept = str(session.connection().exec_driver_sql("SELECT secret FROM authenticator").all())
        kept += str(session.connection().exec_driver_sql("SELECT code_hash FROM recovery_code").all())
    assert totp.secret not in kept
    assert not [code for code in papers if code.replace("-", "") in kept]


def test_another_device_is_signed_out_from_here(app: Flask, person: Person, database: Database) -> None:
    other = Person(app)
    other.sign_in()
    with database.session(read_only=True) as session:
        latest = session.query(SignIn).order_by(SignIn.id.desc()).first()
        assert latest
    person.post(f"/access/sign-ins/{latest.id}/end")
    assert not other.is_in()
    assert person.is_in()


def test_nobody_ends_somebody_elses_sign_in(app: Flask, person: Person, database: Database) -> None:
    with database.session() as session:
        sites.add_moderator(session, name="nils", password=PASSWORD)
        session.commit()
    nils = Person(app, "nils")
    nils.sign_in()
    with database.session(read_only=True) as session:
        first = session.query(SignIn).order_by(SignIn.id).first()
        assert first
    assert nils.post(f"/access/sign-ins/{first.id}/end").status_code == 404
    assert person.is_in()


def test_a_new_password_signs_out_all_other_devices(app: Flask, person: Person) -> None:
    other = Person(app)
    other.sign_in()
    assert person.post("/access/password", password=PASSWORD, new="kurz").status_code == 422
    person.post("/access/password", password=PASSWORD, new="ein-ganz-neues-7")
    assert person.is_in()
    assert not other.is_in()
    assert other.sign_in() == ""
    assert other.sign_in("ein-ganz-neues-7") == "/queue"


def test_a_cookie_that_was_copied_ends_with_the_sign_out(app: Flask, person: Person) -> None:
    cookie = person.client.get_cookie("hausordnung")
    assert cookie
    thief = app.test_client()
    thief.set_cookie("hausordnung", cookie.value)
    assert thief.get("/queue").status_code == 200
    person.post("/sign-out")
    assert thief.get("/queue").status_code == 302


def test_a_sign_in_tells_when_it_was_last_used(person: Person, database: Database) -> None:
    with time_machine.travel(now() + timedelta(minutes=30), tick=False):
        person.is_in()
        with database.session(read_only=True) as session:
            assert session.query(SignIn).one().seen_at == now()


def test_a_sign_in_ends_after_a_shift(person: Person) -> None:
    with time_machine.travel(now() + timedelta(hours=13)):
        assert not person.is_in()


def test_many_wrong_passwords_lock_the_account_for_a_while_and_its_owner_is_told(
    app: Flask, moderator: Moderator, database: Database
) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        for _ in range(MOST_WRONG):
            clock.shift(timedelta(minutes=1))  # slowly, below what is allowed within a minute
            assert Person(app).sign_in("falsch-falsch") == ""
        clock.shift(timedelta(minutes=1))
        assert Person(app).sign_in() == ""  # the right one opens nothing now, and says nothing
        clock.shift(LOCKED_FOR)
        owner = Person(app)
        assert owner.sign_in() == "/access"
        assert f"{MOST_WRONG} falsche Kennwörter oder Codes" in owner.client.get("/access").text
    with database.session(read_only=True) as session:
        assert session.query(AuditEntry).filter_by(deed="sign_in_locked").count() == 1


def test_whoever_guesses_the_password_at_somebody_elses_desk_loses_it_and_the_owner_is_told(
    app: Flask, person: Person
) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        for _ in range(MOST_WRONG):
            assert person.is_in()
            clock.shift(timedelta(minutes=1))
            assert person.post("/access/password", password="falsch-falsch", new="meins-nicht-deins").status_code == 422
        assert not person.is_in()
        clock.shift(LOCKED_FOR)
        owner = Person(app)
        assert owner.sign_in() == "/access"
        assert f"{MOST_WRONG} falsche Kennwörter oder Codes" in owner.client.get("/access").text


def test_many_wrong_codes_lock_the_account_and_its_owner_is_told(
    app: Flask, person: Person, database: Database
) -> None:
    """Whoever knows the password could else try codes for as long as they like, and nobody would hear of it."""
    totp, _ = person.set_up_authenticator()
    with time_machine.travel(now(), tick=False) as clock:
        thief = Person(app)
        for number in range(MOST_WRONG):
            clock.shift(timedelta(minutes=1))
            if number % 4 == 0:
                assert thief.sign_in() == "/sign-in/code"
            assert thief.code("000000") == ""
        assert thief.code(totp.now()) == ""  # the right one opens nothing now
        assert Person(app).sign_in() == ""
        clock.shift(LOCKED_FOR + timedelta(minutes=1))
        owner = Person(app)
        assert owner.sign_in() == "/sign-in/code"
        assert owner.code(totp.now()) == "/access"
        assert f"{MOST_WRONG} falsche Kennwörter oder Codes" in owner.client.get("/access").text
    with database.session(read_only=True) as session:
        assert session.query(AuditEntry).filter_by(deed="sign_in_locked").count() == 1


def test_a_name_that_is_none_costs_as_much_as_any_other(
    database: Database, moderator: Moderator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes time is comparing with a slow hash; it is done once, by the same parameters, whoever is meant."""
    compared: list[argon2.Parameters] = []

    class Counting(argon2.PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            compared.append(argon2.extract_parameters(str(hash)))
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "hasher", Counting(time_cost=1, memory_cost=8, parallelism=1))
    with database.session() as session:
        session.add(Moderator(name="olga", role=Role.MODERATOR, openid="issuer 7", password_hash=passwords.NONE))
        session.commit()
    for name in ("mona", "nobody", "olga"):
        with database.session() as session:
            assert passwords.check(session, name, "falsch-falsch") is None
    assert len(compared) == 3
    assert compared[0] == compared[1] == compared[2]


def test_a_name_that_is_none_has_the_disk_write_as_much_as_any_other(database: Database, moderator: Moderator) -> None:
    """To count a wrong password takes a commit that waits for the disk: so must what counts nothing."""
    for name in ("lars", "gone"):
        add_moderator(database, name)
    with database.session() as session:
        session.query(Moderator).filter_by(name="lars").one().locked_until = now() + LOCKED_FOR
        session.query(Moderator).filter_by(name="gone").one().disabled_at = now()
        session.commit()
    done = {}
    for name in ("mona", "nobody", "lars", "gone"):
        with heard(database.engine) as asked, database.session() as session:
            assert passwords.check(session, name, "falsch-falsch") is None
            session.commit()
        done[name] = (len(asked), sum(one.statement.startswith(("UPDATE", "INSERT")) for one in asked))
    assert set(done.values()) == {done["mona"]}


def test_a_password_that_was_kept_cheaply_is_kept_dearly_from_the_next_sign_in(
    app: Flask, moderator: Moderator, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    dearer = argon2.PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    monkeypatch.setattr(passwords, "hasher", dearer)
    assert dearer.check_needs_rehash(moderator.password_hash)
    for _ in range(2):
        assert Person(app).sign_in() == "/queue"
        with database.session(read_only=True) as session:
            assert not dearer.check_needs_rehash(session.get_one(Moderator, moderator.id).password_hash)


def test_whoever_has_no_password_need_not_give_one(person: Person, database: Database, moderator: Moderator) -> None:
    with database.session() as session:
        session.get_one(Moderator, moderator.id).password_hash = passwords.NONE
        session.commit()
    assert person.post("/access/authenticator").status_code == 200


def test_a_house_that_wants_a_second_factor_shows_nothing_before(settings: Settings, moderator: Moderator) -> None:
    app = create_app(settings.model_copy(update={"second_factor": "required"}))
    app.testing = True
    person = Person(app)
    person.sign_in()
    assert person.client.get("/queue").headers["location"] == "/access"
    assert "zweiten Faktor" in person.client.get("/access").text
    assert person.client.get("/nowhere").status_code == 404
    assert person.post("/sign-out").headers["location"] == "/sign-in", "one may leave without it"
    person.sign_in()
    person.set_up_authenticator()
    assert person.is_in()
    app.extensions["moderation"].database.dispose()


def test_where_a_second_factor_is_wanted_a_password_alone_opens_nothing(
    settings: Settings, moderator: Moderator, database: Database
) -> None:
    issuer = "https://login.example"
    app = create_app(settings.model_copy(update={"second_factor": "required", "openid_issuer": issuer}))
    app.testing = True
    with database.session() as session:
        session.add(Passkey(moderator_id=moderator.id, credential_id=b"key", public_key=b"public", name="Mein Rechner"))
        session.commit()
    assert Person(app).sign_in() == ""
    with database.session() as session:
        resetting.reset(session, session.get_one(Moderator, moderator.id), by=None)
        session.get_one(Moderator, moderator.id).openid = f"{issuer} 7"
        session.commit()
    person = Person(app)
    assert person.sign_in() == ""
    assert not person.is_in()
    app.extensions["moderation"].database.dispose()


def test_whoever_lost_the_phone_gets_in_again(
    app: Flask, person: Person, database: Database, moderator: Moderator, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.set_up_authenticator()
    with database.session() as session:
        session.add(Passkey(moderator_id=moderator.id, credential_id=b"key", public_key=b"public", name="Handy"))
        session.commit()
    settings = app.extensions["moderation"].settings
    monkeypatch.setenv("MODERATION_HOME", str(settings.home))
    monkeypatch.setenv("MODERATION_DATABASE_URL", settings.database_url)
    done = CliRunner().invoke(main, ["moderator", "reset-access", "mona"], catch_exceptions=False)
    assert done.exit_code == 0
    assert not person.is_in()
    assert person.sign_in() == "/queue"
    assert "Handy" not in person.client.get("/access").text, "whoever found it does not"
