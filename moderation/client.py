"""A client of the API for programs of a site: thin, typed, and checked against the service itself.

with Client("https://moderation.example", token="ho_…") as client:
    for comment in client.comments(status="pending"):
        ...
"""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Literal, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from moderation import __version__, wire
from moderation.rulebook import StatedRule

Answer = TypeVar("Answer", bound=BaseModel)
Item = TypeVar("Item", bound=BaseModel)


class Problem(Exception):
    """What the service refused, with its status, its ``code`` and the ``field`` that is wrong."""

    def __init__(self, status: int, code: str, field: str | None, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.field = field


class Client:
    """Asks one service with one token. ``timeout`` is in seconds; errors of the network are those of httpx."""

    def __init__(
        self, url: str, *, token: str, timeout: float = 15, transport: httpx.BaseTransport | None = None
    ) -> None:
        headers = {"authorization": f"Bearer {token}", "user-agent": f"Hausordnung-client/{__version__}"}
        base = url.rstrip("/") + "/api/v1"
        self._http = httpx.Client(base_url=base, headers=headers, timeout=timeout, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def site(self) -> wire.SiteOut:
        """Return what is known of the site."""
        return self._get("/site", wire.SiteOut)

    def change_site(self, seen: wire.SiteOut, **changes: Any) -> wire.SiteOut:
        """Change the site as it was ``seen``; Problem 412 where it is another one by now."""
        return self._change("PATCH", "/site", wire.SiteOut, seen, changes)

    def articles(self) -> Iterator[wire.ArticleOut]:
        """Yield all articles, page by page."""
        return self._all("/articles", wire.ArticleOut)

    def article(self, id_: str) -> wire.ArticleOut:
        """Return an article by the site's id."""
        return self._get(f"/articles/{quote(id_, safe='')}", wire.ArticleOut)

    def close_article(self, seen: wire.ArticleOut, *, closed: bool = True, reason: str = "") -> wire.ArticleOut:
        """Close an article as it was ``seen`` for comments, or open it; Problem 412 where it is another one by now."""
        body = {"closed": closed, "reason": reason}
        return self._change("PATCH", f"/articles/{quote(seen.id, safe='')}", wire.ArticleOut, seen, body)

    def comments(self, *, status: wire.Status | None = None, article: str | None = None) -> Iterator[wire.CommentOut]:
        """Yield the comments, page by page: all, or those of a status, or under an article."""
        return self._all("/comments", wire.CommentOut, status=status, article=article)

    def comment(self, id_: str) -> wire.CommentOut:
        """Return a comment by the site's id."""
        return self._get(_comment(id_), wire.CommentOut)

    def assessment(self, id_: str) -> wire.AssessmentOut:
        """Return what judge and rules say of a comment; Problem 404 where it is not judged yet."""
        return self._get(f"{_comment(id_)}/assessment", wire.AssessmentOut)

    def decisions_on(self, id_: str) -> Sequence[wire.DecisionOut]:
        """Return what was decided on a comment, oldest first."""
        return self._get(f"{_comment(id_)}/decisions", wire.Decisions).decisions

    def decide(
        self, seen: wire.CommentOut, outcome: Literal["approve", "delete"], *, rule: str | None = None
    ) -> wire.DecisionOut:
        """Decide on a comment as it was ``seen``; Problem 412 where it is another one by now."""
        body = {"outcome": outcome, "rule": rule}
        return self._change("POST", f"{_comment(seen.id)}/decisions", wire.DecisionOut, seen, body)

    def waiting(self, after: str = "0", limit: int = 100) -> wire.Messages:
        """Return decisions that the site has not acknowledged, oldest first."""
        return self._get("/decisions", wire.Messages, after=after, limit=limit)

    def acknowledge(self, webhook_ids: Sequence[str]) -> int:
        """Mark decisions as heard; return how many were not before."""
        return self._post("/decisions/ack", wire.Acknowledged, {"ids": list(webhook_ids)}).acknowledged

    def deliveries(self, *, state: wire.State | None = None) -> Iterator[wire.DeliveryOut]:
        """Yield decisions on their way to the site."""
        return self._all("/deliveries", wire.DeliveryOut, state=state)

    def send_again(self, delivery_id: int) -> wire.DeliveryOut:
        """Put a delivery that failed on its way once more."""
        return self._post(f"/deliveries/{delivery_id}/again", wire.DeliveryOut, None)

    def rules(self) -> wire.RulesOut:
        """Return the house rules as they are stated."""
        return self._get("/rules", wire.RulesOut)

    def save_rules(self, seen: wire.RulesOut, rules: Sequence[StatedRule]) -> wire.RulesOut:
        """Make these all the rules there are, in place of those that were ``seen``."""
        body = {"rules": [rule.model_dump(mode="json", exclude_none=True) for rule in rules]}
        return self._change("PUT", "/rules", wire.RulesOut, seen, body)

    def preview(self, text: str, *, article_id: str | None = None, parent_id: str | None = None) -> wire.PreviewOut:
        """Return which rule a text would put in doubt, before anybody sends it."""
        body = {"text": text, "article_id": article_id, "parent_id": parent_id}
        return self._post("/preview", wire.PreviewOut, body)

    def _all(self, path: str, kind: type[Item], **query: Any) -> Iterator[Item]:
        after: str | None = "0"
        while after is not None:
            page = self._get(path, wire.Page[kind], after=after, **query)  # type: ignore[valid-type]
            yield from page.items
            after = page.next

    def _get(self, path: str, kind: type[Answer], **query: Any) -> Answer:
        sent = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", path, kind, params=sent)

    def _post(self, path: str, kind: type[Answer], body: Any) -> Answer:
        return self._ask("POST", path, kind, json=body)

    def _change(self, method: str, path: str, kind: type[Answer], seen: wire.Tagged, body: Any) -> Answer:
        return self._ask(method, path, kind, json=body, headers={"if-match": f'"{seen.etag}"'})

    def _ask(self, method: str, path: str, kind: type[Answer], **sent: Any) -> Answer:
        answer = self._http.request(method, path, **sent)
        if answer.is_success:
            return kind.model_validate_json(answer.content)
        said = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        detail = said.get("detail", f"The service answered {answer.status_code}.")
        raise Problem(answer.status_code, said.get("code", "unknown"), said.get("field"), detail)


def _comment(id_: str) -> str:
    return f"/comments/{quote(id_, safe='')}"
