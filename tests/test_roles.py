"""Some moderators see certain sites only, and may be an admin there: given and taken by admins of the house."""

from collections.abc import Callable

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select

from moderation import batches, rulebook, shifts, sites
from moderation.access import openid
from moderation.cli import main
from moderation.config import Settings
from moderation.db import Database, now
from moderation.errors import BadInput
from moderation.models import AuditEntry, BatchItem, Comment, Letter, Moderator, Outcome, Role, Shift, Site
from tests.conftest import PASSWORD, csrf
from tests.desks import Person
from tests.stories import add_comment

Command = Callable[[str], str]


@pytest.fixture
def two(database: Database, site: Site, moderator: Moderator) -> None:
    """Two sites with a comment each; mona may decide in the whole house, ada sets it up."""
    with database.session() as session:
        other = sites.add_site(session, slug="hafenblatt", name="Hafenblatt")
        add_comment(session, other, text="Der Hafen bleibt.")
        add_comment(session, session.get_one(Site, site.id), text="Die Förde bleibt.")
        sites.add_moderator(session, name="ada", password=PASSWORD, role=Role.ADMIN)
        session.commit()


@pytest.fixture
def ada(app: Flask, two: None) -> Person:
    return _signed_in(app, "ada")


def _signed_in(app: Flask, name: str) -> Person:
    made = Person(app, name)
    made.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    assert made.sign_in() == "/queue"
    return made


def _deeds(database: Database) -> list[tuple[str, dict[str, object]]]:
    with database.session(read_only=True) as session:
        return [(entry.deed, entry.detail) for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]


def test_an_admin_says_which_sites_somebody_sees_and_it_holds_at_once(
    app: Flask, ada: Person, moderator: Moderator, database: Database
) -> None:
    mona = _signed_in(app, "mona")
    assert "Hafen bleibt" in mona.client.get("/search?words=bleibt").text
    page = ada.client.get(f"/moderators/{moderator.id}").text
    assert "Hafenblatt" in page
    chosen = {"reach": "sites", "site-foerdeblick": "moderator", "site-hafenblatt": ""}
    assert ada.post(f"/moderators/{moderator.id}/sites", **chosen).status_code == 303
    found = mona.client.get("/search?words=bleibt").text
    assert "Hafen bleibt" not in found
    assert "Förde bleibt" in found
    assert "Fördeblick" in ada.client.get("/moderators").text
    ada.post(f"/moderators/{moderator.id}/sites", reach="house", role="admin")
    assert "Hafen bleibt" in mona.client.get("/search?words=bleibt").text
    assert mona.client.get("/moderators").status_code == 200
    assert _deeds(database)[-2:] == [
        ("moderator_confined", {"sites": {"foerdeblick": "moderator"}}),
        ("moderator_released", {"role": "admin"}),
    ]


def test_somebody_is_let_in_at_certain_sites_only_and_sees_nothing_before_these_are_named(
    app: Flask, ada: Person, database: Database
) -> None:
    page = ada.post("/moderators", name="Nils", role="confined").text
    assert "sees no site yet" in page
    with database.session() as session:
        sites.add_moderator(session, name="Nils", password=PASSWORD)
        session.commit()
    nils = _signed_in(app, "Nils")
    assert "bleibt" not in nils.client.get("/queue").text
    assert "You see no site yet." in nils.client.get("/rules").text
    assert "at least one site" in ada.post(f"/moderators/{_id(database, 'Nils')}/sites", reach="sites").text


def test_whoever_chooses_sites_and_forgets_to_say_only_these_is_asked_again(ada: Person, moderator: Moderator) -> None:
    chosen = {"reach": "house", "role": "moderator", "site-hafenblatt": "admin"}
    answer = ada.post(f"/moderators/{moderator.id}/sites", **chosen)
    assert answer.status_code == 422
    assert '<option value="admin" selected>decides and sets it up' in answer.text


