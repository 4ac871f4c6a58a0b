"""What the owner of a WordPress does once: settings, the history, taking it all away."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from babel.messages.pofile import read_po
from click.testing import CliRunner
from sqlalchemy import select

from moderation.cli import main
from moderation.config import Settings
from moderation.models import Comment, Decision, Maker, Outcome, Status
from tests.guides import blocks
from tests.integration.conftest import SECRET, TOKEN, Newsroom
from tests.integration.wordpress import PLUGIN
from worker import tasks


def test_the_guide_leads_from_nothing_to_a_published_comment(room: Newsroom, command: Callable[[str], str]) -> None:
    (line,) = blocks("wordpress.md", "sh")
    printed = command(line.replace("https://meinblog.example", room.blog.url))
    command("moderation site set meinblog --callback-private --undo-seconds 0")  # the blog is on this machine here
    keys = {"secret": printed.split()[-4], "token": printed.split()[-1]}
    room.blog.php("delete_option('hausordnung');")
    room.blog.set_up(url=room.service.url, site="meinblog", mode="push", **keys)

    written = room.blog.comment("Grüße von der Förde: längst überfällig, die Sperrung! 🚲🌉")
    assert room.blog.read(written)["status"] == "hold"
    arrived = room.arrived(written)
    assert arrived.text == "Grüße von der Förde: längst überfällig, die Sperrung! 🚲🌉"
    room.decide(written, "approve")
    tasks.deliver()
    assert room.blog.read(written)["status"] == "approved"


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
    assert room.decisions(old[1]) == [(Maker.SITE, Outcome.DELETE)]
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


def test_wordpress_own_export_is_taken_in_whole_and_comes_back_whole(
    room: Newsroom, settings: Settings, tmp_path: Path
) -> None:
    room.blog.php(
        f"""
        define('WP_IMPORTING', true);
        foreach (['1', '0', 'spam', 'trash'] as $number => $status) {{
            wp_insert_comment(['comment_post_ID' => {room.blog.post}, 'comment_content' => "Grüße 👋 & <b>$status</b>",
                'comment_author' => 'Ä & Ö', 'comment_approved' => $status, 'comment_type' => 'comment',
                'comment_date_gmt' => "2024-03-1$number 12:00:00", 'comment_date' => "2024-03-1$number 13:00:00"]);
        }}
        """
    )
    export = tmp_path / "blog.xml"
    export.write_text(room.blog.php("require ABSPATH . 'wp-admin/includes/export.php'; export_wp();"), encoding="utf-8")
    rows = (
        "SELECT comment_ID, comment_approved FROM wp_comments WHERE comment_approved <> 'spam'"  # its export has none
    )
    there = json.loads(room.blog.php(f'echo json_encode($GLOBALS["wpdb"]->get_results("{rows}", ARRAY_N));'))
    env = {"MODERATION_DATABASE_URL": settings.database_url, "MODERATION_HOME": str(settings.home)}

    def moderation(*arguments: str) -> str:
        done = CliRunner().invoke(main, list(arguments), env=env)
        assert done.exit_code == 0, done.output
        return done.stdout

    moderation("import", "wordpress", str(export), "--site", "foerdeblick")
    expected = {"1": Status.APPROVED, "0": Status.PENDING, "spam": Status.DELETED, "trash": Status.DELETED}
    with room.database.session(read_only=True) as session:
        found = {comment.external_id: comment for comment in session.scalars(select(Comment))}
        assert {id_: comment.status for id_, comment in found.items()} == {id_: expected[how] for id_, how in there}
        newest = found[max(found, key=int)]
        assert (newest.text, newest.commenter_name) == ("Grüße 👋 & trash", "Ä & Ö")
        assert newest.article.title == "Die Brücke & der Umweg"

    written = tmp_path / "history.jsonl"
    moderation("export", str(written), "--site", "foerdeblick")
    moderation("site", "add", "zweitblatt", "--name", "Zweitblatt")
    moderation("import", "jsonl", str(written), "--site", "zweitblatt")
    assert moderation("export", "--site", "zweitblatt") == written.read_text(encoding="utf-8")
