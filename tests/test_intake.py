"""What a site says is taken in exactly once, in whatever order it comes."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import StatementError

from moderation import bulk, decisions, intake, senders
from moderation.contract import parse_event
from moderation.db import Database
from moderation.decisions import Seen
from moderation.models import Article, Comment, Delivery, Moderator, Outcome, PastText, Site, Status
from tests.senders import ARTICLE, Paper, comment
from tests.stories import add_comment

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def _only(database: Database) -> Comment:
    with database.session(read_only=True) as session:
        return session.scalars(select(Comment)).one()


def _approve(database: Database, moderator: Moderator) -> None:
    with database.session() as session:
        decisions.decide(session, 1, Outcome.APPROVE, moderator=moderator, seen=Seen(revision=1))
        session.commit()


def _at(minutes: int) -> str:
    return (NOON + timedelta(minutes=minutes)).isoformat()


def test_the_same_event_again_answers_the_same_and_stores_nothing_twice(paper: Paper, database: Database) -> None:
    first = paper.send("comment.created", comment(), webhook_id="msg_1")
    again = paper.send("comment.created", comment(), webhook_id="msg_1")
    assert (
        (first.status_code, first.json) == (again.status_code, again.json) == (202, {"id": "c1", "status": "pending"})
    )
    assert _only(database).revision == 1


def test_the_same_comment_under_another_event_stores_nothing_twice(paper: Paper, database: Database) -> None:
    data = comment()
    paper.send("comment.created", data)
    assert paper.send("comment.created", data).json == {"id": "c1", "status": "pending"}
    assert _only(database).revision == 1


def test_ids_may_be_numbers(paper: Paper, database: Database) -> None:
    assert paper.send("comment.created", comment(id=17, parent_id=16)).json == {"id": "17", "status": "pending"}
    assert _only(database).parent_external_id == "16"


def test_a_changed_text_is_a_new_revision_and_is_judged_again(paper: Paper, database: Database) -> None:
    paper.send("comment.created", comment(text="Erst so."))
    with database.session() as session:
        session.get_one(Comment, 1).due_at = None
        session.commit()
    paper.send("comment.updated", {"id": "c1", "text": "Jetzt so."})
    changed = _only(database)
    assert (changed.text, changed.revision, changed.due_at is not None) == ("Jetzt so.", 2, True)
    with database.session(read_only=True) as session:
        past = session.scalars(select(PastText)).one()
        assert (past.revision, past.text) == (1, "Erst so.")


def test_a_decision_does_not_carry_over_to_a_changed_text(
    paper: Paper, database: Database, moderator: Moderator
) -> None:
    paper.send("comment.created", comment(text="Harmlos."))
    _approve(database, moderator)
    assert paper.send("comment.updated", {"id": "c1", "text": "Nicht mehr harmlos."}).json == {
        "id": "c1",
        "status": "pending",
    }
    with database.session(read_only=True) as session:
        delivery = session.scalars(select(Delivery)).one()
        assert delivery.cancelled_at is not None
        assert delivery.due_at is None


def test_an_update_with_the_same_text_leaves_the_decision_alone(
    paper: Paper, database: Database, moderator: Moderator
) -> None:
    paper.send("comment.created", comment(text="Harmlos."))
    _approve(database, moderator)
    paper.send("comment.updated", {"id": "c1", "text": "Harmlos."})
    assert _only(database).status is Status.APPROVED


WHO = {"id": "88", "name": "Radlerin", "email": "r@example.org", "ip": "192.0.2.7"}


@pytest.fixture
def readable(database: Database, site: Site) -> None:
    """The site has addresses kept as they are."""
    with database.session() as session:
        session.get_one(Site, site.id).keeps_addresses = True
        session.commit()


def _told(database: Database) -> dict[str, Any]:
    known = _only(database)
    who = (known.commenter_id, known.commenter_name, known.commenter_email, known.commenter_ip)
    return {
        "commenter": dict(zip(WHO, who, strict=True)),
        "parent_id": known.parent_external_id,
        "language": known.language,
        "submitted_at": known.submitted_at.isoformat(),
    }


@pytest.mark.parametrize(
    "news",
    [
        {"commenter": {"id": "99", "name": "Rennradlerin", "email": "x@example.org", "ip": "192.0.2.8"}},
        {"parent_id": "c9"},
        {"language": "nds"},
        {"submitted_at": _at(-5)},
    ],
)
@pytest.mark.parametrize("kind", ["comment.updated", "comment.created"])
@pytest.mark.usefixtures("readable")
def test_what_is_told_anew_of_a_comment_is_taken_over_and_the_rest_stays(
    paper: Paper, database: Database, kind: str, news: dict[str, Any]
) -> None:
    before = {"commenter": WHO, "parent_id": "c0", "language": "de", "submitted_at": _at(-9)}
    paper.send("comment.created", comment(text="Moin.", **before))
    with database.session() as session:
        session.get_one(Comment, 1).due_at = None
        session.commit()
    data = {"id": "c1", "text": "Moin."} if kind == "comment.updated" else comment(text="Moin.") | before
    assert paper.send(kind, data | news).json == {"id": "c1", "status": "pending"}
    assert _told(database) == before | news
    assert (_only(database).revision, _only(database).due_at is not None) == (1, True), "judged again: rules may ask"


@pytest.mark.usefixtures("readable")
def test_of_a_commenter_what_is_left_out_stays_and_what_is_empty_goes(paper: Paper, database: Database) -> None:
    paper.send("comment.created", comment(text="Moin.", commenter=WHO, parent_id="c0", language="de"))
    paper.send("comment.updated", {"id": "c1", "text": "Moin.", "commenter": {"name": "Jörg", "ip": None}})
    assert _told(database)["commenter"] == WHO | {"name": "Jörg", "ip": None}
    nothing = {"commenter": None, "parent_id": None, "language": None}
    submitted_at = _told(database)["submitted_at"]
    paper.send("comment.updated", {"id": "c1", "text": "Moin.", "submitted_at": None} | nothing)
    assert _told(database) == nothing | {"commenter": dict.fromkeys(WHO), "submitted_at": submitted_at}


def test_a_decision_stands_where_only_the_name_is_another(
    paper: Paper, database: Database, moderator: Moderator
) -> None:
    paper.send("comment.created", comment(text="Harmlos."))
    _approve(database, moderator)
    with database.session() as session:
        session.get_one(Comment, 1).due_at = None
        session.commit()
    told = paper.send("comment.updated", {"id": "c1", "text": "Harmlos.", "commenter": {"name": "Jörg"}})
    assert told.json == {"id": "c1", "status": "approved"}
    assert (_only(database).commenter_name, _only(database).due_at) == ("Jörg", None)


def test_addresses_that_come_later_are_sealed_as_well(paper: Paper, database: Database) -> None:
    paper.send("comment.created", comment(text="Moin.", commenter={}))
    paper.send("comment.updated", {"id": "c1", "text": "Moin.", "commenter": {"email": "r@example.org"}})
    assert str(_only(database).commenter_email).startswith("~")


def test_an_update_of_an_unknown_comment_is_its_beginning_if_it_names_the_article(
    paper: Paper, database: Database
) -> None:
    told = {"id": "c1", "text": "Moin.", "article": ARTICLE}
    answer = paper.send("comment.updated", told, timestamp=_at(0))
    assert (answer.status_code, answer.json) == (202, {"id": "c1", "status": "pending"})
    assert (_only(database).revision, _only(database).submitted_at) == (1, NOON)


def test_news_older_than_what_is_known_changes_nothing(paper: Paper, database: Database) -> None:
    paper.send("comment.updated", comment(text="Neu"), timestamp=_at(5))
    paper.send("comment.created", comment(text="Alt"), timestamp=_at(0))
    assert _only(database).text == "Neu"


def test_a_repeat_of_the_first_event_does_not_bring_the_old_text_back(paper: Paper, database: Database) -> None:
    paper.send("comment.created", comment(text="Alt"), webhook_id="msg_1")
    paper.send("comment.updated", comment(text="Neu"), webhook_id="msg_2")
    paper.send("comment.created", comment(text="Alt"), webhook_id="msg_1")
    assert (_only(database).text, _only(database).revision) == ("Neu", 2)


def test_an_update_in_the_same_second_counts(paper: Paper, database: Database) -> None:
    paper.send("comment.created", comment(text="Erst so."), timestamp=_at(0))
    paper.send("comment.updated", {"id": "c1", "text": "Jetzt so."}, timestamp=_at(0))
    assert _only(database).text == "Jetzt so."


def test_a_withdrawn_comment_leaves_the_queue_and_its_decision_is_not_sent(
    paper: Paper, database: Database, moderator: Moderator
) -> None:
    paper.send("comment.created", comment())
    _approve(database, moderator)
    assert paper.send("comment.deleted", {"id": "c1"}).json == {"id": "c1", "status": "withdrawn"}
    with database.session(read_only=True) as session:
        assert session.scalars(select(Delivery.cancelled_at)).one() is not None


def test_a_withdrawal_older_than_what_is_known_or_told_again_takes_nothing_away(
    paper: Paper, database: Database
) -> None:
    paper.send("comment.created", comment(), timestamp=_at(0))
    paper.send("comment.deleted", {"id": "c1"}, timestamp=_at(1), webhook_id="msg_gone")
    paper.send("comment.updated", comment(text="Wieder da."), timestamp=_at(5))
    for again in ({"webhook_id": "msg_gone"}, {}):
        answer = paper.send("comment.deleted", {"id": "c1"}, timestamp=_at(1), **again)
        assert answer.json == {"id": "c1", "status": "pending"}
    assert (_only(database).status, _only(database).text) == (Status.PENDING, "Wieder da.")


def test_a_withdrawn_comment_that_comes_back_is_pending_again(paper: Paper, database: Database) -> None:
    data = comment()
    paper.send("comment.created", data)
    paper.send("comment.deleted", {"id": "c1"})
    paper.send("comment.updated", data)
    restored = _only(database)
    assert (restored.status, restored.revision, restored.due_at is not None) == (Status.PENDING, 1, True)


def test_an_answer_may_come_before_what_it_answers(paper: Paper, database: Database) -> None:
    paper.send("comment.created", comment(id="answer", parent_id="question"))
    paper.send("comment.created", comment(id="question"))
    with database.session(read_only=True) as session:
        assert session.scalar(select(func.count()).select_from(Comment)) == 2


@pytest.mark.parametrize("kind", ["comment.updated", "comment.deleted"])
def test_news_of_an_unknown_comment_is_refused_with_the_remedy(paper: Paper, kind: str) -> None:
    answer = paper.send(kind, {"id": "nobody", "text": "x"})
    assert answer.status_code == 404
    assert answer.json["code"] == "unknown_comment"
    assert "comment.created" in answer.json["detail"]


def test_a_time_that_may_be_anybodys_is_not_kept(database: Database, site: Site) -> None:
    with database.session() as session, pytest.raises(StatementError, match="a time without a zone"):
        add_comment(session, site, submitted_at=datetime(2026, 11, 29, 12))


def test_only_so_many_senders_are_remembered(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "MOST", 1)
    known, other = senders.Senders(), Site(slug="nachbarblatt", name="Nachbarblatt")
    known.keep(site)
    assert known.find(site.slug) is site
    known.keep(other)
    assert (known.find(site.slug), known.find("nachbarblatt")) == (None, other)


def test_html_becomes_plain_text(paper: Paper, database: Database) -> None:
    paper.send("comment.created", comment(text="<p>Fisch &amp; Meer</p><script>x()</script><p>Prima</p>", html=True))
    assert _only(database).text == "Fisch & Meer\n\nPrima"


def test_plain_text_stays_as_it_is(paper: Paper, database: Database) -> None:
    paper.send("comment.created", comment(text="<b>1 &lt; 2</b>"))
    assert _only(database).text == "<b>1 &lt; 2</b>"


def test_a_changed_article_has_its_waiting_comments_judged_again(paper: Paper, database: Database) -> None:
    paper.send("comment.created", comment())
    with database.session() as session:
        session.get_one(Comment, 1).due_at = None
        session.commit()
    assert paper.send("article.updated", ARTICLE | {"title": "Die Brücke bleibt offen"}).status_code == 202
    assert _only(database).due_at is not None
    with database.session(read_only=True) as session:
        assert session.scalars(select(Article.title)).one() == "Die Brücke bleibt offen"


def test_news_of_an_article_that_comes_twice_counts_once(paper: Paper, database: Database) -> None:
    for title, webhook_id, minutes in (("Alt", "msg_1", 0), ("Neu", "msg_2", 5), ("Alt", "msg_1", 9)):
        answer = paper.send(
            "article.updated", ARTICLE | {"title": title}, timestamp=_at(minutes), webhook_id=webhook_id
        )
        assert answer.status_code == 202
    for kind, webhook_id in (("article.closed", "msg_3"), ("article.opened", "msg_4"), ("article.closed", "msg_3")):
        assert paper.send(kind, ARTICLE | {"title": "Neu"}, webhook_id=webhook_id).status_code == 202
    with database.session(read_only=True) as session:
        article = session.scalars(select(Article)).one()
        assert (article.title, article.closed_at) == ("Neu", None)


def test_an_older_version_of_an_article_changes_nothing(paper: Paper, database: Database) -> None:
    paper.send("article.updated", ARTICLE | {"title": "Neu"}, timestamp=_at(5))
    paper.send("article.updated", ARTICLE | {"title": "Alt"}, timestamp=_at(0))
    with database.session(read_only=True) as session:
        assert session.scalars(select(Article.title)).one() == "Neu"


FULL = ARTICLE | {"section": "Lokales", "published_at": "2026-10-31T06:00:00+00:00"}
NO_MORE_THAN_MUST = {name: ARTICLE[name] for name in ("id", "url", "title")}


def _known(database: Database) -> dict[str, Any]:
    names = ("lead", "body", "authors", "language", "section", "published_at")
    with database.session(read_only=True) as session:
        article = session.scalars(select(Article)).one()
        return {name: getattr(article, name) for name in names}


def test_what_a_site_leaves_out_of_an_article_stays_known(paper: Paper, database: Database) -> None:
    paper.send("comment.created", comment(article=FULL))
    known = _known(database)
    assert all(known.values())
    paper.send("comment.created", comment(id="c2", article=NO_MORE_THAN_MUST))
    paper.send("article.updated", NO_MORE_THAN_MUST | {"title": "Die Brücke bleibt offen"})
    paper.send("comment.updated", comment(text="Anders.", article=NO_MORE_THAN_MUST))
    paper.send("article.closed", NO_MORE_THAN_MUST)
    assert _known(database) == known
    told = {"article": NO_MORE_THAN_MUST, "outcome": "approve", "decided_at": _at(0)}
    paper.send("comment.decided", comment(id="c3", **told), timestamp=_at(5))
    assert _known(database) == known


def test_what_a_site_says_is_empty_is_known_no_more(paper: Paper, database: Database) -> None:
    paper.send("comment.created", comment(article=FULL))
    nothing = {"lead": None, "body": "", "authors": None, "language": None, "section": None, "published_at": None}
    paper.send("comment.created", comment(id="c2", article=NO_MORE_THAN_MUST | nothing))
    assert _known(database) == {**nothing, "lead": "", "authors": []}


def test_an_article_that_says_less_than_before_has_nothing_judged_again(paper: Paper, database: Database) -> None:
    paper.send("comment.created", comment())
    with database.session() as session:
        session.get_one(Comment, 1).due_at = None
        session.commit()
    paper.send("comment.created", comment(id="c2", article=NO_MORE_THAN_MUST))
    with database.session(read_only=True) as session:
        assert session.get_one(Comment, 1).due_at is None


def test_the_same_ids_at_two_sites_are_two_comments(paper: Paper, database: Database, site: Site) -> None:
    from moderation import sites

    paper.send("comment.created", comment())
    with database.session() as session:
        other = sites.add_site(session, slug="other", name="Other")
        event = parse_event({"type": "comment.created", "data": comment()})
        bulk.accept_one(session, other, event, webhook_id="msg_1", max_characters=20_000)
        session.commit()
        assert session.scalar(select(func.count()).select_from(Comment)) == 2


def test_the_same_comment_from_many_sides_at_once_is_stored_once(database: Database, site: Site) -> None:
    data = comment()
    start = threading.Barrier(8)
    failures: list[Exception] = []

    def deliver(number: int) -> None:
        start.wait()
        try:
            with database.session() as session:
                event = parse_event({"type": "comment.created", "timestamp": _at(0), "data": data})
                sender = session.get_one(Site, site.id)
                bulk.accept_one(session, sender, event, webhook_id=f"msg_{number}", max_characters=20_000)
                session.commit()
        except Exception as error:  # the test reports it below
            failures.append(error)

    threads = [threading.Thread(target=deliver, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert _only(database).revision == 1


def test_what_is_long_past_is_forgotten(paper: Paper, database: Database) -> None:
    from moderation.db import now
    from moderation.models import ReceivedEvent

    paper.send("comment.created", comment())
    with database.session() as session:
        session.scalars(select(ReceivedEvent)).one().received_at = now() - timedelta(days=8)
        session.flush()
        intake.forget(session)
        assert session.scalars(select(ReceivedEvent)).all() == []
