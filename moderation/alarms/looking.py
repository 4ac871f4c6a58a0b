"""Look whether something is not as it should be: what waits too long, what heats up, what does not arrive.

Each alarm has two bounds, one to begin at and a lower one to end at, so that nothing flickers.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, bindparam, case, func, or_, select
from sqlalchemy.orm import Session

from moderation import chance
from moderation.alarms import end, open_ones, sound
from moderation.alarms.thresholds import of
from moderation.db import now
from moderation.models import Article, Assessment, Comment, Decision, Delivery, PastText, Site, Status
from moderation.rules import Advice

SPAN = timedelta(minutes=30)
"""What counts as lately under an article."""

BEFORE = timedelta(days=1)
WEEK = timedelta(days=7)

FIRST = 200
"""Comments, as they came, among which the one that has waited longest is looked for."""

TRIES = 3
"""Tries after which a decision that is still on its way counts as failing."""

PAST = timedelta(hours=6)
"""How long an article must have been there before its own past says what is usual for it."""

FEW_ARTICLES, ENOUGH = 5, 50
"""Articles and comments of a week below which nobody knows what is usual at the site."""

UNLIKELY = 0.001
"""How probable what is seen may be by chance alone, over all articles that are looked at together."""

TIMES = 2.5
"""How many times the usual it must be besides: of large numbers small differences are beyond chance, too."""


def look(session: Session) -> None:
    """Raise and end the alarms of all sites."""
    for site in session.scalars(select(Site).order_by(Site.id)):
        _oldest(session, site)
        _deliveries(session, site)
        _articles(session, site)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many comments wait at a site, and which of them has waited longest, for how many minutes."""

    number: int
    minutes: int
    comment_id: int | None


