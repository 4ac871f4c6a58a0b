"""Histories come from exports of WordPress and Disqus and from Isso's own database; bad ones are told by the line."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from moderation.cli import main
from moderation.config import Settings
from moderation.db import Database
from moderation.imports.disqus import read_disqus
from moderation.imports.isso import read_isso
from moderation.imports.lines import read_csv, read_jsonl
from moderation.imports.wordpress import read_wordpress
from moderation.models import Article, Comment, Decision, Maker, Site, Status
from tests.guides import blocks
from tests.senders import comment

WXR = """<?xml version="1.0" encoding="UTF-8" ?>
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:wp="http://wordpress.org/export/1.2/">
<channel>
<wp:author><wp:author_login><![CDATA[mab]]></wp:author_login>
 <wp:author_display_name><![CDATA[M. Abel]]></wp:author_display_name></wp:author>
<item>
<title><![CDATA[Die Brücke & der Umweg]]></title><link>https://zeitung.example/bruecke</link>
<dc:creator><![CDATA[mab]]></dc:creator>
<content:encoded><![CDATA[[caption id="1"]Bild[/caption]<p>Gesperrt &amp; umgeleitet.</p>]]></content:encoded>
<excerpt:encoded><![CDATA[Ein Jahr.]]></excerpt:encoded>
<wp:post_id>12</wp:post_id><wp:post_date_gmt>2024-02-29 10:00:00</wp:post_date_gmt>
<wp:status>publish</wp:status><wp:post_type>post</wp:post_type>
<category domain="post_tag" nicename="stau"><![CDATA[Stau]]></category>
<category domain="category" nicename="lokales"><![CDATA[Lokales]]></category>
<category domain="category" nicename="verkehr"><![CDATA[Verkehr]]></category>
COMMENTS
</item>
<item><title>Ohne Widerhall</title><link>https://zeitung.example/ohne</link><wp:post_id>13</wp:post_id>
<wp:post_date_gmt>2024-03-01 10:00:00</wp:post_date_gmt>
<wp:status>publish</wp:status><wp:post_type>post</wp:post_type></item>
<item><title>Bild</title><wp:post_id>14</wp:post_id><wp:post_type>attachment</wp:post_type></item>
</channel>
</rss>
"""


def _wp_comment(number: int, approved: str, **changes: str) -> str:
    said = {
        "comment_id": str(number),
        "comment_author": "J&amp;rg",
        "comment_author_email": "j@zeitung.example",
        "comment_author_IP": "192.0.2.7",
        "comment_date_gmt": "2024-03-01 12:00:00",
        "comment_content": f"Grüße 👋 <b>{number}</b> &amp; mehr",
        "comment_approved": approved,
        "comment_type": "comment",
        "comment_parent": "0",
        "comment_user_id": "0",
        **changes,
    }
    fields = "".join(f"<wp:{name}><![CDATA[{value}]]></wp:{name}>" for name, value in said.items())
    return f"<wp:comment>{fields}</wp:comment>\n"


def _wxr(file: Path, *comments: str) -> Path:
    file.write_text(WXR.replace("COMMENTS\n", "".join(comments)), encoding="utf-8")
    return file


DISQUS = """<?xml version="1.0" encoding="utf-8"?>
<disqus xmlns="http://disqus.com" xmlns:dsq="http://disqus.com/disqus-internals">
<category dsq:id="1"><forum>f</forum></category>
<thread dsq:id="100"><id>bruecke</id><link>https://blog.example/bruecke/</link><title>Die Brücke</title></thread>
<thread dsq:id="101"><id /><link>https://blog.example/ohne-namen/</link></thread>
<post dsq:id="7"><message><![CDATA[<p>Gut so &amp; weiter.</p>]]></message><createdAt>2024-03-01T12:00:00Z</createdAt>
 <isDeleted>false</isDeleted><isSpam>false</isSpam>
 <author><name>Jörg</name><username>joerg</username></author><thread dsq:id="100" /></post>
<post dsq:id="8"><message>Kauft Uhren</message><createdAt>2024-03-02T12:00:00Z</createdAt><isDeleted>false</isDeleted>
 <isSpam>true</isSpam><author><name>Bot</name></author><thread dsq:id="101" /><parent dsq:id="7" /></post>
