"""The page of what is learned: figures, switches, bursts, disagreements; what a card says of the team; two orders."""

from datetime import timedelta

import numpy as np
import pytest
from click.testing import CliRunner
from sqlalchemy import select

from moderation import queue, repeats, sites
from moderation.cli import main
from moderation.config import Settings
from moderation.db import Database, now
from moderation.errors import BadInput
from moderation.judge.learned import SIGNALS, SKETCH, SiteModel
from moderation.judge.network import DIMENSION
from moderation.judge.ngrams import BUCKETS
from moderation.learning import honesty, opinions, shelf
from moderation.models import AuditEntry, Burst, Comment, LearnedModel, Maker, ModelState, Moderator, Outcome, Site
from moderation.queue import Order
from tests.conftest import PASSWORD
from tests.desks import Desk
from tests.stories import add_comment
from tests.test_lessons import PARTY, decide, history, learned_rule
from worker import tasks
from worker.app import Workshop


@pytest.fixture
def desk(moderator: Moderator, desk: Desk) -> Desk:
    return desk


def test_before_anything_is_learned_the_page_says_so(desk: Desk) -> None:
    assert "In force: the general model alone." in desk.client.get("/learning").text


def test_figures_are_shown_at_a_threshold_and_the_way_back_is_a_button(
    desk: Desk, database: Database, site: Site, workshop: Workshop
) -> None:
    history(database, site, 160)
    with database.session() as session:
        waits = add_comment(session, site, text=f"Der Plan verliert viel Zeit. {PARTY[0]}", due_at=now()).id
        session.commit()
    tasks.score()
    tasks.learn()
    tasks.score()
    page = desk.client.get("/learning?at=0.7").text
    assert "learned from your decisions (version 1)" in page
    assert "From a probability of 0.7 on" in page
    assert "of the marks are right" in page
    assert "What a threshold does" in page
    assert "our team deletes" in desk.client.get(f"/queue?comment={waits}").text
    desk.client.post("/learning/foerdeblick", data={"do": "roll_back", "csrf_token": desk.token("/learning")})
    assert "no model takes over by itself" in desk.client.get("/learning").text
    for wish in ("shadow_on", "resume"):
        answer = desk.client.post("/learning/foerdeblick", data={"do": wish, "csrf_token": desk.token("/learning")})
        assert answer.status_code == 303
    with database.session(read_only=True) as session:
        assert session.scalars(select(LearnedModel.state)).all() == [ModelState.RETIRED]


def _taught(site: Site, version: int, content: bytes | None = None) -> LearnedModel:
    zeros = (np.zeros(number, np.float32) for number in (SIGNALS, DIMENSION, SKETCH, BUCKETS))
    return LearnedModel(
        version=version,
        site_id=site.id,
        state=ModelState.RETIRED,
        content=content or SiteModel(0.0, 1.0, *zeros).to_bytes(),
        engine="e",
        decisions=200,
        positives=20,
        from_at=now(),
        until_at=now(),
        figures={"general": {"auc": 0.5}, "auc": 0.6, "gain": None},
    )


def _in_force(database: Database) -> list[int]:
    with database.session(read_only=True) as session:
        asked = select(LearnedModel.version).where(LearnedModel.state == ModelState.ACTIVE)
        return list(session.scalars(asked))


def test_one_goes_back_to_the_model_before_and_from_the_first_to_the_general_one(
    database: Database, site: Site, moderator: Moderator
) -> None:
    with database.session() as session:
        kept, mona = session.get_one(Site, site.id), session.get_one(Moderator, moderator.id)
        first, second = _taught(site, 1), _taught(site, 2, b"cut off")
        session.add_all([first, second])
        session.flush()
        for model in (first, second):
            shelf.put_in_force(session, model, moderator=None, why="surely_better")
        assert (first.state, second.state) == (ModelState.RETIRED, ModelState.ACTIVE)
        assert opinions.in_use(session, [site.id]) == {}, "one that cannot be read says nothing"
        assert shelf.roll_back(session, kept, moderator=mona) is first
        assert (first.state, second.state) == (ModelState.ACTIVE, ModelState.RETIRED)
        assert shelf.roll_back(session, kept, moderator=mona) is None
        assert (first.state, second.state) == (ModelState.RETIRED, ModelState.RETIRED)
        with pytest.raises(BadInput, match="nothing to go back to"):
            shelf.roll_back(session, kept, moderator=mona)
        told = session.scalars(select(AuditEntry.detail).where(AuditEntry.deed == "model_switched"))
        assert [(one["before"], one["after"]) for one in told] == [(None, 1), (1, 2), (2, 1), (1, None)]


