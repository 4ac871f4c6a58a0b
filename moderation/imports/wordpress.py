"""Reads WordPress's own export (WXR): articles, and comments with what was decided on them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import IO, Any

from moderation.contract import ArticleData, CommentData, DecidedCommentData
from moderation.imports.archive import ArchivedArticle, LoneArticle
from moderation.imports.lines import bad_line, validated
from moderation.imports.place import START, Found, Place
from moderation.imports.xml import Ended, elements, texts, utc
from moderation.judge.text import html_to_text

AUTHOR = ("rss", "channel", "author")
ITEM = ("rss", "channel", "item")
COMMENT = (*ITEM, "comment")

DECIDED = {"1": "approve", "spam": "delete", "trash": "delete", "post-trashed": "delete"}
NO_READERS = {"pingback", "trackback"}
"""Kinds of comments that no reader wrote."""

PAGES = {"post", "page"}
"""Kinds of items that are articles even if nobody commented."""

_SHORTCODE = re.compile(r"\[/?(?:caption|gallery|audio|video|playlist|embed)\b[^\]]*\]")


@dataclass
class _Item:
    """What is known so far of the item that is being read; its comments come last."""

    said: dict[str, str] = field(default_factory=dict)
    section: str | None = None
    article: ArticleData | None = None
    has_readers: bool = False

    def is_lone(self) -> bool:
        """Whether it is an article that no reader wrote under."""
        return not self.has_readers and self.said.get("post_type") in PAGES and self.said.get("status") == "publish"

    def hear(self, ended: Ended) -> None:
        name, text = ended.path[-1], (ended.element.text or "").strip()
        if name == "encoded":
            name = "excerpt" if "excerpt" in ended.element.tag else "content"
        if name == "category":
            if self.section is None and ended.element.get("domain") == "category":
                self.section = text[:200]
        else:
            self.said[name] = text


def read_wordpress(file: IO[bytes], after: Place = START) -> Iterator[Found]:
    """Yield the comments of an export, and the articles that have none; pingbacks and trackbacks are left out.

    WordPress does not keep when a decision was made: the moment of the comment stands for it. BadInput at the line
    where the file is none.
    """
    names: dict[str, str] = {}
    item = _Item()
    count = 0
    for ended in elements(file, root="rss", dropped={ITEM, COMMENT}):
        if ended.path == AUTHOR:
            about = texts(ended.element)
            names[about.get("author_login", "")] = about.get("author_display_name", "")
        elif ended.path == COMMENT:
            about = texts(ended.element)
            if about.get("comment_type") in NO_READERS:
                continue
            item.has_readers = True
            count += 1
            if count > after.items:
                item.article = item.article or _article(item, names, ended.line)
                yield Found(_comment(about, item.article, ended.line), ended.place(count))
        elif ended.path[:-1] == ITEM:
            item.hear(ended)
        elif ended.path == ITEM:
            if item.is_lone():
                count += 1
                if count > after.items:
                    yield Found(_lone(item, names, ended.line), ended.place(count))
            item = _Item()


def _article(item: _Item, names: dict[str, str], line: int) -> ArticleData:
    return validated(ArticleData, _words(item, names, line), line)


def _lone(item: _Item, names: dict[str, str], line: int) -> LoneArticle:
    words = _words(item, names, line)
    stated = words["published_at"] or utc(item.said.get("post_date", ""))
    article = validated(ArchivedArticle, words | {"stated_at": stated}, line)
    return LoneArticle(article=article)


def _words(item: _Item, names: dict[str, str], line: int) -> dict[str, Any]:
    said = item.said
    creator = said.get("creator", "")
    return {
        "id": said.get("post_id", ""),
        "url": said.get("link", ""),
        "title": unescape(said.get("title", "")) or said.get("link", ""),
        "lead": html_to_text(said.get("excerpt", "")),
        "body": html_to_text(_SHORTCODE.sub("", said.get("content", ""))),
        "authors": [name] if (name := names.get(creator) or creator) else [],
        "published_at": _time(said, "post_date_gmt", line),
        "section": item.section,
    }


def _comment(about: dict[str, str], article: ArticleData, line: int) -> CommentData:
    approved = about.get("comment_approved", "")
    outcome = DECIDED.get(approved)
    if outcome is None and approved != "0":
        raise bad_line(line, f"comment_approved is {approved!r}, known are 0, {', '.join(DECIDED)}")
    submitted = _time(about, "comment_date_gmt", line) or _time(about, "comment_date", line)
    values = {
        "id": about.get("comment_id", ""),
        "text": about.get("comment_content", ""),
        "html": True,
        "commenter": {
            "id": _number(about.get("comment_user_id")),
            "name": unescape(about.get("comment_author", ""))[:255] or None,
            "email": about.get("comment_author_email") or None,
            "ip": about.get("comment_author_IP") or None,
        },
        "parent_id": _number(about.get("comment_parent")),
        "submitted_at": submitted,
        "article": article,
    }
    if outcome is None:
        return validated(CommentData, values, line)
    return validated(DecidedCommentData, values | {"outcome": outcome, "decided_at": submitted}, line)


def _number(value: str | None) -> str | None:
    return value if value and value != "0" else None


def _time(about: dict[str, str], name: str, line: int) -> Any:
    try:
        return utc(about.get(name, ""))
    except ValueError:
        raise bad_line(line, f"{name} is {about[name]!r}, which is no date") from None
