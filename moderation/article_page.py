"""Fetch the article behind an address, for sites that tell no more than that, and keep it."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import httpx
import structlog
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import __version__, outbound
from moderation.contract import ArticleData, mended, refusal
from moderation.db import now
from moderation.models import Article, Site

log = structlog.get_logger(__name__)

MOST_BYTES = 2_000_000
"""Of a longer page the rest is not read."""

MOST_CHARACTERS = 1_000_000
"""Of a longer text the rest is not kept."""

MOST_ELEMENTS = 10_000
"""A page with more is not looked through: that would take the square of their number."""

FRESH = timedelta(hours=12)
"""How long an article is taken as it was fetched."""


def known(session: Session, site: Site, external_id: str) -> Article | None:
    """Return the article as it was last told or fetched."""
    return session.scalars(
        select(Article).where(Article.site_id == site.id, Article.external_id == external_id)
    ).one_or_none()


def is_fresh(article: Article) -> bool:
    """Whether there is no need to fetch it again."""
    return now() - article.stated_at < FRESH


def fetch(client: httpx.Client, external_id: str, url: str, *, about: str) -> ArticleData | None:
    """Fetch a page and take the article out of it; None where there is none to be had, for whatever reason.

    ``client`` decides which addresses may be reached, also by redirects, and how long all of it may take; ``about`` is
    where whoever runs the page's server can read who asks.
    """
    try:
        html = _download(client, url, about)
    except (*outbound.FAILURES, LookupError) as error:  # that of encodings that are none of texts
        log.info("article_not_fetched", error=type(error).__name__)
        return None
    return _extract(html, external_id, url) if html else None


def _download(client: httpx.Client, url: str, about: str) -> str:
    headers = {"user-agent": f"Hausordnung/{__version__} (+{about})", "accept": "text/html,application/xhtml+xml"}
    with client.stream("GET", url, headers=headers, follow_redirects=True) as response:
        if not response.is_success or "html" not in response.headers.get("content-type", "html"):
            log.info("article_not_fetched", status=response.status_code)
            return ""
        body = b""
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) >= MOST_BYTES:
                break
        return body[:MOST_BYTES].decode(response.encoding or "utf-8", "replace")


def _extract(html: str, external_id: str, url: str) -> ArticleData | None:
    import trafilatura  # noqa: PLC0415 - heavy, and only sites that send no articles need it

    page = trafilatura.load_html(html)
    if page is None or sum(1 for _ in page.iter()) > MOST_ELEMENTS:
        return None
    document = trafilatura.bare_extraction(
        page, url=url, with_metadata=True, include_comments=False, favor_precision=True
    )
    if document is None:
        return None
    found = SimpleNamespace(**(document if isinstance(document, dict) else document.as_dict()))
    if not found.title:
        return None
    title, lead, body, author = (
        mended(text or "") for text in (found.title, found.description, found.text, found.author)
    )
    try:
        return ArticleData(
            id=external_id,
            url=url,
            title=title[:1000],
            lead=lead,
            body=body[:MOST_CHARACTERS],
            authors=tuple(name.strip()[:255] for name in author.split(";") if name.strip())[:50],
            published_at=_date(found.date),
        )
    except ValidationError as error:
        log.info("article_not_fetched", error=refusal(error).code)
        return None


def _date(value: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(value).replace(tzinfo=UTC) if value else None
    except ValueError:
        return None