</disqus>
"""


class House:
    """The command, run on the test's database, and what is in it."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.env = {"MODERATION_DATABASE_URL": settings.database_url, "MODERATION_HOME": str(settings.home)}
        self.database = database

    def take(self, form: str, file: Path, *more: str) -> Result:
        arguments = ["import", form, str(file), "--site", "foerdeblick", *more]
        return CliRunner().invoke(main, arguments, env=self.env)

    def comments(self) -> list[Comment]:
        with self.database.session(read_only=True) as session:
            found = session.scalars(select(Comment).order_by(Comment.id)).all()
            for comment in found:
                assert comment.article
            return list(found)

    def decisions(self) -> list[tuple[str, Maker, str]]:
        with self.database.session(read_only=True) as session:
            found = session.scalars(select(Decision).order_by(Decision.id))
            return [(made.outcome.value, made.maker, made.decided_at.isoformat()) for made in found]


@pytest.fixture
def house(settings: Settings, database: Database, site: Site) -> House:
    return House(settings, database)


def test_wordpress_own_export_comes_with_articles_and_decisions(house: House, tmp_path: Path) -> None:
    comments = [
        _wp_comment(1, "1"),
        _wp_comment(2, "spam", comment_parent="1", comment_user_id="5"),
        _wp_comment(3, "trash"),
        _wp_comment(4, "0", comment_date_gmt="0000-00-00 00:00:00", comment_date="2024-03-02 08:00:00"),
        _wp_comment(5, "1", comment_type="pingback"),
    ]
    file = _wxr(tmp_path / "blog.xml", *comments)
    for new in (5, 0):
        done = house.take("wordpress", file)
        assert (done.exit_code, done.output) == (0, f"5 comments and articles read, {new} of them new.\n")
    first, second, third, fourth = house.comments()
    assert (first.external_id, first.text, first.commenter_name) == ("1", "Grüße 👋 1 & mehr", "J&rg")
    assert [c.status for c in (first, second, third, fourth)] == [
        Status.APPROVED,
        Status.DELETED,
        Status.DELETED,
        Status.PENDING,
    ]
    assert (second.parent_external_id, second.commenter_id) == ("1", "5")
    assert fourth.submitted_at.isoformat() == "2024-03-02T08:00:00+00:00"
    article = first.article
    assert (article.external_id, article.title, article.lead) == ("12", "Die Brücke & der Umweg", "Ein Jahr.")
    assert (article.body, article.authors, article.section) == ("Bild\nGesperrt & umgeleitet.", ["M. Abel"], "Lokales")
    long_ago = "2024-03-01T12:00:00+00:00"
    assert house.decisions() == [(outcome, Maker.SITE, long_ago) for outcome in ("approve", "delete", "delete")]
    with house.database.session(read_only=True) as session:
        assert set(session.scalars(select(Article.external_id))) == {"12", "13"}, "also that which nobody commented on"


def test_disqus_export_comes_with_threads_as_articles(house: House, tmp_path: Path) -> None:
    file = tmp_path / "disqus.xml"
    file.write_text(DISQUS, encoding="utf-8")
    assert house.take("disqus", file).output == "2 comments and articles read, 2 of them new.\n"
    good, spam = house.comments()
    assert (good.text, good.commenter_id, good.status) == ("Gut so & weiter.", "joerg", Status.APPROVED)
    assert (good.article.external_id, good.article.title) == ("bruecke", "Die Brücke")
    assert (spam.parent_external_id, spam.status) == ("7", Status.DELETED)
    assert (spam.article.external_id, spam.article.title) == ("/ohne-namen/", "https://blog.example/ohne-namen/")
    assert [outcome for outcome, *_ in house.decisions()] == ["approve", "delete"]


