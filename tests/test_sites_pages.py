"""Admins add sites, set what can be set of them, and change their keys; nobody else does."""

import html
import re

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient
from sqlalchemy import select

from moderation import auth, sites
from moderation.db import Database
from moderation.models import AuditEntry, Moderator, Role, Site, SiteKey
from moderation.views.navigation import PAGES
from tests.conftest import PASSWORD
from tests.desks import Person
from tests.senders import Paper, comment
from tests.test_desk import _text

PLACE = "/sites/foerdeblick"


@pytest.fixture
def admin(app: Flask, database: Database) -> Person:
    with database.session() as session:
        sites.add_moderator(session, name="ada", password=PASSWORD, role=Role.ADMIN)
        session.commit()
    made = Person(app, "ada")
    made.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    made.sign_in()
    return made


def _codes(page: str) -> list[str]:
    notice = re.search(r'<div class="notice good".*?</div>', page, re.DOTALL)
    assert notice, page
    return re.findall(r"<code>([^<]+)</code>", notice[0])


def _settings(page: str, **changes: str) -> dict[str, str]:
    """What the form of a site holds, with changes."""
    form = page[page.index('aria-labelledby="settings"') : page.index('aria-labelledby="addresses"')]
    held = dict(re.findall(r'name="(\w+)"[^>]*?value="([^"]*)"', form))
    checked = set(re.findall(r"<input checked[^>]*name=\"(\w+)\"", form))
    boxes = set(re.findall(r'name="(\w+)" type="checkbox"', form))
    origins = re.search(r"<textarea[^>]*>\s*([^<]*)</textarea>", form)
    held["origins"] = origins[1] if origins else ""
    left_out = boxes - checked | {"csrf_token"}
    kept = {name: html.unescape(value) for name, value in held.items() if name not in left_out}
    return kept | changes


def _site(database: Database, slug: str = "foerdeblick") -> Site:
    with database.session(read_only=True) as session:
        return auth.site_by_slug(session, slug)


def test_a_site_is_added_and_can_send_at_once(admin: Person, client: FlaskClient, database: Database) -> None:
    page = admin.post("/sites", slug="deichblatt", name=" Deichblatt ", language="de", callback_url="")
    secret, token = _codes(page.text)
    assert "nur jetzt" in _text(page.text)
    assert Paper(client, "deichblatt", secret).send("comment.created", comment()).status_code == 202
    told = client.get("/api/v1/site", headers={"Authorization": f"Bearer {token}"}).json
    assert (told["slug"], told["name"], told["callback_url"]) == ("deichblatt", "Deichblatt", None)
    assert secret not in admin.client.get("/sites/deichblatt").text
    listed = _text(admin.client.get("/sites").text)
    assert "Deichblatt deichblatt · holt Entscheidungen ab 1 wartet" in listed


def test_a_queue_to_which_nothing_ever_came_says_where_to_look(
    app: Flask, admin: Person, moderator: Moderator, site: Site
) -> None:
    """It said that all was read."""
    mona = Person(app)
    mona.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    mona.sign_in()
    for address in ("/queue", "/queue?words=nirgends"):
        page = mona.client.get(address).text
        assert "Noch ist kein Kommentar angekommen." in _text(page)
        assert "Ein Admin verbindet die Website" in _text(page)
        assert "gelesen" not in page
    page = admin.client.get("/queue").text
    assert f'<a href="/sites/{site.slug}">' in page
    assert "moderation doctor" in page


NEED_A_SITE = ("/queue", "/rules", "/learning", "/alarms", "/transparency")


def test_before_there_is_a_site_every_page_can_be_looked_at(app: Flask, admin: Person) -> None:
    with app.test_request_context():
        addresses = [url_for(page.endpoint) for page in PAGES]
    told = {address: admin.client.get(address) for address in addresses}
    assert {answer.status_code for answer in told.values()} == {200}
    assert {address for address in addresses if "Es gibt noch keine Website" in told[address].text} == {*NEED_A_SITE}