def _id(database: Database, name: str) -> int:
    with database.session(read_only=True) as session:
        return session.scalars(select(Moderator.id).where(Moderator.name == name)).one()


def test_an_admin_of_a_site_sets_it_up_and_nothing_else(
    app: Flask, two: None, moderator: Moderator, database: Database, command: Command
) -> None:
    command("moderation moderator sites mona foerdeblick:admin hafenblatt")
    mona = _signed_in(app, "mona")
    menu = mona.client.get("/queue").text
    assert 'href="/sites"' in menu
    assert 'href="/moderators"' not in menu
    assert 'href="/audit"' not in menu
    listed = mona.client.get("/sites").text
    assert "/sites/foerdeblick" in listed
    assert "/sites/hafenblatt" not in listed
    assert "Add a site" not in listed
    assert mona.post("/sites/foerdeblick/keys", kind="token", scope="manage").status_code == 200
    assert mona.post("/alarms/thresholds", site="foerdeblick").status_code == 303
    with database.session(read_only=True) as session:
        rules = rulebook.stated(rulebook.current(session, session.scalars(select(Site.id)).first() or 0))
    assert mona.post(f"/rules/foerdeblick/rule/{rules[0].key}/archive", seen="1").status_code == 303
    for refused in ("/sites/hafenblatt", "/sites/hafenblatt/keys", f"/rules/hafenblatt/rule/{rules[0].key}/archive"):
        assert mona.post(refused, seen="1", kind="token", scope="manage").status_code == 403, refused
    assert mona.post("/alarms/thresholds", site="hafenblatt").status_code == 403
    assert mona.post("/sites", slug="neu", name="Neu").status_code == 403
    for house in ("/moderators", "/audit", f"/moderators/{moderator.id}"):
        assert mona.client.get(house).status_code == 403
    assert "Der Hafen bleibt" in mona.client.get("/search?words=hafen").text


def test_what_is_inside_the_network_is_not_a_sites(app: Flask, two: None, command: Command) -> None:
    command("moderation moderator sites mona foerdeblick:admin")
    mona = _signed_in(app, "mona")
    form = {"name": "F", "language": "de", "time_zone": "Europe/Berlin", "undo_seconds": "10"}
    inside = {"callback_url": "http://10.0.0.1/", "callback_private": "on"}
    assert mona.post("/sites/foerdeblick", **form, **inside).status_code == 403
    assert mona.post("/sites/foerdeblick", **form, callback_url="https://f.example/").status_code == 303
    command("moderation site set foerdeblick --callback-url http://10.0.0.1/ --callback-private")
    assert mona.post("/sites/foerdeblick", **form, **inside, origins="http://10.0.0.2").status_code == 403
    channel = {
        "site": "foerdeblick",
        "name": "Chat",
        "address": "mmost://10.0.0.1/abc",
        "csrf_token": csrf(mona.client, "/access"),
    }
    assert mona.client.post("/alarms/channels", data=channel | {"private": "1"}).status_code == 403


def test_nobody_confines_themselves_and_nobody_confined_becomes_an_admin_unseen(
    ada: Person, database: Database, command: Command
) -> None:
    own = ada.post(f"/moderators/{_id(database, 'ada')}/sites", reach="sites", **{"site-foerdeblick": "admin"})
    assert own.status_code == 422
    command("moderation moderator sites mona foerdeblick")
    assert ada.post(f"/moderators/{_id(database, 'mona')}", role="admin", enabled="on").status_code == 422
    with database.session() as session, pytest.raises(BadInput, match="confined"):
        sites.add_moderator(session, name="mona", password=PASSWORD, role=Role.ADMIN)


