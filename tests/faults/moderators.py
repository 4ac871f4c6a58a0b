"""Two moderators at the desk, through the very pages a browser asks for; they race for the same comments."""

import random
import re
import threading
from dataclasses import dataclass, field

import httpx
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from moderation.db import Database
from moderation.models import Comment, Decision, Status

PASSWORD = "nur-fuer-tests-7"


@dataclass
class Moderator:
    """Decides on whatever waits, takes some of it back, and remembers what the desk said."""

    name: str
    urls: list[str]
    database: Database
    chance: random.Random
    decided: set[int] = field(default_factory=set)
    """Decisions that the desk confirmed."""
    undone: set[int] = field(default_factory=set)
    stop: threading.Event = field(default_factory=threading.Event)
    _token: str = ""
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=5))

    def sign_in(self) -> None:
        page = self._client.get(f"{self.urls[0]}/sign-in").text
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert found
        form = {"name": self.name, "password": PASSWORD, "csrf_token": found[1]}
        assert self._client.post(f"{self.urls[0]}/sign-in", data=form).status_code == 303
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self._client.get(f"{self.urls[0]}/queue").text)
        assert found
        self._token = found[1]

    def close(self) -> None:
        self._client.close()

    def start(self) -> threading.Thread:
        self.stop.clear()
        thread = threading.Thread(target=self._work, daemon=True)
        thread.start()
        return thread

    def _work(self) -> None:
        while not self.stop.wait(0.02):
            try:
                self.decide_one()
            except (httpx.HTTPError, SQLAlchemyError):
                self.stop.wait(0.3)

    def decide_one(self) -> bool:
        """Decide on one comment; False where none waits."""
        found = self._waiting()
        if found is None:
            return False
        mine = self._decide(*found)
        if mine is not None and self.chance.random() < 0.2 and self._post(f"/decisions/{mine}/undo") == 303:
            self.undone.add(mine)
        return True

    def decide_on(self, external_id: str) -> bool:
        """Decide on this comment, unless it is decided already; whether it is."""
        with self.database.session(read_only=True) as session:
            comment = session.scalars(select(Comment).where(Comment.external_id == external_id)).one_or_none()
        if comment is None or comment.status is not Status.PENDING:
            return comment is not None
        return self._decide(comment.id, comment.revision) is not None

    def _decide(self, comment_id: int, revision: int) -> int | None:
        """Decide on a comment; the decision, if the desk took it and none was quicker."""
        outcome = self.chance.choice(["approve", "delete"])
        if self._post(f"/comments/{comment_id}/decision", outcome=outcome, revision=str(revision)) != 303:
            return None
        mine = self._latest(comment_id)
        self.decided |= set() if mine is None else {mine}
        return mine

    def _waiting(self) -> tuple[int, int] | None:
        with self.database.session(read_only=True) as session:
            oldest = session.execute(
                select(Comment.id, Comment.revision)
                .where(Comment.status == Status.PENDING)
                .order_by(Comment.id)
                .limit(6)
            ).all()
        return tuple(self.chance.choice(oldest)) if oldest else None

    def _latest(self, comment_id: int) -> int | None:
        """The decision on a comment that stands now, if it is this moderator's."""
        with self.database.session(read_only=True) as session:
            latest = session.scalars(
                select(Decision).where(Decision.comment_id == comment_id).order_by(Decision.id.desc()).limit(1)
            ).first()
            return latest.id if latest and latest.moderator and latest.moderator.name == self.name else None

    def _post(self, address: str, **form: str) -> int:
        url = self.chance.choice(self.urls)
        return self._client.post(f"{url}{address}", data=form | {"csrf_token": self._token}).status_code