@pytest.mark.parametrize("address", NEED_A_SITE)
def test_a_page_that_needs_a_site_says_how_to_add_the_first(admin: Person, mona: FlaskClient, address: str) -> None:
    to_whom_may = admin.client.get(address).text
    assert "<code>moderation site add SLUG --name NAME</code>" in to_whom_may
    assert '<p><a href="/sites">Eine Website hinzufügen</a></p>' in to_whom_may
    to_others = mona.get(address).text
    assert "Ein Admin fügt sie am Desk" in to_others
    assert "<code>moderation site add SLUG --name NAME</code>" in to_others
    assert 'href="/sites"' not in to_others


def test_what_is_wrong_with_a_new_site_stands_beside_the_field(admin: Person, site: Site, database: Database) -> None:
    for wrong, said in (
        ({"slug": "foerdeblick"}, "Diesen Kurznamen hat schon eine Website."),
        ({"slug": "Große Förde"}, "Nur kleine Buchstaben, Ziffern und Bindestriche"),
        ({"name": " "}, "Dieses Feld wird benötigt."),
        ({"callback_url": "ftp://x"}, "Eine Adresse beginnt mit https:// oder http://."),
        ({"language": "deutsch"}, "Zwei oder drei Buchstaben"),
    ):
        answer = admin.post("/sites", **({"slug": "neu", "name": "Neu", "language": "de", "callback_url": ""} | wrong))
        assert answer.status_code == 422
        assert said in _text(answer.text)
        assert 'aria-invalid="true"' in answer.text
    with database.session(read_only=True) as session:
        assert len(session.scalars(select(Site)).all()) == 1


def test_all_that_is_set_can_be_changed_and_the_rest_stays(admin: Person, site: Site, database: Database) -> None:
    before = _settings(admin.client.get(PLACE).text)
    admin.post(PLACE, **before)
    with database.session(read_only=True) as session:
        assert session.scalars(select(AuditEntry).where(AuditEntry.deed == "site_changed")).all() == []
    changes = {
        "name": "Förde & <b>Blick</b>",
        "language": "en",
        "time_zone": "Europe/London",
        "undo_seconds": "30",
        "callback_url": "https://zeitung.example/hausordnung",
        "callback_private": "y",
        "mails_reasons": "y",
        "origins": "https://zeitung.example\r\nhttps://www.zeitung.example/",
        "akismet_asks": "y",
    }
    assert admin.post(PLACE, **(before | changes)).status_code == 303
    now_set = _site(database)
    assert (now_set.name, now_set.language, now_set.time_zone) == ("Förde & <b>Blick</b>", "en", "Europe/London")
    assert (now_set.undo_seconds, now_set.callback_url) == (30, "https://zeitung.example/hausordnung")
    assert now_set.origins == ["https://zeitung.example", "https://www.zeitung.example"]
    flags = (now_set.callback_private, now_set.mails_reasons, now_set.akismet_asks, now_set.keeps_addresses)
    assert flags == (True, True, True, False)
    page = admin.client.get(PLACE).text
    assert "<b>Blick" not in page
    again = _settings(page, callback_url="")
    del again["callback_private"]
    assert admin.post(PLACE, **again).status_code == 303
    assert (_site(database).callback_url, _site(database).callback_private) == (None, False)
    assert _site(database).mails_reasons, "what was left as it was stays"
    with database.session(read_only=True) as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.deed == "site_changed")).all()
        assert [entry.detail["fields"] for entry in noted][1] == ["callback_private", "callback_url"]


