"""A real WordPress with our plugin: what readers write waits, is judged, and becomes what our moderators decide."""

import json
import re
import time

import pytest

from moderation.models import Status
from moderation.quota import Readers
from tests.conftest import Receiver
from tests.integration.conftest import Newsroom
from tests.waiting import until
from worker import tasks


def test_a_comment_waits_is_judged_and_appears_when_it_is_approved(room: Newsroom) -> None:
    parent = room.blog.comment("Zwölf Minuten Umweg über den Nordring? Na schön 🙂")
    answer = room.blog.comment("Und wer zahlt's? „Die Stadt“ & das Land 👩‍👧, sagt man.", parent=parent)
    assert room.blog.read(parent)["status"] == "hold"

    arrived = room.arrived(answer)
    assert arrived.text == "Und wer zahlt's? „Die Stadt“ & das Land 👩‍👧, sagt man."
    assert arrived.parent_external_id == str(parent)
    assert (arrived.commenter_name, arrived.status) == ("Jörg Möwe", Status.PENDING)
    article = arrived.article
    assert (article.title, article.lead) == ("Die Brücke & der Umweg", "Ein Jahr lang gesperrt.")
    assert article.body.splitlines()[0] == "Von März an ist die alte Hafenbrücke gesperrt."
    assert (article.authors, article.language, article.section) == (["chefin"], "de-DE", "Lokales")

    before = room.blog.read(answer)
    tasks.score()
    room.decide(answer, "approve")
    tasks.deliver()
    after = room.blog.read(answer)
    assert after["status"] == "approved"
    assert [after[kept] for kept in ("author_ip", "author_user_agent", "content")] == [
        before[kept] for kept in ("author_ip", "author_user_agent", "content")
    ]
    assert after["author_user_agent"] == "Leserbrowser/1.0"
    assert room.blog.read(parent)["status"] == "hold"
    assert len(room.decisions(answer)) == 1, "WordPress does not echo it"


def test_scores_and_the_rule_stand_in_wordpress_own_list(room: Newsroom) -> None:
    rude = room.blog.comment("Du Vollidiot, lies doch erst mal den Artikel!")
    room.arrived(rude)
    tasks.score()

    room.blog.press("hausordnung_now")

    def shown() -> str:
        with room.blog.owner() as client:
            page = client.get("/wp-admin/edit-comments.php").text
        row = re.search(rf"<tr id=.comment-{rude}.*?</tr>", page, re.DOTALL)
        assert row, page
        cell = re.search(r"<td class=.hausordnung.*?</td>", row[0], re.DOTALL)
        assert cell, row[0]
        return cell[0]

    assert "Herabsetzung" in shown()
    assert "bei der Moderation" in shown()
    assert "Regel: Niemand wird kleingemacht" in shown()
    metas = f"echo json_encode([get_comment_meta({rude}, '_wpai_toxicity_score', true),"
    toxicity, sentiment = json.loads(room.blog.php(f"{metas} get_comment_meta({rude}, '_wpai_sentiment', true)]);"))
    assert float(toxicity) > 0.5
    assert sentiment == "negative"

    room.decide(rude, "delete")
    tasks.deliver()
    assert room.blog.read(rude)["status"] == "trash", "it can be brought back"


def test_even_an_editors_comment_over_rest_waits(room: Newsroom) -> None:
    made = room.blog.rest("POST", "/comments", post=room.blog.post, content="Wir lesen alle mit.")
    assert made["status"] == "hold"
    room.arrived(made["id"])


def test_an_edited_comment_is_a_new_revision(room: Newsroom) -> None:
    comment = room.blog.comment("Erst so, mit Tippfehlre.")
    room.arrived(comment)
    room.blog.rest("POST", f"/comments/{comment}", content="Dann so, ohne Tippfehler.")
    room.arrived(comment, revision=2, text="Dann so, ohne Tippfehler.")
    assert room.blog.read(comment)["status"] == "hold"


def test_what_is_gone_for_good_leaves_our_queue(room: Newsroom) -> None:
    comment = room.blog.comment("Ich nehme das zurück.")
    room.arrived(comment)
    room.blog.rest("DELETE", f"/comments/{comment}?force=true")
    room.arrived(comment, status=Status.WITHDRAWN)


def test_the_service_may_be_away_and_nothing_is_lost_or_published(room: Newsroom) -> None:
    room.service.stop()
    began = time.monotonic()
    comment = room.blog.comment("Ist da wer? 🌊")
    assert time.monotonic() - began < 3, "no reader waits for the service"
    room.blog.knock()
    with room.blog.owner() as client:
        until(lambda: "ist nicht zu erreichen" in client.get("/wp-admin/edit-comments.php").text)
    assert room.blog.read(comment)["status"] == "hold"

    room.service.start()
    page = room.blog.press("hausordnung_now")
    assert "noch zu senden sind: 0" in page
    assert "ist nicht zu erreichen" not in page
    room.arrived(comment)


def test_a_reader_who_floods_the_blog_keeps_nobody_else_waiting(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service takes two of each address; over REST all comments here come from one."""
    readers = Readers(2)
    monkeypatch.setattr(room.service.app.extensions["moderation"].readers, "count", readers.count)
    flood = [room.blog.rest("POST", "/comments", post=room.blog.post, content=f"Flut {n}")["id"] for n in range(4)]
    honest = room.blog.comment("Ich komme auch noch zu Wort?")
    room.arrived(honest)
    assert [room.find(comment) is not None for comment in flood] == [True, True, False, False]
    with room.blog.owner() as client:
        assert "ist nicht zu erreichen" not in client.get("/wp-admin/edit-comments.php").text
    readers._ends_at = 0  # a minute later
    room.blog.press("hausordnung_now")
    for comment in flood:
        room.arrived(comment)


def test_a_message_that_is_sent_twice_is_one_comment(room: Newsroom) -> None:
    """The service took it, its answer was lost on the way, and the blog sends it again."""
    room.service.stop()
    comment = room.blog.comment("Doppelt hält besser?")
    lines = "FROM ' . hausordnung_table());"
    room.blog.php(f"$GLOBALS['wpdb']->query('CREATE TABLE wp_kept AS SELECT * {lines}")
    room.service.start()
    room.blog.press("hausordnung_now")
    room.arrived(comment)
    room.decide(comment, "approve")
    room.blog.php(
        """
        $GLOBALS['wpdb']->query('INSERT INTO ' . hausordnung_table() . ' SELECT * FROM wp_kept');
        $GLOBALS['wpdb']->query('DROP TABLE wp_kept');
        """
    )
    assert "noch zu senden sind: 0" in room.blog.press("hausordnung_now")
    found = room.find(comment)  # one_or_none: there are no two
    assert found
    assert (found.revision, found.status) == (1, Status.APPROVED)


def test_a_busy_service_is_left_alone_for_as_long_as_it_asks(room: Newsroom, receiver: Receiver) -> None:
    base = receiver.url.removesuffix("/hausordnung")
    room.blog.set_up(url=base, site="foerdeblick", mode="push")
    receiver.answer = lambda: (429, {"retry-after": "2"}) if len(receiver.got) == 1 else (202, {})
    room.blog.comment("Viel los heute.")

    def came(number: int) -> bool:
        room.blog.knock()
        return len(receiver.got) >= number

    until(lambda: came(1))
    refused = time.monotonic()
    until(lambda: came(2))
    assert time.monotonic() - refused > 1
    first, second = (headers["webhook-id"] for headers, _ in receiver.got[:2])
    assert first == second, "a repeat is known by its id"
