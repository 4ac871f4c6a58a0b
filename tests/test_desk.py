"""The desk: what a moderator sees and does, by plain forms."""

import html
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from moderation import repeats, sites
from moderation.db import Database, now
from moderation.models import (
    Assessment,
    Comment,
    Decision,
    Delivery,
    Outcome,
    PastText,
    Role,
    Site,
    Status,
)
from moderation.rules import Advice
from tests.conftest import PASSWORD, csrf
from tests.stories import add_comment


@pytest.fixture
def rude(database: Database, site: Site) -> int:
    """A comment that puts a reader down."""
    with database.session() as session:
        add_comment(session, site, external_id="p", text="Wer zahlt das?", commenter_name="Marlene")
        comment = add_comment(session, site, text="Du Vollpfosten, das Land!", parent_external_id="p", concern=0.9)
        rule = session.get_one(Site, site.id).house_rules[1]
        session.add(_assessment(comment, rule.id, rule.title, rule.text))
        session.commit()
        return comment.id


def _assessment(comment: Comment, rule_id: int, title: dict[str, str], words: dict[str, str]) -> Assessment:
    return Assessment(
        comment_id=comment.id,
        revision=1,
        relevance=0.8,
        disrespect=0.9,
        kinds={"insult": 0.9, "profanity": 0.2},
        target="reader",
        spans=[{"start": 3, "end": 14, "kind": "insult", "score": 0.9}],
        passage={"text": "die Hälfte davon zahlt das Land.", "similarity": 0.6},
        other_article={"title": "Handball: Derby am Samstag", "similarity": 0.7},
        engine="test",
        advice=Advice.REVIEW,
        reasons=[
            {
                "rule_id": rule_id,
                "title": title,
                "text": words,
                "signal": "disrespect",
                "score": 0.9,
                "threshold": 0.5,
                "kinds": ["insult"],
            }
        ],
    )