def test_the_way_back_leads_to_no_model_that_cannot_be_read(
    desk: Desk, database: Database, site: Site, settings: Settings
) -> None:
    with database.session() as session:
        session.add_all([damaged := _taught(site, 1, b"cut off"), used := _taught(site, 2)])
        session.flush()
        for model in (damaged, used):
            shelf.put_in_force(session, model, moderator=None, why="surely_better")
        session.commit()
    page = desk.post("/learning/foerdeblick", do="roll_back")
    assert page.status_code == 422
    assert "Version 1 of the model is damaged" in page.text
    assert "moderation learn rollback --general" in page.text
    env = {"MODERATION_DATABASE_URL": settings.database_url, "MODERATION_HOME": str(settings.home)}
    refused = CliRunner().invoke(main, ["learn", "rollback"], env=env)
    assert refused.exit_code == 1
    assert "Version 1 is damaged" in refused.output
    assert "`moderation learn rollback --general`" in refused.output
    assert _in_force(database) == [2]
    assert "`moderation learn resume`" not in CliRunner().invoke(main, ["learn", "status"], env=env).output
    told = CliRunner().invoke(main, ["learn", "rollback", "--general"], env=env)
    assert "The general model is in force." in told.output
    assert _in_force(database) == []


def test_before_anything_is_decided_there_is_nothing_to_replay(site: Site, settings: Settings) -> None:
    env = {"MODERATION_DATABASE_URL": settings.database_url, "MODERATION_HOME": str(settings.home)}
    told = CliRunner().invoke(main, ["backtest", "--site", site.slug], env=env)
    assert (told.exit_code, "no decided comment to replay" in told.output) == (1, True)


def test_a_wish_that_is_none_is_refused(desk: Desk, site: Site) -> None:
    assert desk.post("/learning/foerdeblick", do="forget everything").status_code == 422
    assert desk.post("/learning/bursts/1", counts="perhaps").status_code == 422


def test_the_way_back_of_a_rule_is_a_button_beside_its_model(
    desk: Desk, database: Database, site: Site, workshop: Workshop
) -> None:
    rule_id = learned_rule(database, site)
    history(database, site, 200, rule_id)
    tasks.score()
    tasks.learn()
    assert 'name="rule" value="parteiwerbung"' in desk.client.get("/learning").text
    sent = {"do": "roll_back", "rule": "parteiwerbung", "csrf_token": desk.token("/learning")}
    assert desk.client.post("/learning/foerdeblick", data=sent | {"rule": "gone"}).status_code == 404
    assert desk.client.post("/learning/foerdeblick", data=sent).status_code == 303
    with database.session(read_only=True) as session:
        states = {model.rule_id: model.state for model in session.scalars(select(LearnedModel))}
        assert states == {None: ModelState.ACTIVE, rule_id: ModelState.RETIRED}
    desk.client.post("/learning/foerdeblick", data={"do": "shadow_on", "csrf_token": desk.token("/learning")})
    with database.session() as session:
        add_comment(session, site, text=f"Der Plan verliert viel Zeit. {PARTY[0]}", due_at=now())
        session.commit()
    tasks.learn()
    assert "Parteiwerbung" in desk.client.get("/learning").text