def test_an_entity_bomb_and_a_foreign_file_are_refused(house: House, tmp_path: Path) -> None:
    bomb = '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>\n<rss>&b;</rss>'
    deep = "<rss>" + "<a>" * 200
    for form, content, said in (
        ("wordpress", bomb, "Line 2: DTDForbidden"),
        ("disqus", bomb, "Line 2: DTDForbidden"),
        ("wordpress", "<html>\n</html>", "Line 1: the file begins with <html>, not with <rss>"),
        ("wordpress", deep, "Line 1: elements within elements, 100 deep"),
        ("disqus", "", "cut off"),
        ("wordpress", "id,text\n", "Line 1: not well-formed"),
        ("wordpress", '<?xml version="1.0" encoding="klingon"?><rss/>', "Line 1"),
    ):
        file = tmp_path / "bad.xml"
        file.write_text(content, encoding="utf-8")
        done = house.take(form, file)
        assert done.exit_code == 1, content
        assert said in done.output, done.output
    assert house.comments() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"comment_approved": "maybe"}, "comment_approved is 'maybe'"),
        ({"comment_date_gmt": "gestern"}, "comment_date_gmt is 'gestern'"),
        ({"comment_id": ""}, "id: "),
    ],
)
def test_a_bad_comment_is_named_by_its_line_and_what_was_before_it_is_kept(
    house: House, tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    approved = changes.pop("comment_approved", "1")
    file = _wxr(tmp_path / "blog.xml", _wp_comment(1, "1"), "\n", _wp_comment(2, approved, **changes))
    line = file.read_text(encoding="utf-8").splitlines().index("") + 2
    done = house.take("wordpress", file)
    assert done.exit_code == 1
    assert f"Line {line}: {said}" in done.output
    assert [found.external_id for found in house.comments()] == ["1"]
    _wxr(file, _wp_comment(1, "1"), _wp_comment(2, "spam"))
    assert house.take("wordpress", file).exit_code == 0
    assert [found.external_id for found in house.comments()] == ["1", "2"]


def test_an_export_that_was_cut_off_keeps_what_is_whole(house: House, tmp_path: Path) -> None:
    file = _wxr(tmp_path / "blog.xml", *(_wp_comment(number, "1") for number in range(1, 6)))
    whole = file.read_bytes()
    file.write_bytes(whole[: whole.index(b"<wp:comment_id><![CDATA[4]]>")])
    done = house.take("wordpress", file)
    assert done.exit_code == 1
    assert re.search(r"Line \d+: not well-formed XML, or cut off", done.output)
    assert len(house.comments()) == 3
    file.write_bytes(whole)
    done = house.take("wordpress", file)
    assert done.exit_code == 0
    assert "it goes on where that stopped.\n3 comments and articles read, 3 of them new." in done.output, (
        "two, and an article"
    )
    assert len(house.comments()) == 5


def test_a_post_of_disqus_without_its_thread_is_named(house: House, tmp_path: Path) -> None:
    file = tmp_path / "disqus.xml"
    file.write_text(DISQUS.replace('<thread dsq:id="101" />', '<thread dsq:id="9" />'), encoding="utf-8")
    done = house.take("disqus", file)
    assert done.exit_code == 1
    assert "Line 10: the post belongs to the thread '9'" in done.output


ISSO = """
import sys
folder, file = sys.argv[1:]
sys.path.insert(0, folder)
from isso import config
from isso.db import SQLite3
settings = config.new({"general": {"dbpath": file}, "guard": {"enabled": "off"}, "moderation": {"purge-after": "30d"}})
isso = SQLite3(file, settings)
isso.threads.new("/bruecke/", "Die Brücke")
common = {"email": "j@zeitung.example", "website": None, "remote_addr": "192.0.2.0", "notification": 0}
rows = [(1, None, "Grüße 👋"), (2, 1, "Wartet."), (1, None, "Wird gelöscht."), (1, 3, "Antwort.")]
for mode, parent, text in rows:
    said = {"text": text, "author": "Jörg", "mode": mode, "parent": parent, "created": 1709294400.5}
    isso.comments.add("/bruecke/", common | said)
isso.comments.delete(3)
"""


@pytest.fixture(scope="session")
def isso(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that Isso's own code made and wrote into."""
    folder = tmp_path_factory.mktemp("isso")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*install, "--target", str(folder), "isso==0.14.0"], check=True)
    (folder / "isso" / "__init__.py").write_text("")  # that is its web server, which needs a compiler
    subprocess.run([sys.executable, "-c", ISSO, str(folder), str(folder / "isso.db")], check=True)
    return folder / "isso.db"


@pytest.fixture
def isso_file(isso: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(isso, tmp_path / "isso.db"))