def test_what_was_typed_stands_there_still_when_something_is_wrong(
    admin: Person, site: Site, database: Database
) -> None:
    before = _settings(admin.client.get(PLACE).text)
    for wrong, said in (
        ({"undo_seconds": "-1"}, "zwischen 0 und 86400"),
        ({"undo_seconds": "bald"}, "Keine gültige, ganze Zahl."),
        ({"time_zone": "Förde/Kiel"}, "Diese Zeitzone gibt es nicht"),
        ({"time_zone": "../etc"}, "Diese Zeitzone gibt es nicht"),
        ({"origins": "blog.example"}, "blog.example ist kein Ursprung"),
        ({"callback_url": "https://"}, "Eine Adresse beginnt mit"),
    ):
        answer = admin.post(PLACE, **(before | {"name": "Getippt"} | wrong))
        assert answer.status_code == 422
        assert said in _text(answer.text)
        assert 'value="Getippt"' in answer.text
    assert _site(database).name == site.name


def test_a_secret_is_changed_calmly(admin: Person, site: Site, client: FlaskClient, database: Database) -> None:
    old = auth.signing_secrets(_site(database))[0]
    (new,) = _codes(admin.post(f"{PLACE}/secrets").text)
    for number, secret in enumerate((old, new)):
        sent = Paper(client, "foerdeblick", secret).send("comment.created", comment(id=f"c{number}"))
        assert sent.status_code == 202
    admin.post(f"{PLACE}/secrets", do="finish")
    assert auth.signing_secrets(_site(database)) == [new]
    assert new not in admin.client.get(PLACE).text


def test_tokens_and_keys_are_made_and_revoked(
    admin: Person, site: Site, client: FlaskClient, database: Database
) -> None:
    (token,) = _codes(admin.post(f"{PLACE}/keys", kind="token", scope="read", name="Nachtschicht").text)
    ours = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/site", headers=ours).status_code == 200
    assert client.post("/api/v1/decisions/ack", json={"ids": []}, headers=ours).status_code == 403
    page = admin.client.get(PLACE).text
    assert "Nachtschicht darf lesen" in _text(page)
    assert token not in page
    (akismet,) = _codes(admin.post(f"{PLACE}/keys", kind="akismet").text)
    assert re.fullmatch(r"[0-9a-f]{12}", akismet)
    assert admin.post(f"{PLACE}/keys", kind="coral", secret="kurz").status_code == 422
    admin.post(f"{PLACE}/keys", kind="coral", secret="lang genug fuer Coral")
    assert admin.post(f"{PLACE}/keys", kind="token", scope="everything").status_code == 422
    assert admin.post(f"{PLACE}/keys", kind="spare").status_code == 422
    with database.session(read_only=True) as session:
        kinds = {key.kind: key.id for key in session.scalars(select(SiteKey))}
    assert set(kinds) == {"signing", "token", "akismet", "coral"}
    assert admin.post(f"{PLACE}/keys/{kinds['token']}").status_code == 303
    assert client.get("/api/v1/site", headers=ours).status_code == 401
    assert admin.post(f"{PLACE}/keys/{kinds['token']}").status_code == 404
    assert admin.post(f"{PLACE}/keys/{kinds['signing']}").status_code == 404, "secrets end otherwise"
    with database.session(read_only=True) as session:
        deeds = set(session.scalars(select(AuditEntry.deed)))
    assert {"key_added", "key_revoked"} <= deeds


def test_moderators_see_no_sites(app: Flask, moderator: Moderator, site: Site, database: Database) -> None:
    mona = Person(app)
    mona.sign_in()
    for address in ("/sites", PLACE):
        assert mona.client.get(address).status_code == 403
    assert mona.post("/sites", slug="x", name="X", language="de").status_code == 403
    for address in (PLACE, f"{PLACE}/secrets", f"{PLACE}/keys", f"{PLACE}/keys/1"):
        assert mona.post(address, kind="token", scope="manage").status_code == 403
    assert "/sites" not in mona.client.get("/queue").text


def test_a_site_that_there_is_not_is_explained(admin: Person, site: Site) -> None:
    assert admin.client.get("/sites/nirgends").status_code == 404
    assert admin.post("/sites/nirgends", name="X").status_code == 404