def test_how_often_people_overruled_what_was_learned_is_counted_by_version(
    desk: Desk, database: Database, site: Site, workshop: Workshop
) -> None:
    history(database, site, 160)
    tasks.score()
    tasks.learn()
    with database.session() as session:
        assert honesty.contradicted(session, site.id) == [], "what was decided before it spoke proves nothing"
        texts = [f"Der Plan verliert viel Zeit. {PARTY[0]}", f"Das Rathaus verdient guten Willen. {PARTY[1]}"]
        texts += ["Das Rathaus verdient guten Willen.", "Der Umweg kostet uns viel Zeit."]
        waiting = [add_comment(session, site, text=text, due_at=now()).id for text in texts]
        session.commit()
    tasks.score()
    with database.session() as session:
        outcomes = (Outcome.DELETE, Outcome.APPROVE, Outcome.APPROVE, Outcome.APPROVE)
        for id_, outcome in zip(waiting, outcomes, strict=True):
            decide(session, session.get_one(Comment, id_), outcome)
        session.commit()
        (model,) = honesty.contradicted(session, site.id)
    assert (model.version, model.to_delete, model.approved, model.to_approve, model.deleted) == (1, 2, 1, 2, 0)
    assert "How often people overruled what was learned" in desk.client.get("/learning").text


def test_only_an_admin_switches_and_rules_on_bursts(desk: Desk, database: Database, moderator: Moderator) -> None:
    with database.session() as session:
        site = session.scalars(select(Site)).one()
        moment = now()
        changes = {"first_id": 1, "last_id": 500, "decisions": 500, "began_at": moment, "ended_at": moment}
        session.add(Burst(site_id=site.id, moderator_id=moderator.id, **changes))
        session.commit()
    assert "mona: 500 decisions" in desk.client.get("/learning").text
    token = desk.token("/learning")
    assert desk.client.post("/learning/bursts/1", data={"counts": "perhaps", "csrf_token": token}).status_code == 422
    assert desk.client.post("/learning/bursts/1", data={"counts": "yes", "csrf_token": token}).status_code == 303
    assert "500 decisions" not in desk.client.get("/learning").text
    desk.client.post("/sign-out", data={"csrf_token": token})
    desk.sign_in("mona")
    token = desk.token("/rules")
    for address in ("/learning/bursts/1", "/learning/foerdeblick"):
        assert desk.client.post(address, data={"csrf_token": token, "counts": "yes"}).status_code == 403


def test_where_people_and_rules_disagree_is_shown(desk: Desk, database: Database, moderator: Moderator) -> None:
    text = "Die Hafenpartei hat es immer gesagt, und nun haben wir den Schlamassel hier."
    with database.session() as session:
        site = session.scalars(select(Site)).one()
        other = sites.add_moderator(session, name="otto", password=PASSWORD)
        session.flush()
        twins = [add_comment(session, site, text=text + end) for end in ("", " Ja!")]
        for comment in twins:
            repeats.remember(session, comment)
        decide(session, twins[0], Outcome.DELETE)
        decide(session, twins[1], Outcome.APPROVE, maker=Maker.MODERATOR, moderator_id=moderator.id)
        decide(session, twins[1], Outcome.DELETE, maker=Maker.MODERATOR, moderator_id=other.id)
        decide(session, twins[1], Outcome.APPROVE, maker=Maker.SITE)
        session.commit()
        (pair,) = honesty.twins(session, site.id)
        assert (pair.deleted.id, pair.approved.id) == (twins[0].id, twins[1].id)
        (apart,) = honesty.apart(session, site.id)
        assert (apart.first, apart.second, apart.both, apart.otherwise) == ("mona", "otto", 1, 1)
    page = desk.client.get("/learning").text
    assert "Nearly the same, decided differently" in page
    assert "Where two of you decided on the same text" in page


def test_the_surest_or_the_most_open_outcome_comes_first(database: Database, site: Site) -> None:
    with database.session() as session:
        made = {
            name: add_comment(session, site, uncertainty=value, submitted_at=now() - timedelta(minutes=1)).id
            for name, value in (("sure", 0.1), ("open", 0.98), ("middling", 0.5))
        }
        easiest = [comment.id for comment in queue.page(session, order=Order.EASIEST).comments]
        most_open = [comment.id for comment in queue.page(session, order=Order.OPEN).comments]
        assert easiest == [made["sure"], made["middling"], made["open"]]
        assert most_open == easiest[::-1]
        assert isinstance(session.get_one(Comment, made["sure"]).uncertainty, float)
