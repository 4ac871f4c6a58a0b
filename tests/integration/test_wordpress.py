"""A real WordPress with our plugin: what readers write waits, is judged, and becomes what our moderators decide."""

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from babel.messages.pofile import read_po
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import BaseWSGIServer, make_server

from moderation.db import Database
from moderation.models import Comment, Decision, Maker, Moderator, Outcome, Site, SiteKey, Status
from tests.conftest import PASSWORD, Receiver
from tests.integration.ports import free_port
from tests.integration.wordpress import DEBIANS, PLUGIN, Blog
from tests.senders import signed
from tests.test_account import csrf
from tests.waiting import until
from worker import tasks
from worker.app import Workshop

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
TOKEN = "ho_only-for-tests-0123456789"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Blog]:
    assert DEBIANS.is_dir(), "install wordpress, wordpress-l10n, php-cli, php-mysql, mariadb-server; tests/run does"
    blog = Blog(tmp_path_factory.mktemp("wp"))
    yield blog
    blog.stop()


class Service:
    """Our service on a port of its own; it can go away and come back."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.server: BaseWSGIServer | None = None
        self.start()

    def start(self) -> None:
        self.server = make_server("127.0.0.1", self.port, self.app, threaded=True)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.thread.join()
            self.server = None


@pytest.fixture
def service(app: Flask) -> Iterator[Service]:
    made = Service(app)
    yield made
    made.stop()


class Newsroom:
    """Blog and service together, and the people at the desk."""

    def __init__(self, blog: Blog, service: Service, database: Database) -> None:
        self.blog = blog
        self.service = service
        self.database = database
        self.desk = service.app.test_client()
        self.desk.post("/sign-in", data={"name": "mona", "password": PASSWORD, "csrf_token": csrf(self.desk)})

    def find(self, wp_id: int) -> Comment | None:
        with self.database.session(read_only=True) as session:
            found = session.scalars(select(Comment).where(Comment.external_id == str(wp_id))).one_or_none()
            if found is not None:
                assert found.article
            return found

    def has(self, wp_id: int, **values: Any) -> bool:
        """Give the blog a chance to send, and say whether the service knows the comment so."""
        self.blog.knock()
        found = self.find(wp_id)
        return found is not None and all(getattr(found, name) == value for name, value in values.items())

    def arrived(self, wp_id: int, **values: Any) -> Comment:
        until(lambda: self.has(wp_id, **values), within=20)
        found = self.find(wp_id)
        assert found is not None
        return found

    def decide(self, wp_id: int, outcome: str) -> int:
        """Decide at the desk, as the card's form does; return the decision's id."""
        comment = self.find(wp_id)
        assert comment is not None
        form = {"outcome": outcome, "revision": comment.revision, "status": str(comment.status)}
        form["csrf_token"] = csrf(self.desk, "/queue")
        answer = self.desk.post(f"/comments/{comment.id}/decision", data=form)
        assert answer.status_code in {200, 302, 303}, answer.text
        with self.database.session(read_only=True) as session:
            return session.scalars(select(Decision.id).order_by(Decision.id.desc())).first() or 0


@pytest.fixture
def room(
    installed: Blog, service: Service, database: Database, site: Site, moderator: Moderator, workshop: Workshop
) -> Newsroom:
    with database.session() as session:
        ours = session.get_one(Site, site.id)
        ours.keys.append(SiteKey(kind="signing", value=SECRET))
        ours.keys.append(SiteKey(kind="token", value=hashlib.sha256(TOKEN.encode()).hexdigest()))
        ours.callback_url = f"{installed.url}/wp-json/hausordnung/v1/decisions"
        ours.callback_private, ours.undo_seconds = True, 0
        session.commit()
    installed.php(
        f"""
        $GLOBALS['wpdb']->query('DELETE FROM ' . hausordnung_table());
        delete_option('hausordnung_health'); delete_transient('doing_cron');
        update_option('hausordnung', ['url' => '{service.url}', 'site' => 'foerdeblick', 'mode' => 'push',
            'secret' => '{SECRET}', 'token' => '{TOKEN}']);
        """
    )
    return Newsroom(installed, service, database)


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
    assert len(_decisions(room, answer)) == 1, "WordPress does not echo it"


def _decisions(room: Newsroom, wp_id: int) -> list[tuple[Maker, Outcome]]:
    with room.database.session(read_only=True) as session:
        comment = session.scalars(select(Comment).where(Comment.external_id == str(wp_id))).one()
        return [(decision.maker, decision.outcome) for decision in comment.decisions]


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


def test_a_decision_on_another_text_is_not_applied(room: Newsroom) -> None:
    comment = room.blog.comment("Der Text, über den entschieden wird.")
    room.arrived(comment)
    room.decide(comment, "approve")
    room.blog.php(f"wp_update_comment(['comment_ID' => {comment}, 'comment_content' => 'Inzwischen ein anderer.']);")
    tasks.deliver()
    assert room.blog.read(comment)["status"] == "hold"


def test_what_is_gone_for_good_leaves_our_queue(room: Newsroom) -> None:
    comment = room.blog.comment("Ich nehme das zurück.")
    room.arrived(comment)
    room.blog.rest("DELETE", f"/comments/{comment}?force=true")
    room.arrived(comment, status=Status.WITHDRAWN)


@pytest.mark.parametrize(("in_wordpress", "status"), [("spam", Status.DELETED), ("approved", Status.APPROVED)])
def test_what_is_decided_in_wordpress_is_decided_here(room: Newsroom, in_wordpress: str, status: Status) -> None:
    comment = room.blog.comment(f"Kauft Uhren! {in_wordpress}")
    room.arrived(comment)
    room.blog.rest("POST", f"/comments/{comment}", status=in_wordpress)
    room.arrived(comment, status=status)
    assert [maker for maker, _ in _decisions(room, comment)] == [Maker.SITE]

    room.blog.rest("POST", f"/comments/{comment}", status="hold")
    room.arrived(comment, status=Status.PENDING)


def test_the_service_may_be_away_and_nothing_is_lost_or_published(room: Newsroom) -> None:
    room.service.stop()
    began = time.monotonic()
    comment = room.blog.comment("Ist da wer? 🌊")
    assert time.monotonic() - began < 3, "no reader waits for the service"
    room.blog.knock()
    with room.blog.owner() as client:
        until(lambda: "ist nicht zu erreichen" in client.get("/wp-admin/edit-comments.php").text, within=20)
    assert room.blog.read(comment)["status"] == "hold"

    room.service.start()
    page = room.blog.press("hausordnung_now")
    assert "noch zu senden sind: 0" in page
    assert "ist nicht zu erreichen" not in page
    room.arrived(comment)


def test_a_busy_service_is_left_alone_for_as_long_as_it_asks(room: Newsroom, receiver: Receiver) -> None:
    base = receiver.url.removesuffix("/hausordnung")
    room.blog.set_up(url=base, site="foerdeblick", mode="push")
    receiver.answer = lambda: (429, {"retry-after": "2"}) if len(receiver.got) == 1 else (202, {})
    room.blog.comment("Viel los heute.")

    def came(number: int) -> bool:
        room.blog.knock()
        return len(receiver.got) >= number

    until(lambda: came(1), within=20)
    refused = time.monotonic()
    until(lambda: came(2), within=20)
    assert time.monotonic() - refused > 1
    first, second = (headers["webhook-id"] for headers, _ in receiver.got[:2])
    assert first == second, "a repeat is known by its id"


def test_an_undone_decision_never_reaches_the_blog(room: Newsroom) -> None:
    comment = room.blog.comment("Zu schnell geklickt.")
    room.arrived(comment)
    with room.database.session() as session:
        session.scalars(select(Site)).one().undo_seconds = 600
        session.commit()
    decision = room.decide(comment, "delete")
    room.desk.post(f"/decisions/{decision}/undo", data={"csrf_token": csrf(room.desk, "/queue")})
    tasks.deliver()
    assert room.blog.read(comment)["status"] == "hold"


def test_a_second_thought_brings_a_comment_back_from_the_bin(room: Newsroom) -> None:
    comment = room.blog.comment("Erst gelöscht, dann doch nicht.")
    room.arrived(comment)
    room.decide(comment, "delete")
    tasks.deliver()
    assert room.blog.read(comment)["status"] == "trash"
    room.decide(comment, "approve")
    tasks.deliver()
    assert room.blog.read(comment)["status"] == "approved"


def _decision(comment: int, text: str, outcome: str, at: str) -> str:
    data = {"id": str(comment), "outcome": outcome, "decided_at": at, "rule": None}
    data["text_sha256"] = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps({"type": f"comment.{outcome}", "data": data})


def test_decisions_are_believed_only_when_signed_fresh_and_new(room: Newsroom) -> None:
    text = "Wer darf entscheiden?"
    comment = room.blog.comment(text)
    address = f"{room.blog.url}/wp-json/hausordnung/v1/decisions"
    approve = _decision(comment, text, "approve", "2026-11-02T10:00:00+00:00")
    delete = _decision(comment, text, "delete", "2026-11-01T10:00:00+00:00")

    def post(body: str, headers: dict[str, str]) -> httpx.Response:
        return httpx.post(address, content=body, headers=headers, trust_env=False)

    good = signed(SECRET, approve)
    stale = signed(SECRET, approve) | {"webhook-timestamp": str(int(time.time()) - 900)}
    for body, headers in ((approve, {"content-type": "application/json"}), (delete, good), (approve, stale)):
        assert post(body, headers).status_code == 401
    assert room.blog.read(comment)["status"] == "hold"

    assert [post(approve, good).json() for _ in range(2)] == [{"applied": True}] * 2
    assert post(delete, signed(SECRET, delete)).json() == {"applied": False, "why": "older"}
    assert room.blog.read(comment)["status"] == "approved"
    unknown = _decision(10**9, text, "approve", "2026-11-02T10:00:00+00:00")
    assert post(unknown, signed(SECRET, unknown)).status_code == 404
    assert post("{}", signed(SECRET, "{}")).status_code == 422


def test_a_blog_that_cannot_be_called_fetches_and_acknowledges(room: Newsroom) -> None:
    with room.database.session() as session:
        session.scalars(select(Site)).one().callback_url = None
        session.commit()
    room.blog.set_up(url=room.service.url, site="foerdeblick", mode="pull")
    comment = room.blog.comment("Hinter der Brandmauer.")
    room.arrived(comment)
    room.decide(comment, "approve")
    room.blog.press("hausordnung_now")
    assert room.blog.read(comment)["status"] == "approved"
    waiting = room.service.app.test_client().get("/api/v1/decisions", headers={"Authorization": f"Bearer {TOKEN}"})
    assert waiting.json["decisions"] == []


def test_what_was_decided_before_comes_as_labels(room: Newsroom) -> None:
    old = json.loads(
        room.blog.php(
            f"""
            define('WP_IMPORTING', true);
            $made = [];
            foreach ([['1', 'Lange her, aber gut.'], ['trash', 'Lange her und böse.']] as [$status, $text]) {{
                $made[] = wp_insert_comment(['comment_post_ID' => {room.blog.post}, 'comment_content' => $text,
                    'comment_author' => 'Alt', 'comment_approved' => $status, 'comment_type' => 'comment',
                    'comment_date_gmt' => '2024-03-01 12:00:00', 'comment_date' => '2024-03-01 13:00:00']);
            }}
            echo json_encode($made);
            """
        )
    )
    assert "Kommentare unterwegs: 2" in room.blog.press("hausordnung_history", number="2")
    room.arrived(old[0], status=Status.APPROVED)
    room.arrived(old[1], status=Status.DELETED)
    assert _decisions(room, old[1]) == [(Maker.SITE, Outcome.DELETE)]
    with room.database.session(read_only=True) as session:
        assert {decision.decided_at.year for decision in session.scalars(select(Decision))} == {2024}


def test_the_settings_page_sets_all_and_shows_no_secret_again(room: Newsroom) -> None:
    room.blog.php("delete_option('hausordnung');")
    room.blog.set_up(url=room.service.url + "/", site="foerdeblick", secret=f" {SECRET} ", token=TOKEN, mode="push")
    room.blog.set_up(url=room.service.url, site="foerdeblick", secret="", token="", mode="push")
    with room.blog.owner() as client:
        page = client.get("/wp-admin/options-general.php?page=hausordnung").text
    assert SECRET not in page
    assert TOKEN not in page
    room.arrived(room.blog.comment("Das Geheimnis ist noch da."))


def test_nothing_of_the_plugin_stays_when_it_is_deleted(room: Newsroom) -> None:
    comment = room.blog.comment("Bleibe ich?")
    room.arrived(comment)
    left = room.blog.php(
        """
        define('WP_UNINSTALL_PLUGIN', true);
        require WP_PLUGIN_DIR . '/hausordnung/uninstall.php';
        global $wpdb;
        echo json_encode([
            $wpdb->get_var("SHOW TABLES LIKE '%hausordnung%'"),
            $wpdb->get_var("SELECT COUNT(*) FROM {$wpdb->commentmeta} WHERE meta_key LIKE '%hausordnung%'"),
            get_option('hausordnung', 'nothing'), wp_next_scheduled('hausordnung_minute'),
        ]);
        hausordnung_activate();
        """
    )
    assert json.loads(left) == [None, "0", "nothing", False]
    assert room.blog.read(comment)["status"] == "hold"


def test_every_sentence_of_the_plugin_is_german_too() -> None:
    code = "".join(file.read_text(encoding="utf-8") for file in PLUGIN.rglob("*.php"))
    with (PLUGIN / "languages" / "hausordnung-de.po").open("rb") as file:
        catalogue = read_po(file)
    for sentence in re.findall(r"(?:__|esc_html_e|esc_html__)\( '([^']+)'", code):
        assert catalogue.get(sentence) is not None, sentence
        assert catalogue[sentence].string, sentence
    assert Path(PLUGIN / "languages" / "hausordnung-de.mo").stat().st_size > 1000
