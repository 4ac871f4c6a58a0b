"""What the API says and takes, as types: the server, its OpenAPI document and `moderation.client` share them.

Ids of articles and comments are the site's own; those of decisions and deliveries are ours. Times are in UTC. Scores
are probabilities from 0 to 1, None where the judge cannot tell.
"""

from datetime import datetime
from hashlib import sha256
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from moderation.contract import STORABLE, Clean, Id
from moderation.rulebook.stated import StatedRule

HIGHEST = 2**62
Item = TypeVar("Item", bound=BaseModel)

Score = Annotated[float, Field(ge=0, le=1)]
Number = Annotated[int, Field(ge=1, le=HIGHEST)]
Cursor = Annotated[int, Field(ge=0, le=HIGHEST)]
Callback = Annotated[str, Field(max_length=2000, pattern=r"^https?://[^\s/]"), STORABLE]
Advice = Literal["approve", "review", "delete"]
Status = Literal["pending", "approved", "deleted", "withdrawn"]
State = Literal["waiting", "delivered", "failed", "cancelled"]


class Out(BaseModel):
    """Something that is said; more may be said one day."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Tagged(Out):
    """Something that may be changed by whoever saw it as it is: a change sends its ``etag`` as If-Match."""

    etag: str = ""


class In(BaseModel):
    """Something that is taken; what is not known is refused, so that no slip of the pen goes unnoticed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    field: str | None = None


class Page(Out, Generic[Item]):
    """Some of many, in the order in which they came; ``next`` is the ``after`` of the next page, None at the end."""

    items: tuple[Item, ...]
    next: str | None


class Slice(In):
    """Which part of a list is wanted."""

    after: Cursor = 0
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class Feed(In):
    """Which decisions are wanted: those after a cursor, the oldest first."""

    after: Cursor = 0
    limit: Annotated[int, Field(ge=0, le=1000)] = 100


class CommentSlice(Slice):
    """Which comments are wanted: of one status, or under one article."""

    status: Status | None = None
    article: Id | None = None


class DeliverySlice(Slice):
    """Which deliveries are wanted."""

    state: State | None = None


class SiteOut(Tagged):
    """The site that the token belongs to."""

    slug: str
    name: str
    language: str
    time_zone: str
    callback_url: str | None
    undo_seconds: int
    mails_reasons: bool


class SiteChanges(In):
    """What is to be changed of the site; what is left out stays. With a callback of null it fetches its decisions."""

    name: Annotated[str, Field(min_length=1, max_length=200), STORABLE] | None = None
    callback_url: Callback | None = None
    undo_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = None
    mails_reasons: bool | None = None


class ArticleOut(Tagged):
    """An article as the site last told it, and whether moderators closed it for comments."""

    id: str
    url: str
    title: str
    lead: str
    body: str
    authors: tuple[str, ...]
    language: str | None
    section: str | None
    published_at: datetime | None
    closed: bool


class ArticleChanges(In):
    """Whether an article is to take comments, and why, in a few words."""

    closed: bool
    reason: Annotated[str, Field(max_length=300), STORABLE] = ""


class CommenterOut(Out):
    """Who wrote a comment, as the site names them; addresses are not given out."""

    id: str | None
    name: str | None


class CommentOut(Tagged):
    """A comment as it stands."""

    id: str
    article_id: str
    parent_id: str | None
    text: str
    language: str | None
    commenter: CommenterOut
    submitted_at: datetime
    received_at: datetime
    revision: int
    status: Status


class RuleRef(Out):
    """A house rule that is cited."""

    id: int
    title: str | None


class AssessmentOut(Out):
    """What the judge and the house rules say of a comment's present text, whose SHA-256 is given. No decision."""

    comment_id: str
    status: Status
    revision: int
    text_sha256: str
    relevance: Score | None
    disrespect: Score | None
    advice: Advice
    rule: RuleRef | None
    assessed_at: datetime


class Assessments(Out):
    """What is known of the comments that were asked for; those not judged yet are left out."""

    assessments: tuple[AssessmentOut, ...]


