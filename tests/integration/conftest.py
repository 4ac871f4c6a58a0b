"""A real WordPress and our service beside it, for all tests of the plugin."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from moderation.db import Database
from moderation.models import Comment, Decision, Maker, Moderator, Outcome, Scope, Site, SiteKey
from tests.conftest import PASSWORD, csrf
from tests.integration.ports import free_port
from tests.integration.wordpress import DEBIANS, Blog
from tests.serving import Server
from tests.waiting import until
from worker.app import Workshop

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


TOKEN = "ho_only-for-tests-0123456789"


@pytest.fixture(scope="session")
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
        self.server: Server | None = None
        self.start()

    def start(self) -> None:
        self.server = Server(self.app, port=self.port)

    def stop(self) -> None:
        if self.server is not None:
            self.server.close()
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
        until(lambda: self.has(wp_id, **values))
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

    def decisions(self, wp_id: int) -> list[tuple[Maker, Outcome]]:
        """What was decided on a comment of the blog, and by whom."""
        with self.database.session(read_only=True) as session:
            comment = session.scalars(select(Comment).where(Comment.external_id == str(wp_id))).one()
            return [(decision.maker, decision.outcome) for decision in comment.decisions]


@pytest.fixture
def room(
    installed: Blog, service: Service, database: Database, site: Site, moderator: Moderator, workshop: Workshop
) -> Newsroom:
    with database.session() as session:
        ours = session.get_one(Site, site.id)
        ours.keys.append(SiteKey(kind="signing", value=SECRET))
        ours.keys.append(SiteKey(kind="token", value=hashlib.sha256(TOKEN.encode()).hexdigest(), scope=Scope.DECIDE))
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