def waiting(session: Session, site_id: int) -> Waiting:
    """Return what waits at a site; one that was changed or taken back in between waits since then only."""
    # Every concern is 0 or more, and the status is written out, not bound: so that SQLite sees that its small index of
    # what is pending will do, and does not go through all that the site ever had.
    status = bindparam("pending", Status.PENDING, type_=Comment.status.type, literal_execute=True)
    pending = select(Comment.id).where(Comment.status == status, Comment.site_id == site_id, Comment.concern >= 0)
    number = session.scalar(select(func.count()).select_from(pending.subquery())) or 0
    changed = select(func.max(PastText.replaced_at)).where(PastText.comment_id == Comment.id).scalar_subquery()
    decided = select(func.max(Decision.decided_at)).where(Decision.comment_id == Comment.id).scalar_subquery()
    first = select(Comment.id, Comment.received_at, changed, decided).where(Comment.id.in_(pending))
    since = [
        (max(filter(None, moments)), id_) for id_, *moments in session.execute(first.order_by(Comment.id).limit(FIRST))
    ]
    oldest = min(since, default=None)
    minutes = int((now() - oldest[0]).total_seconds() // 60) if oldest else 0
    return Waiting(number, max(0, minutes), oldest and oldest[1])


def _oldest(session: Session, site: Site) -> None:
    bound = of(site).oldest_minutes
    found = waiting(session, site.id)
    if bound is not None and found.minutes >= bound:
        sound(session, site.id, "oldest", comment_id=found.comment_id, minutes=found.minutes, waiting=found.number)
    elif bound is None or found.minutes < 0.75 * bound:
        end(session, site.id, "oldest")


def _deliveries(session: Session, site: Site) -> None:
    bound = of(site).failing
    tried_in_vain = (Delivery.due_at.is_not(None)) & (Delivery.attempts >= TRIES)
    failing = session.scalar(
        select(func.count())
        .select_from(Delivery)
        .where(Delivery.site_id == site.id, or_(Delivery.failed_at.is_not(None), tried_in_vain))
    )
    if bound is not None and failing and failing >= bound:
        sound(session, site.id, "deliveries", failing=failing)
    elif not failing or bound is None:
        end(session, site.id, "deliveries")


@dataclass(frozen=True, slots=True)
class Heat:
    """How an article is commented lately, against what is usual.

    ``recent`` comments were written in the last half hour, ``usual`` would be expected: None where neither the article
    nor the site has a past that says. Of ``judged`` ones rules ``marked`` so many, and of the site's comments of a week
    they mark the share ``share``.
    """

    recent: int
    usual: float | None
    judged: int
    marked: int
    share: float

    def rises(self, *, among: int) -> bool:
        """Whether comments come faster than chance explains, where so many articles are looked at together."""
        if self.usual is None:
            return False
        by_chance = chance.poisson_at_least(self.recent, self.usual)
        return self.recent >= TIMES * self.usual and by_chance < UNLIKELY / among

    def turns(self, *, among: int) -> bool:
        """Whether more of them are marked than chance explains."""
        by_chance = chance.at_least(self.marked, self.judged, self.share) if self.judged else 1.0
        return self.marked >= TIMES * self.share * self.judged and by_chance < UNLIKELY / among


def _articles(session: Session, site: Site) -> None:
    bound = of(site).hot_comments
    moment = now()
    lately = _counts(session, site, moment - SPAN, moment)
    for alarm in open_ones(session, site_id=site.id):
        if alarm.kind == "hot" and (bound is None or lately[alarm.detail["article"]] < bound / 2):
            end(session, site.id, "hot", alarm.subject)
    busy = [id_ for id_, number in lately.items() if bound is not None and number >= bound]
    for article in session.scalars(select(Article).where(Article.id.in_(busy)).order_by(Article.id)):
        heat = measure(session, site, article, moment)
        why = "rate" if heat.rises(among=len(busy)) else "marks" if heat.turns(among=len(busy)) else None
        if why:
            sound(
                session,
                site.id,
                "hot",
                f"article {article.id}",
                article=article.id,
                title=article.title[:200],
                why=why,
                minutes=int(SPAN.total_seconds() // 60),
                recent=heat.recent,
                usual=round(heat.usual or 0.0, 1),
                marked=heat.marked,
                judged=heat.judged,
                share=round(heat.share, 3),
            )


def measure(session: Session, site: Site, article: Article, moment: datetime) -> Heat:
    """Measure an article's last half hour against its own day before and against what the site is used to."""
    lately = moment - SPAN
    counts = _counts(session, site, lately, moment)
    before = _counts(session, site, lately - BEFORE, lately)[article.id]
    lived = lately - min(article.created_at, article.published_at or article.created_at)
    of_its_own = before / (min(lived, BEFORE) / SPAN) if lived >= PAST else None
    known = [rate for rate in (of_its_own, _usual(session, site, lately)) if rate is not None]
    judged, marked = _marked(session, Comment.article_id == article.id, lately, moment)
    week_judged, week_marked = _marked(session, Comment.site_id == site.id, moment - WEEK, lately)
    return Heat(
        recent=counts[article.id],
        usual=max(*known, 0.5) if known else None,
        judged=judged,
        marked=marked,
        share=(week_marked + 1) / (week_judged + 2) if week_judged >= ENOUGH else 1.0,
    )


def _written(since: datetime, until: datetime) -> ColumnElement[bool]:
    """Whether a comment was written within a span: a history that is sent in one go heats nothing.

    A clock that is ahead counts as the moment when its comment came. What was written since came since, too: that is
    said besides because there is an index of it.
    """
    at = case((Comment.submitted_at > Comment.received_at, Comment.received_at), else_=Comment.submitted_at)
    return and_(Comment.received_at > since, at > since, at <= until)


def _counts(session: Session, site: Site, since: datetime, until: datetime) -> Counter[int]:
    rows = session.execute(
        select(Comment.article_id, func.count())
        .where(Comment.site_id == site.id, _written(since, until))
        .group_by(Comment.article_id)
    )
    return Counter(dict(iter(rows)))


def _usual(session: Session, site: Site, until: datetime) -> float | None:
    """How many comments an article of the site gets in half an hour of the time in which it is commented at all.

    Most comments come on an article's first day, so a week's comments are spread over one day for each article. None
    where the week has too few articles or comments to say what is usual.
    """
    week = _counts(session, site, until - WEEK, until)
    if len(week) < FEW_ARTICLES or week.total() < ENOUGH:
        return None
    return week.total() / len(week) / (BEFORE / SPAN)


def _marked(session: Session, of_what: ColumnElement[bool], since: datetime, until: datetime) -> tuple[int, int]:
    """How many comments were judged, and how many of them rules marked."""
    rows = session.execute(
        select(Assessment.advice, func.count())
        .join(Comment, (Comment.id == Assessment.comment_id) & (Comment.revision == Assessment.revision))
        .where(of_what, _written(since, until))
        .where(Assessment.not_scored.is_(None))
        .group_by(Assessment.advice)
    )
    counted: dict[Advice, int] = dict(iter(rows))
    return sum(counted.values()), sum(number for advice, number in counted.items() if advice is not Advice.APPROVE)
