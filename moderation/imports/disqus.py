"""Reads Disqus's export: threads are articles, posts are comments with what was decided on them."""

from collections.abc import Iterator
from typing import IO, Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from moderation.contract import ArticleData, CommentData, DecidedCommentData
from moderation.imports.lines import bad_line, validated
from moderation.imports.place import START, Found, Place
from moderation.imports.xml import elements, local, texts, utc

THREAD = ("disqus", "thread")
POST = ("disqus", "post")
DROPPED = {THREAD, POST, ("disqus", "category")}


def read_disqus(file: IO[bytes], after: Place = START) -> Iterator[Found]:
    """Yield the comments of an export. What Disqus deleted or took for spam counts as deleted, all else as approved.

    Disqus does not say when: the moment of the comment stands for it. An article is called as the site called it
    (Disqus's identifier), or by the path of its address. BadInput at the line where the file is none.
    """
    threads: dict[str, ArticleData] = {}
    count = 0
    for ended in elements(file, root="disqus", dropped=DROPPED):
        if ended.path == THREAD:
            threads[_id(ended.element)] = _article(ended.element, ended.line)
        elif ended.path == POST:
            count += 1
            if count > after.items:
                yield Found(_comment(ended.element, threads, ended.line), ended.place(count))


def _article(thread: Element, line: int) -> ArticleData:
    about = texts(thread)
    url = about.get("link", "")
    name = about.get("id") or urlsplit(url).path or _id(thread)
    return validated(ArticleData, {"id": name, "url": url, "title": about.get("title") or url}, line)


def _comment(post: Element, threads: dict[str, ArticleData], line: int) -> CommentData:
    about = texts(post)
    inside = {local(child.tag): child for child in post}
    thread = _id(inside["thread"]) if "thread" in inside else ""
    if thread not in threads:
        raise bad_line(line, f"the post belongs to the thread {thread!r}, which did not come before it")
    author = texts(inside["author"]) if "author" in inside else {}
    try:
        submitted = utc(about.get("createdAt", ""))
    except ValueError:
        raise bad_line(line, f"createdAt is {about['createdAt']!r}, which is no date") from None
    gone = "true" in {about.get("isDeleted"), about.get("isSpam")}
    values: dict[str, Any] = {
        "id": _id(post),
        "text": about.get("message", ""),
        "html": True,
        "commenter": {
            "id": author.get("username") or None,
            "name": author.get("name", "")[:255] or None,
            "email": author.get("email") or None,
            "ip": about.get("ipAddress") or None,
        },
        "parent_id": _id(inside["parent"]) if "parent" in inside else None,
        "submitted_at": submitted,
        "article": threads[thread],
        "outcome": "delete" if gone else "approve",
        "decided_at": submitted,
    }
    return validated(DecidedCommentData, values, line)


def _id(element: Element) -> str:
    """Disqus's own id of an element."""
    return next((value for name, value in element.attrib.items() if local(name) == "id"), "")