class WhichComments(In):
    """The comments that are asked for."""

    comment: Annotated[tuple[Id, ...], Field(min_length=1, max_length=100)]


class DecisionOut(Out):
    """One decision on one revision of a comment; ``undo`` takes back the one before it."""

    id: int
    comment_id: str
    revision: int
    outcome: Literal["approve", "delete", "undo"]
    maker: Literal["moderator", "rule", "site"]
    rule: RuleRef | None
    reason: str | None
    decided_at: datetime


class Decisions(Out):
    """All that was decided on a comment, oldest first."""

    decisions: tuple[DecisionOut, ...]


class NewDecision(In):
    """A decision that the site makes: the key of the rule it cites, if any."""

    outcome: Literal["approve", "delete"]
    rule: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")] | None = None


class Verdict(Out):
    """What the site is told in a message."""

    id: str
    article_id: str
    outcome: Literal["approve", "delete"]
    rule: RuleRef | None
    reason: str | None
    automated: bool
    statement_url: str | None
    revision: int
    text_sha256: str
    decided_at: datetime


class ArticleVerdict(Out):
    """Whether an article takes comments, as the site is told."""

    id: str
    closed: bool
    reason: str | None
    decided_at: datetime


class _Unheard(Out):
    """What the site has not acknowledged, as it would be posted to a callback."""

    webhook_id: str
    cursor: str
    timestamp: datetime


class Message(_Unheard):
    """A decision on a comment that the site has not acknowledged."""

    type: Literal["comment.approved", "comment.deleted"]
    data: Verdict


class ArticleMessage(_Unheard):
    """An article closed or opened, which the site has not acknowledged."""

    type: Literal["article.closed", "article.opened"]
    data: ArticleVerdict


class Messages(Out):
    """Decisions not acknowledged, oldest first; ``cursor`` is the ``after`` of the next page."""

    decisions: tuple[Annotated[Message | ArticleMessage, Field(discriminator="type")], ...]
    cursor: str


class Heard(In):
    """The webhook ids of decisions that the site has heard."""

    ids: Annotated[tuple[Clean, ...], Field(max_length=1000)]


class Acknowledged(Out):
    """How many of them were not acknowledged before."""

    acknowledged: int


class RulesOut(Tagged):
    """The site's house rules as they are stated, in order, and the number of their version."""

    version: int
    rules: tuple[StatedRule, ...]


class NewRules(In):
    """All the rules there are to be; a rule is known by its key."""

    rules: Annotated[tuple[StatedRule, ...], Field(max_length=200)]


class DeliveryOut(Out):
    """One decision on its way to the site: on a comment, or on whether an article takes comments."""

    id: int
    webhook_id: str
    decision_id: int | None
    comment_id: str | None
    article_id: str | None
    state: State
    attempts: int
    last_error: str | None
    not_before: datetime
    delivered_at: datetime | None


class Draft(In):
    """A text that nobody has sent yet, and where it would stand."""

    text: Annotated[str, Field(min_length=1, max_length=20_000), STORABLE]
    article_id: Id | None = None
    parent_id: Id | None = None
    commenter_id: Id | None = None


class SpanOut(Out):
    """Characters of the text, counted as Unicode code points, that a rule is in doubt about."""

    start: int
    end: int
    quote: str


class DoubtedRule(Out):
    """The rule most in doubt, in the site's words and language."""

    id: int
    title: str
    text: str


class PreviewOut(Out):
    """What the rules would say: for "would you say that to their face?" before sending. Nothing is stored."""

    advice: Advice
    rule: DoubtedRule | None
    spans: tuple[SpanOut, ...]
    relevance: Score | None
    disrespect: Score | None


Seen = TypeVar("Seen", bound=Tagged)


def tagged(said: Seen) -> Seen:
    """Return the thing with its ETag."""
    return said.model_copy(update={"etag": etag(said)})


def etag(said: BaseModel) -> str:
    """Return what changes whenever the thing does, and stays as long as it does not."""
    return sha256(said.model_dump_json(exclude={"etag"}).encode()).hexdigest()[:32]