def test_isso_own_database_is_read_as_it_is(house: House, isso_file: Path) -> None:
    done = house.take("isso", isso_file, "--url", "https://blog.example")
    assert (done.exit_code, done.output) == (0, "4 comments and articles read, 4 of them new.\n")
    first, second, third, fourth = house.comments()
    assert (first.text, first.commenter_name, first.status) == ("Grüße 👋", "Jörg", Status.APPROVED)
    assert (first.article.external_id, first.article.url) == ("/bruecke/", "https://blog.example/bruecke/")
    assert first.submitted_at.isoformat() == "2024-03-01T12:00:00.500000+00:00"
    assert (second.parent_external_id, second.status) == ("1", Status.PENDING)
    assert (third.text, third.status) == ("", Status.DELETED)
    assert fourth.parent_external_id == "3"


def test_what_is_no_database_of_isso_is_refused(house: House, isso_file: Path, tmp_path: Path) -> None:
    assert "--url" in house.take("isso", isso_file).output
    other = tmp_path / "other.db"
    other.write_text("no database")
    there = ("--url", "https://blog.example")
    assert "other.db cannot be read" in house.take("isso", other, *there).output
    with sqlite3.connect(isso_file) as database:
        database.execute("UPDATE comments SET mode = 9 WHERE id = 2")
    database.close()
    done = house.take("isso", isso_file, *there)
    assert (done.exit_code, len(house.comments())) == (1, 1)
    assert "Comment 2: mode is 9" in done.output
    other.unlink()
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE threads (id, uri, title)")
    database.close()
    assert "The table 'comments' lacks tid, id" in house.take("isso", other, *there).output


def test_every_form_is_read_on_from_every_place(isso_file: Path, tmp_path: Path) -> None:
    pingback = _wp_comment(3, "1", comment_type="pingback")
    wordpress = _wxr(tmp_path / "a.xml", _wp_comment(1, "1"), _wp_comment(2, "0"), pingback, _wp_comment(4, "spam"))
    disqus = tmp_path / "b.xml"
    disqus.write_text(DISQUS, encoding="utf-8")
    jsonl = tmp_path / "a.jsonl"
    lines = [json.dumps(comment(id=number, submitted_at="2024-03-01T12:00:00Z")) for number in "123"]
    jsonl.write_bytes("\ufeff".encode() + "\r\n\n".join(lines).encode())
    table = tmp_path / "a.csv"
    row = ";2024-03-01T12:00:00Z;1;https://zeitung.example/;Brücke"
    rows = [f'{number};"Grüße;\r\n👋"{row}\r\n' for number in "123"]
    table.write_bytes(
        "\ufeffid;text;submitted_at;article_id;article_url;article_title\r\n".encode() + "".join(rows).encode()
    )
    for read, file in ((read_wordpress, wordpress), (read_disqus, disqus), (read_jsonl, jsonl), (read_csv, table)):
        with file.open("rb") as opened:
            whole = list(read(opened))
        assert len(whole) > 1
        for number, found in enumerate(whole, start=1):
            with file.open("rb") as opened:
                assert list(read(opened, found.place)) == whole[number:], file
    whole = list(read_isso(isso_file, "https://blog.example"))
    for number, found in enumerate(whole, start=1):
        assert list(read_isso(isso_file, "https://blog.example", found.place)) == whole[number:]


def test_the_guide_brings_everything_along(house: House, isso_file: Path, tmp_path: Path) -> None:
    guide, _ = blocks("import.md", "sh")
    files = {"isso": isso_file, "wordpress": _wxr(tmp_path / "a.xml", _wp_comment(90, "1"))}
    files |= {form: tmp_path / f"a.{form}" for form in ("disqus", "jsonl", "csv")}
    files["disqus"].write_text(DISQUS, encoding="utf-8")
    files["jsonl"].write_text(json.dumps(comment(id="91", submitted_at="2024-03-01T12:00:00Z")), encoding="utf-8")
    columns = "id,text,submitted_at,article_id,article_url,article_title\n"
    files["csv"].write_text(columns + "92,x,2024-03-01T12:00:00Z,1,https://zeitung.example/,T\n", encoding="utf-8")
    lines = guide.replace("mypaper ", "foerdeblick ").replace("mypaper\n", "foerdeblick\n").splitlines()
    for line in lines:
        _, command, form, _, *options = line.split()
        done = CliRunner().invoke(main, [command, form, str(files.pop(form)), *options], env=house.env)
        assert done.exit_code == 0, done.output
    assert files == {}, "every form is in the guide"
    assert {found.external_id for found in house.comments()} >= {"90", "7", "8", "91", "92", "1", "2", "3", "4"}
