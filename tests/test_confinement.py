"""Nobody sees or changes anything of a site that they may not: tried on every route there is."""

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import inspect, select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from moderation.confinement import OF_THE_HOUSE, confine
from moderation.db import Base, Database
from moderation.models import AuditEntry, Quota, SignIn
from tests.desks import Person
from tests.filled import EVERYDAY, MINE, OF_ONESELF, THEIRS, House, address_of, make_house, routes

FORMS = (
    {"outcome": "delete", "do": "off", "kind": "token", "to": "up"},
    {"outcome": "approve", "do": "save", "kind": "akismet", "to": "down"},
    {"outcome": "close", "do": "remove"},
    {"outcome": "open", "do": "resume"},
)
"""What forms say, by turns; each says all the rest, too."""


@pytest.fixture
def house(app: Flask, database: Database) -> House:
    return make_house(app, database)


def _is_of_a_site(rule: Rule) -> bool:
    return bool(rule.arguments - set(rule.defaults or ()) - OF_ONESELF)


def _asking(named: dict[str, Any]) -> dict[str, Any]:
    """What may stand behind an address, all of it about a site."""
    return {
        "site": named["slug"],
        "comment": named["comment_id"],
        "article": named["article_id"],
        "rule": named["rule_id"],
        "known": f"{named['comment_id']}",
        "newest": 0,
        "words": EVERYDAY,
    }


def test_there_is_something_of_everything_to_be_seen(house: House) -> None:
    """Without it the tests below would try nothing; a new table asks to be filled in `tests.filled`."""
    with house.database.session(read_only=True) as session:
        confine(session, [house.other["site_id"]])
        empty = {
            mapper.class_ for mapper in Base.registry.mappers if session.scalars(select(mapper.class_)).first() is None
        }
    assert empty - OF_THE_HOUSE == {AuditEntry}, "the log is hidden although there is something in it"


def test_an_admin_of_the_house_sees_it_all(house: House) -> None:
    """So that what is refused below is there, and named rightly."""
    ada = house.desk("ada")
    shown = set()
    for rule in routes(house.app, "GET"):
        answer = ada.client.get(address_of(house.app, rule, house.other), query_string=_asking(house.other))
        assert answer.status_code in {200, 302}, rule
        if THEIRS in answer.text:
            shown.add(rule.endpoint)
    hidden = {rule.endpoint for rule in routes(house.app, "GET")} - shown
    assert hidden == {"desk.home", "live.since", "access.show", "own.show", "rules.new", "records.log"}


@pytest.mark.parametrize("name", ["mona", "anna"])
def test_no_page_shows_anything_of_another_site(house: House, name: str) -> None:
    desk = house.desk(name)
    for rule in routes(house.app, "GET"):
        address = address_of(house.app, rule, house.other)
        for asked in ({}, _asking(house.other)):
            answer = desk.client.get(address, query_string=asked)
            assert THEIRS not in answer.text, address
            if _is_of_a_site(rule):
                assert answer.status_code == 404 or rule.endpoint.startswith("moderators."), address
    assert MINE in desk.client.get("/queue").text


@pytest.mark.parametrize("name", ["mona", "anna"])
def test_no_link_leads_to_another_site(house: House, name: str) -> None:
    """Every link and every part of a page that can be reached from the start, as long as new ones come."""
    desk = house.desk(name)
    seen: set[str] = set()
    open_: list[str] = ["/", "/queue?order=oldest", f"/search?words={EVERYDAY}", "/deliveries?state=failed"]
    while open_ and len(seen) < 300:
        address = open_.pop(0)
        answer = desk.client.get(address)
        assert THEIRS not in answer.text, address
        assert house.other["slug"] not in answer.text, address
        assert answer.status_code < 400, f"{address} leads to {answer.status_code}"
        found = {html.unescape(one).partition("#")[0] for one in re.findall(r'(?:href|hx-get)="(/[^"]*)"', answer.text)}
        found |= {answer.headers["location"]} if answer.status_code == 302 else set()
        fresh = sorted(one for one in found - seen if not one.startswith(("/static/", "/sign-in", "/queue?")))
        seen |= found
        open_ += fresh
    assert len(seen) > 60


def _form(named: dict[str, Any], said: dict[str, str]) -> dict[str, Any]:
    """A form that says whatever any form asks, about a site."""
    return {
        "site": named["slug"],
        "rule": named["rule_id"],
        "because": named["rule_id"],
        "following": named["comment_id"],
        "revision": 1,
        "status": "pending",
        "note": "x",
        "answer": "x",
        "sure": "yes",
        "counts": "yes",
        "scope": "read",
        "seen": 2,
        "looked_at": 9e9,
        "relevance_from": 0,
        "role": "admin",
        "enabled": "on",
        "name": "x",
        "title_de": "x",
        "text_de": "x",
        **said,
    }


def _posted(house: House, desk: Person, rule: Rule, named: dict[str, Any]) -> Iterator[TestResponse]:
    address = address_of(house.app, rule, named)
    token = _token(desk.client)
    for said in FORMS:
        yield desk.client.post(address, data=_form(house.other, said) | {"csrf_token": token})


def _token(client: FlaskClient) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/access").text)
    assert found
    return found[1]


def _columns(model: type[Base]) -> list[Any]:
    return [getattr(model, one.key) for one in inspect(model).column_attrs]


def _rows(database: Database, *, site_id: int | None = None) -> dict[str, list[str]]:
    """All that is in the tables, or all of one site."""
    with database.session(read_only=True) as session:
        if site_id is not None:
            confine(session, [site_id])
        return {
            mapper.class_.__name__: sorted(map(repr, session.execute(select(*_columns(mapper.class_)))))
            for mapper in Base.registry.mappers
            if mapper.class_ not in (OF_THE_HOUSE if site_id else {Quota, SignIn})
        }


def test_what_is_refused_below_an_admin_of_the_house_may_do(house: House) -> None:
    """Or at least it is found, and is too late or not as it should be."""
    desk = house.desk("ada")
    for rule in routes(house.app, "POST"):
        if _is_of_a_site(rule):
            codes = {answer.status_code for answer in _posted(house, desk, rule, house.other)}
            assert codes - {400, 403, 404}, rule


@pytest.mark.parametrize("name", ["mona", "anna"])
def test_no_form_changes_anything_of_another_site(house: House, name: str) -> None:
    desk = house.desk(name)
    before = _rows(house.database)
    for rule in routes(house.app, "POST"):
        if _is_of_a_site(rule):
            codes = {answer.status_code for answer in _posted(house, desk, rule, house.other)}
            assert codes <= {400, 403, 404, 422}, rule
            assert codes & {403, 404}, rule
            assert _rows(house.database) == before, rule


@pytest.mark.parametrize("name", ["mona", "anna"])
def test_what_a_form_names_is_not_taken_from_another_site(house: House, name: str) -> None:
    """Where the address is one's own, or names nothing, and the form names what is another site's."""
    desk, theirs = house.desk(name), house.other["site_id"]
    before = _rows(house.database, site_id=theirs)
    mixed = house.other | {"slug": house.own["slug"]}
    for rule in routes(house.app, "POST"):
        if rule.endpoint != "account.sign_out" and not rule.endpoint.startswith("access."):
            for answer in _posted(house, desk, rule, mixed):
                assert THEIRS not in answer.text, rule
            assert _rows(house.database, site_id=theirs) == before, rule