def test_the_provider_does_not_say_which_sites(database: Database, two: None, settings: Settings) -> None:
    claims = {"iss": "https://login.example", "sub": "7", "groups": ["chiefs"]}
    by_group = settings.model_copy(update={"openid_admins": "chiefs"})
    with database.session() as session:
        mona = session.scalars(select(Moderator).where(Moderator.name == "mona")).one()
        mona.openid = openid.identity(claims)
        sites.confine_moderator(session, mona, {"foerdeblick": Role.MODERATOR}, by=None)
        assert openid.welcome(session, claims, by_group).role is Role.MODERATOR
        assert mona.confined
        sites.open_house(session, mona, Role.MODERATOR, by=None)
        assert openid.welcome(session, claims, by_group).role is Role.ADMIN


def test_the_letter_and_its_link_show_ones_own_sites(database: Database, two: None) -> None:
    with database.session() as session:
        mona = session.scalars(select(Moderator).where(Moderator.name == "mona")).one()
        sites.confine_moderator(session, mona, {"foerdeblick": Role.MODERATOR}, by=None)
        ada = session.scalars(select(Moderator).where(Moderator.name == "ada")).one()
        for who in (mona, ada):
            shift = {"email": f"{who.name}@example.org", "begins": "06:00", "days": [], "due_at": now()}
            session.add(Shift(moderator_id=who.id, **shift))
        session.flush()
        shifts.write(session, zone="Europe/Berlin", default_language="de")
        letters = {one.address: one.values for one in session.scalars(select(Letter))}
        assert [one["site"] for one in letters["mona@example.org"]["sites"]] == ["Fördeblick"]
        assert letters["mona@example.org"]["waiting"] == 1
        assert len(letters["ada@example.org"]["sites"]) == 2
        opened = shifts.open_once(session, letters["mona@example.org"]["shift"])
        assert [one.text for one in opened] == ["Die Förde bleibt."]


def test_a_batch_does_not_decide_what_its_maker_may_see_no_more(database: Database, two: None) -> None:
    with database.session() as session:
        mona = session.scalars(select(Moderator).where(Moderator.name == "mona")).one()
        batch = batches.create(session, select(Comment), moderator=mona, outcome=Outcome.DELETE)
        assert batch.site_id is None, "it is at two sites, so that nobody who is confined sees it"
        sites.confine_moderator(session, mona, {"foerdeblick": Role.MODERATOR}, by=None)
        session.flush()
        batches.step(session, batch.id)
        items = session.scalars(select(BatchItem).order_by(BatchItem.comment_id)).all()
        assert [item.skipped for item in items] == ["confined", None]


def test_the_commands_confine_release_and_list(command: Command, two: None, database: Database) -> None:
    command(f"moderation moderator add kai --site hafenblatt:admin --site foerdeblick --password {PASSWORD}")
    listed = command("moderation moderator list")
    assert listed == "ada\tadmin\nkai\tfoerdeblick:moderator hafenblatt:admin\nmona\tmoderator\n"
    command(f"moderation moderator add kai --password {PASSWORD}")
    assert command("moderation moderator list") == listed, "a new password opens no more than before"
    command("moderation moderator sites kai --whole-house")
    assert "kai\tmoderator" in command("moderation moderator list")
    deeds = [deed for deed, _ in _deeds(database)]
    assert deeds[-4:] == ["moderator_added", "moderator_confined", "password_given", "moderator_released"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("add kai --site nirgends", "There is no site 'nirgends'"),
        ("add kai --site hafenblatt:chef", "must be a site's short name"),
        ("add kai --site hafenblatt --role admin", "say --site SLUG:admin"),
        ("sites mona", "Say either which sites, or --whole-house"),
        ("sites mona hafenblatt --whole-house", "Say either which sites, or --whole-house"),
        ("sites niemand hafenblatt", "There is no moderator 'niemand'"),
    ],
)
def test_mistakes_are_told(settings: Settings, two: None, words: str, said: str) -> None:
    env = {"MODERATION_DATABASE_URL": settings.database_url, "MODERATION_HOME": str(settings.home)}
    password = ["--password", PASSWORD] if words.startswith("add") else []
    done = CliRunner().invoke(main, ["moderator", *words.split(), *password], env=env)
    assert done.exit_code != 0
    assert said in done.output
