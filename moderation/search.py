"""Find comments and articles by their words: whole words or how they begin, in any case, all of them.

SQLite keeps the words in FTS5 tables, PostgreSQL as ``tsvector`` in tables of their own, so that deciding on a comment
never touches an index of words. Whoever erases a comment for good must ``forget`` it here.
"""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean, ColumnElement, false, literal, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from moderation.db import UNCONFINED
from moderation.models import Article, Comment

MOST_WORDS = 12

_WORD = re.compile(r"\w+")


def words_of(wanted: str) -> list[str]:
    """Return the words that are looked for."""
    return _WORD.findall(wanted.lower())[:MOST_WORDS]


class _HasWords(FunctionElement[bool]):
    """The condition that a row holds all words; compiled as the database's own full-text search."""

    inherit_cache = True
    type = Boolean()
    table = ""
    column = ""

    def __init__(self, id_: Any, words: Sequence[str]) -> None:
        for_sqlite = " AND ".join(f'"{word}"*' for word in words)
        for_postgresql = " & ".join(f"'{word}':*" for word in words)
        super().__init__(id_, literal(for_sqlite), literal(for_postgresql))


class _CommentHasWords(_HasWords):
    inherit_cache = True
    table, column = "search_comment", "comment_id"


class _ArticleHasWords(_HasWords):
    inherit_cache = True
    table, column = "search_article", "article_id"


@compiles(_CommentHasWords, "sqlite")
@compiles(_ArticleHasWords, "sqlite")
def _in_sqlite(element: _HasWords, compiler: Any, **options: Any) -> str:
    id_, wanted, _ = (compiler.process(part, **options) for part in element.clauses)
    return f"{id_} IN (SELECT rowid FROM {element.table} WHERE {element.table} MATCH {wanted})"  # noqa: S608 - our names


@compiles(_CommentHasWords, "postgresql")
@compiles(_ArticleHasWords, "postgresql")
def _in_postgresql(element: _HasWords, compiler: Any, **options: Any) -> str:
    id_, _, wanted = (compiler.process(part, **options) for part in element.clauses)
    found = f"FROM {element.table} WHERE words @@ to_tsquery('simple', {wanted})"
    return f"{id_} IN (SELECT {element.column} {found})"


def comments_with(wanted: str) -> ColumnElement[bool]:
    """Return the condition that a comment's text holds all words; where none are asked for, nothing is found."""
    words = words_of(wanted)
    return _CommentHasWords(Comment.id, words) if words else false()


def articles_with(wanted: str) -> ColumnElement[bool]:
    """Return the condition that an article's title, lead and body together hold all words."""
    words = words_of(wanted)
    return _ArticleHasWords(Article.id, words) if words else false()


def remember_comment(session: Session, *comments: Comment) -> None:
    """Keep the words of comments as they are now, instead of those they had."""
    _remember(session, "search_comment", "comment_id", {comment.id: comment.text for comment in comments})


def remember_article(session: Session, article: Article) -> None:
    """Keep the words of an article as it is now, instead of those it had."""
    words = f"{article.title}\n{article.lead}\n{article.body}"
    _remember(session, "search_article", "article_id", {article.id: words})


def _remember(session: Session, table: str, column: str, words: dict[int, str]) -> None:
    rows = [{"id": id_, "words": said} for id_, said in words.items()]
    if not rows:
        return
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text(f"DELETE FROM {table} WHERE rowid = :id"), rows)  # noqa: S608 - our own names
        statement = f"INSERT INTO {table} (rowid, words) VALUES (:id, :words)"  # noqa: S608
    else:
        statement = (
            f"INSERT INTO {table} ({column}, words) VALUES (:id, to_tsvector('simple', :words)) "  # noqa: S608
            f"ON CONFLICT ({column}) DO UPDATE SET words = EXCLUDED.words"
        )
    session.execute(text(statement), rows)


def forget(session: Session, ids: Sequence[int]) -> None:
    """Drop the words of comments that are erased."""
    column = "rowid" if session.get_bind().dialect.name == "sqlite" else "comment_id"
    if not ids:
        return
    gone = text(f"DELETE FROM search_comment WHERE {column} = :id")  # noqa: S608
    session.execute(gone, [{"id": id_} for id_ in ids], execution_options=UNCONFINED)
    if column == "rowid":
        # Deleted words stay in the index until its segments are merged.
        optimize = text("INSERT INTO search_comment (search_comment) VALUES ('optimize')")
        session.execute(optimize, execution_options=UNCONFINED)
