"""The webhook's wire contract: what a site may send, as Pydantic models. Unknown fields are ignored."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from moderation.errors import BadInput, BadJson

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=2)


def storable(value: Any) -> Any:
    """Return a text that every database can keep; ValueError says what is wrong with any other."""
    if not isinstance(value, str):
        return value
    if "\x00" in value:
        raise ValueError(f"contains a NUL character at position {value.index(chr(0))}; take it out")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            where = f"at position {error.start}"
            raise ValueError(f"contains half of a surrogate pair {where}; send valid Unicode") from None
    return value


def mended(text: str) -> str:
    """Return a text without what no database can keep: NUL, and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _plausible(value: datetime) -> datetime:
    if not _EARLIEST <= value <= datetime.now(UTC) + _AHEAD:
        raise ValueError("lies before 1990 or in the future; send ISO 8601 with a time zone")
    return value.astimezone(UTC)


def _none_as_empty(value: Any) -> Any:
    return "" if value is None else value


def _none_as_list(value: Any) -> Any:
    return [] if value is None else value


STORABLE = BeforeValidator(storable)
"""Stands after the bounds of a text: Pydantic checks those itself, unless something of ours stands between."""

Clean = Annotated[str, STORABLE]
Id = Annotated[str, Field(min_length=1, max_length=255), STORABLE]
Short = Annotated[str, Field(max_length=255), STORABLE]
Long = Annotated[str, Field(max_length=1_000_000), STORABLE, BeforeValidator(_none_as_empty)]
Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}([_-][A-Za-z0-9]{1,8})*$", max_length=35), STORABLE]
Time = Annotated[AwareDatetime, AfterValidator(_plausible)]


class _Wire(BaseModel):
    """Ids may be sent as numbers, as WordPress has them."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class CommenterData(_Wire):
    """Who wrote the comment, as far as the site says."""

    id: Id | None = None
    name: Short | None = None
    email: Annotated[str, Field(max_length=320), STORABLE] | None = None
    ip: Annotated[str, Field(max_length=45), STORABLE] | None = None


class ArticleData(_Wire):
    """The article that a comment stands under."""

    id: Id
    url: Annotated[str, Field(max_length=2000, pattern=r"^https?://"), STORABLE]
    title: Annotated[str, Field(min_length=1, max_length=1000), STORABLE]
    lead: Long = ""
    body: Long = ""
    authors: Annotated[tuple[Short, ...], Field(max_length=50), BeforeValidator(_none_as_list)] = ()
    published_at: Time | None = None
    language: Language | None = None
    section: Annotated[str, Field(max_length=200), STORABLE] | None = None


class CommentData(_Wire):
    """A comment. ``html`` says that ``text`` (and nothing else) is HTML."""

    id: Id
    text: Clean
    html: bool = False
    commenter: CommenterData = CommenterData()
    parent_id: Id | None = None
    submitted_at: Time
    language: Language | None = None
    article: ArticleData


class ChangedCommentData(_Wire):
    """A comment whose text the reader or the site changed; all but id and text may be left out if we know it."""

    id: Id
    text: Clean
    html: bool = False
    commenter: CommenterData | None = None
    parent_id: Id | None = None
    submitted_at: Time | None = None
    language: Language | None = None
    article: ArticleData | None = None


class DecidedCommentData(CommentData):
    """A comment that the site itself decided on, or decided on long ago."""

    outcome: Literal["approve", "delete"]
    decided_at: Time


class CommentRef(_Wire):
    """A comment by its id alone."""

    id: Id


class _Event(_Wire):
    """``timestamp`` is when it happened at the site; by it, news that comes late is told from news."""

    timestamp: Time | None = None


class CommentCreated(_Event):
    """A reader sent a comment."""

    type: Literal["comment.created"]
    data: CommentData


class CommentUpdated(_Event):
    """A comment has another text now."""

    type: Literal["comment.updated"]
    data: ChangedCommentData


class CommentDeleted(_Event):
    """The site or the reader took a comment back."""

    type: Literal["comment.deleted"]
    data: CommentRef


class CommentDecided(_Event):
    """The site decided by itself: in its own back office, or before it came to us."""

    type: Literal["comment.decided"]
    data: DecidedCommentData


class ArticleUpdated(_Event):
    """An article has another title or text now."""

    type: Literal["article.updated"]
    data: ArticleData


class ArticleClosed(_Event):
    """The site closed an article for comments by itself."""

    type: Literal["article.closed"]
    data: ArticleData


class ArticleOpened(_Event):
    """The site opened an article for comments by itself."""

    type: Literal["article.opened"]
    data: ArticleData


Undecided = CommentCreated | CommentUpdated | CommentDeleted | ArticleUpdated | ArticleClosed | ArticleOpened
"""What happened at a site, without its word on a comment."""

Event = Undecided | CommentDecided

EVENTS: dict[str, type[Event]] = {
    "comment.created": CommentCreated,
    "comment.updated": CommentUpdated,
    "comment.deleted": CommentDeleted,
    "comment.decided": CommentDecided,
    "article.updated": ArticleUpdated,
    "article.closed": ArticleClosed,
    "article.opened": ArticleOpened,
}


def parse_event(payload: Any) -> Event:
    """Make an event of decoded JSON; BadInput names the first field that is wrong, and says how."""
    if not isinstance(payload, dict):
        raise BadInput("The body must be a JSON object with `type` and `data`.", code="wrong_type", field="")
    kind = payload.get("type")
    if not isinstance(kind, str) or kind not in EVENTS:
        raise BadInput(f"Unknown event; `type` must be one of {', '.join(EVENTS)}.", code="unknown_event", field="type")
    try:
        return EVENTS[kind].model_validate(payload)
    except ValidationError as error:
        raise refusal(error) from None


def refusal(error: ValidationError) -> BadInput:
    """Say which field is wrong first, and how."""
    field, sentence = first_problem(error)
    code = error.errors(include_url=False)[0]["type"].replace("string_too_", "too_")  # as of lists
    return BadInput(f"`{field}`: {sentence}.", code=code, field=field)


def first_problem(error: ValidationError) -> tuple[str, str]:
    """Return the first field that is wrong, as a dotted path, and what is wrong with it."""
    problem = error.errors(include_url=False, include_input=False)[0]
    return ".".join(str(part) for part in problem["loc"]), problem["msg"].removeprefix("Value error, ")


def decode(body: bytes) -> object:
    """Return what a body in JSON holds; BadJson where it is none."""
    with suppress(ValueError):
        return from_json(body)  # twice as fast, but less able to say what is wrong
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadJson(f"The body is not JSON: {error}.", field="") from None