def _text(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def _decide(client: FlaskClient, comment: int, outcome_: str, **form: object) -> tuple[int, str]:
    values = {"outcome": outcome_, "revision": 1, "status": "pending", "csrf_token": csrf(client, "/queue")}
    answer = client.post(f"/comments/{comment}/decision", data=values | form)
    return answer.status_code, answer.headers.get("location") or _text(answer.text)


def test_the_card_says_which_rule_is_in_doubt_and_why(mona: FlaskClient, rude: int) -> None:
    page = _text(mona.get("/queue").text)
    assert "Fraglich: Niemand wird kleingemacht" in page
    assert "„Zerpflücken Sie das Argument, nicht den Menschen" in page
    assert "„Vollpfosten“ klingt nach einer Herabsetzung, gemeint ist Marlene." in page
    assert "Die nächste Stelle … Die Umleitung" in page or "die Hälfte davon zahlt das Land." in page
    assert "Passt besser zu einem anderen Artikel: Handball: Derby am Samstag" in page


def test_a_passage_that_is_the_closest_by_chance_is_no_evidence(
    mona: FlaskClient, database: Database, rude: int
) -> None:
    with database.session() as session:
        assessment = session.scalars(select(Assessment).where(Assessment.comment_id == rude)).one()
        assessment.passage = {"text": "die Hälfte davon zahlt das Land.", "similarity": 0.04}
        session.commit()
    page = mona.get(f"/queue?comment={rude}").text
    assert '<blockquote class="passage">' not in page
    assert "Die passendste Stelle Keine sticht hervor." in _text(page)


def test_the_words_that_carry_it_are_marked(mona: FlaskClient, rude: int) -> None:
    assert '<mark class="insult">Vollpfosten<span class="kind"> Herabsetzung</span></mark>' in mona.get("/queue").text


def test_approving_leads_to_the_next(mona: FlaskClient, database: Database, rude: int) -> None:
    assert _decide(mona, rude, "approve", following=1, back="/queue?order=oldest&site=foerdeblick&comment=2") == (
        303,
        "/queue?order=oldest&site=foerdeblick&comment=1",
    )
    with database.session(read_only=True) as session:
        assert session.get_one(Comment, rude).status is Status.APPROVED


def test_deleting_cites_the_rule(mona: FlaskClient, database: Database, rude: int) -> None:
    _decide(mona, rude, "delete", rule=2)
    with database.session(read_only=True) as session:
        decision = session.scalars(select(Decision)).one()
        assert (decision.outcome, decision.rule_id) == (Outcome.DELETE, 2)


def test_undo_brings_it_back(mona: FlaskClient, database: Database, rude: int) -> None:
    _decide(mona, rude, "delete", rule=2)
    assert "Kommentar gelöscht." in _text(mona.get("/queue").text)
    mona.post("/decisions/1/undo", data={"csrf_token": csrf(mona, "/queue")})
    with database.session(read_only=True) as session:
        assert session.get_one(Comment, rude).status is Status.PENDING
        assert session.scalars(select(Delivery.cancelled_at)).one() is not None


def test_a_stale_view_is_told_and_shown_anew(mona: FlaskClient, database: Database, rude: int) -> None:
    with database.session() as session:
        comment = session.get_one(Comment, rude)
        comment.text, comment.revision = "Ach, das Land.", 2
        session.commit()
    status, page = _decide(mona, rude, "delete")
    assert status == 409
    assert "Der Text wurde geändert, seit du ihn gelesen hast." in page
    assert "Ach, das Land." in page
    assert _decide(mona, rude, "delete", revision=7)[0] == 409, "a text that is yet to come"


def test_what_somebody_else_decided_is_told(mona: FlaskClient, database: Database, rude: int) -> None:
    _decide(mona, rude, "approve")
    status, page = _decide(mona, rude, "delete")
    assert status == 409
    assert "Inzwischen wurde darüber entschieden" in page
    assert "mona: freigegeben" in page


def test_beside_another_card_it_is_told_of_which_comment(mona: FlaskClient, rude: int) -> None:
    _decide(mona, rude, "approve")
    form = {"outcome": "delete", "revision": 1, "status": "pending", "csrf_token": csrf(mona, "/queue")}
    for deed in ("decision", "deferral"):
        part = mona.post(f"/comments/{rude}/{deed}", data=form, headers={"X-Part": "1"})
        assert "Du Vollpfosten, das Land! Inzwischen wurde darüber entschieden" in _text(part.text)
        assert (part.status_code, "<html" in part.text) == (409, False)


def test_the_lists_show_who_decided_and_where_the_news_is(mona: FlaskClient, rude: int) -> None:
    _decide(mona, rude, "delete", rule=2)
    page = _text(mona.get("/deleted").text)
    assert "mona: gelöscht · Niemand wird kleingemacht" in page
    assert re.search(r"Geht in \d+ Sekunden hinaus", page)
    assert "Hier ist noch nichts." in _text(mona.get("/approved").text)


def test_a_decided_comment_can_be_decided_the_other_way(mona: FlaskClient, database: Database, rude: int) -> None:
    _decide(mona, rude, "approve")
    assert "Freigeben" not in _text(mona.get(f"/comments/{rude}").text)
    assert _decide(mona, rude, "delete", status="approved", **{"from": "comment"}) == (303, f"/comments/{rude}")
    with database.session(read_only=True) as session:
        assert session.get_one(Comment, rude).status is Status.DELETED


def test_a_comment_that_is_not_judged_is_shown_as_such(mona: FlaskClient, database: Database, site: Site) -> None:
    with database.session() as session:
        comment = add_comment(session, site)
        session.commit()
        assert "Dieser Kommentar wird gerade bewertet." in _text(mona.get("/queue").text)
        session.add(Assessment(comment_id=comment.id, revision=1, not_scored="failed", advice=Advice.REVIEW, kinds={}))
        session.commit()
    assert "Nicht bewertet." in _text(mona.get("/queue").text)


def test_names_and_addresses_are_folded_away(mona: FlaskClient, database: Database, site: Site) -> None:
    with database.session() as session:
        add_comment(session, site, commenter_name="Radlerin", commenter_email="r@example.org")
        session.commit()
    folded = re.search(r'<details class="who".*?>.*?</details>', mona.get("/queue").text, re.DOTALL)
    assert folded
    assert "r@example.org" in folded[0]


def test_an_empty_queue_has_a_friendly_line(mona: FlaskClient, database: Database, site: Site) -> None:
    with database.session() as session:
        add_comment(session, site, status=Status.APPROVED)
        session.commit()
    assert "Du hast alles gelesen." in _text(mona.get("/queue").text)


def test_an_empty_queue_does_not_claim_that_all_is_read_where_only_a_filter_finds_nothing(
    mona: FlaskClient, rude: int
) -> None:
    mona.post(
        f"/comments/{rude}/decision", data={"csrf_token": csrf(mona, "/queue"), "outcome": "delete", "revision": 1}
    )
    page = mona.get("/queue?words=nirgends&disrespect_from=0.25&order=oldest").text
    assert "Nichts davon wartet. Ohne Filter Heute : 0 freigegeben, 1 gelöscht" in _text(page)
    assert "Du hast alles gelesen" not in page
    assert "Respektlos mindestens (0–1): 0,25" in _text(page)


@pytest.mark.parametrize(
    "form",
    [
        {"outcome": "burn"},
        {"revision": "x"},
        {"status": "gone"},
        {"outcome": "undo"},
        {"rule": "99"},
        {"rule": "x"},
        {"rule": "9" * 19},
    ],
)
def test_a_wrong_decision_is_explained(mona: FlaskClient, rude: int, form: dict[str, str]) -> None:
    assert _decide(mona, rude, "delete", **form)[0] == 422


def test_the_same_decision_twice_is_one(mona: FlaskClient, database: Database, rude: int) -> None:
    assert _decide(mona, rude, "approve")[0] == _decide(mona, rude, "approve")[0] == 303
    with database.session(read_only=True) as session:
        assert len(session.scalars(select(Decision)).all()) == 1


def test_both_orders_and_their_pages_show_every_comment_once(mona: FlaskClient, database: Database, site: Site) -> None:
    with database.session() as session:
        moment = now()
        for number in range(75):
            add_comment(session, site, text=f"Nummer {number}.", concern=number % 5 / 5, submitted_at=moment)
        session.commit()
    for order in ("worst", "oldest"):
        found: list[str] = []
        address: str | None = f"/queue?order={order}"
        while address:
            page = mona.get(address).text
            found += re.findall(r'class="glimpse" dir="auto">Nummer (\d+)\.', page)
            more = re.search(r'<a data-further href="([^"]+)">Weiter hinten', page)
            address = html.unescape(more[1]) if more else None
        assert sorted(map(int, found)) == list(range(75))


@pytest.mark.parametrize("place", ["/comments/{}/deliveries", "/deliveries"])
def test_what_could_not_be_delivered_can_be_sent_again(
    mona: FlaskClient, database: Database, rude: int, place: str
) -> None:
    _decide(mona, rude, "approve")
    with database.session() as session:
        failed = session.scalars(select(Delivery)).one()
        failed.failed_at, failed.due_at, failed.last_error = now(), None, "answered 410"
        session.commit()
    assert "Aufgegeben: Die Website antwortete mit 410." in _text(mona.get(f"/comments/{rude}").text)
    address, form = f"{place.format(rude)}/1", {"csrf_token": csrf(mona, "/queue"), "state": "failed"}
    assert mona.post(address, data=form).status_code == 303
    assert "Du Vollpfosten" not in mona.get("/deliveries?state=failed").text
    with database.session(read_only=True) as session:
        again = session.scalars(select(Delivery)).one()
        assert (again.failed_at, again.due_at is not None) == (None, True)


def test_filters_are_chips_that_can_be_taken_off(mona: FlaskClient, rude: int) -> None:
    page = mona.get("/queue?site=foerdeblick&words=vollpfosten&colour=red").text
    assert "Website: foerdeblick" in _text(page)
    assert 'href="/queue?words=vollpfosten"' in page
    assert "Einen Filter namens colour gibt es nicht" in _text(page)
    assert _text(mona.get("/queue/filters?site=foerdeblick").text).count("Fördeblick")
    page = _text(mona.get("/queue?article=1&rule=2").text)
    assert "Artikel: Die alte Hafenbrücke" in page
    assert "Regel: Niemand wird kleingemacht" in page
    page = _text(mona.get("/queue?article=77&rule=78").text)
    assert "Artikel: 77" in page
    assert "Regel: 78" in page


def test_a_comment_put_off_leaves_the_queue_with_its_note_and_comes_back(mona: FlaskClient, rude: int) -> None:
    token = csrf(mona, "/queue")
    mona.post(f"/comments/{rude}/deferral", data={"csrf_token": token, "note": "Kai fragen", "back": "/queue"})
    assert "Vollpfosten" not in _text(mona.get("/queue").text)
    card = _text(mona.get("/queue?deferred=yes").text)
    assert "Zurückgestellt von mona" in card
    assert "Kai fragen" in card
    mona.post(f"/comments/{rude}/take-up", data={"csrf_token": token})
    assert "Vollpfosten" in _text(mona.get("/queue").text)


def test_a_note_is_not_lost_when_the_session_is_over(mona: FlaskClient, rude: int) -> None:
    with mona.session_transaction() as session:
        session.clear()
    back = f"/queue?order=oldest&comment={rude}"
    asked = mona.post(f"/comments/{rude}/deferral", data={"note": "Kai fragen", "back": back})
    assert asked.headers["location"].startswith("/sign-in?next=")
    values = {"name": "mona", "password": PASSWORD, "next": back, "csrf_token": csrf(mona)}
    assert mona.post("/sign-in", data=values).headers["location"] == back
    assert 'value="Kai fragen"' in mona.get(back).text


def test_a_form_older_than_the_sign_in_leads_back_to_its_card_with_what_was_typed(
    mona: FlaskClient, database: Database, rude: int
) -> None:
    back = f"/queue?order=oldest&comment={rude}"
    old = {"csrf_token": "of-the-session-before", "back": back}
    answer = mona.post(f"/comments/{rude}/deferral", data=old | {"note": "Kai fragen"}, follow_redirects=True)
    assert "nichts Getipptes ist verloren" in answer.text
    assert 'value="Kai fragen"' in answer.text
    assert "nichts Getipptes" not in mona.get(back).text
    decided = mona.post(f"/comments/{rude}/decision", data=old | {"outcome": "approve", "revision": 1})
    assert decided.headers["location"] == back
    with database.session(read_only=True) as session:
        assert session.get_one(Comment, rude).status is Status.PENDING
    assert mona.post(f"/comments/{rude}/decision", data={"back": "//elsewhere.example"}).status_code == 400


def test_who_has_a_card_open_is_said_to_others_who_get_the_next(
    mona: FlaskClient, app: Flask, database: Database, rude: int
) -> None:
    with database.session() as session:
        sites.add_moderator(session, name="kai", password=PASSWORD, role=Role.MODERATOR)
        session.commit()
    kai = app.test_client()
    kai.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    kai.post("/sign-in", data={"name": "kai", "password": PASSWORD, "csrf_token": csrf(kai)})
    assert mona.post(f"/comments/{rude}/claim", data={"csrf_token": csrf(mona, "/queue")}).json == {"by": None}
    assert kai.post(f"/comments/{rude}/claim", data={"csrf_token": csrf(kai, "/queue")}).json == {"by": "mona"}
    page = kai.get("/queue").text
    assert "mona liest ihn" in _text(page)
    assert 'data-comment="1"' in page
    assert "mona liest diesen Kommentar gerade" in _text(kai.get(f"/queue?comment={rude}").text)


def test_a_stale_view_shows_what_changed_word_by_word(mona: FlaskClient, database: Database, rude: int) -> None:
    with database.session() as session:
        comment = session.get_one(Comment, rude)
        session.add(PastText(comment_id=rude, revision=1, text=comment.text))
        comment.text, comment.revision = "Du Schlaumeier, das Land!", 2
        session.commit()
    answer = mona.post(
        f"/comments/{rude}/decision",
        data={"outcome": "delete", "revision": 1, "csrf_token": csrf(mona, "/queue")},
        headers={"X-Part": "1"},
    )
    assert answer.status_code == 409
    assert "<del>Vollpfosten,</del><ins>Schlaumeier,</ins>" in answer.text


def test_what_the_site_was_told_is_reversed(mona: FlaskClient, database: Database, rude: int) -> None:
    _decide(mona, rude, "delete", rule=2)
    mona.post("/decisions/1/reverse", data={"csrf_token": csrf(mona, "/queue")})
    with database.session(read_only=True) as session:
        assert session.get_one(Comment, rude).status is Status.APPROVED
        assert [one.outcome for one in session.scalars(select(Decision).order_by(Decision.id))] == ["delete", "approve"]
    assert mona.post("/decisions/1/reverse", data={"csrf_token": csrf(mona, "/queue")}).status_code == 409


def test_the_card_tells_the_commenters_record_and_the_like_of_it(
    mona: FlaskClient, database: Database, site: Site, rude: int
) -> None:
    with database.session() as session:
        session.get_one(Comment, rude).commenter_id = "u1"
        twin = add_comment(session, site, text="Du Vollpfosten, das Land!!", commenter_id="u1")
        for one in (session.get_one(Comment, rude), twin):
            repeats.remember(session, one)
        twin_id = twin.id
        session.commit()
    _decide(mona, twin_id, "delete", rule=2)
    card = _text(mona.get(f"/queue?comment={rude}").text)
    assert "0 freigegeben, 1 gelöscht" in card
    assert "1 × Niemand wird kleingemacht" in card
    assert "1 Kommentar sagt fast dasselbe" in card


def test_search_finds_what_was_decided_too(mona: FlaskClient, rude: int) -> None:
    _decide(mona, rude, "delete")
    assert "Du Vollpfosten, das Land!" in _text(mona.get("/search?words=vollpf").text)
    assert "Nichts gefunden." in _text(mona.get("/search?words=zzz").text)


def test_the_desks_script_gets_parts_of_the_page_as_it_goes_on(mona: FlaskClient, rude: int) -> None:
    def ids(page: str) -> list[str]:
        return re.findall(r'data-card="(\d+)"', page)

    part = mona.get("/queue/list?order=oldest").text
    assert "<html" not in part
    assert ids(part) == ids(mona.get("/queue?order=oldest").text)
    card = mona.get(f"/queue/cards/{rude}").text
    assert "<html" not in card
    assert f'data-comment="{rude}"' in card
    form = {"outcome": "approve", "revision": 1, "status": "pending", "csrf_token": csrf(mona, "/queue")}
    done = mona.post(f"/comments/{rude}/decision", data=form, headers={"X-Part": "1"})
    assert "<html" not in done.text
    assert re.search(r'action="/decisions/\d+/undo"', done.text), "what was done can be taken back"
    assert ids(mona.get("/queue/list").text) == [one for one in ids(part) if one != str(rude)]
    assert mona.get(f"/queue/cards/{rude}").status_code == 404, "it waits no more"
