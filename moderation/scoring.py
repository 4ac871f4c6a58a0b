"""Have comments judged: claim what is due, gather what the judge may see, record what came back, or why nothing did."""

import itertools
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import structlog
from sqlalchemy import delete, insert, select, tuple_, update
from sqlalchemy.orm import Session, joinedload

from moderation import adaptation, facts, intake, rulebook
from moderation.db import claim as claim_due
from moderation.db import now, shared_now
from moderation.judge.case import MOST_ANSWERED, Case, Parent
from moderation.judge.case import Article as JudgedArticle
from moderation.judge.case import Assessment as Judgement
from moderation.learning import opinions
from moderation.learning import record as record_of
from moderation.learning.opinions import Opinion, Used
from moderation.models import Article, Assessment, Comment, RuleSet, Site, Status, Traits
from moderation.rulebook import Mode
from moderation.rulebook import modes as rule_modes
from moderation.rules import NOT_SCORED_CONCERN, Advice, Facts, Reason, Recommendation, Rule, recommend

if TYPE_CHECKING:
    from moderation.judge.learned import Features

THREAD_SIZE = 30
BACKGROUND_SIZE = 40

log = structlog.get_logger(__name__)

Answered = dict[tuple[int, str], tuple[str, str | None, str | None]]
"""By site and external id: the text of a comment, who wrote it, and which one it answers."""


class Studying(Protocol):
    """What judges a batch of cases."""

    def study(self, cases: Sequence[Case]) -> "tuple[list[Judgement], Features]":
        """Return one assessment for each case, in the same order, and what the sites' own models look at."""


@dataclass(frozen=True, slots=True)
class Job:
    """One comment to be judged: which revision, what the judge and the rules may see, the rules and models of its site.

    ``record`` is the commenter's, where the site wants that. ``rules`` are as they hold in the ``mode`` that is
    on; ``changed`` are the ids of those that it changes. ``opinion`` is what the models say, once it was judged.
    """

    comment_id: int
    revision: int
    case: Case
    facts: Facts
    record: str | None
    rules: tuple[Rule, ...]
    rule_set_id: int | None
    mode: Mode | None = None
    changed: frozenset[int] = frozenset()
    models: tuple[Used, ...] = ()
    opinion: Opinion | None = None


def _record(site: Site, known: Facts) -> str | None:
    """Return what the site's models hear of the commenter's record: nothing, unless the site wants that."""
    return record_of.word(known.approved, known.deleted) if site.learns_from_records else None


def claim(session: Session, *, limit: int, attempts: int, lease: timedelta) -> list[int]:
    """Take comments that are due to be judged, each of which is tried ``attempts`` times; return their ids.

    For its last try a comment is taken alone: should it be the one that kills its worker, it takes no others with it.
    Before that, what was tried is taken in eighths of a batch, as most workers die of something else than comments.
    """
    tried = Comment.attempts
    shares = ((tried == 0, limit), (tried.between(1, attempts - 2), max(1, limit // 8)), (tried >= attempts - 1, 1))
    for these, size in shares:
        if taken := claim_due(session, Comment, limit=size, lease=lease, where=[these]):
            return taken
    return []


def give_up(session: Session, *, attempts: int) -> int:
    """Hand comments that were tried ``attempts`` times in vain to people, marked as not scored; return how many."""
    worn_out = select(Comment).where(Comment.due_at <= shared_now(session), Comment.attempts >= attempts)
    comments = session.scalars(worn_out.limit(100).with_for_update(skip_locked=True)).all()
    for comment in comments:
        log.warning("comment_not_scored", comment=comment.id, attempts=comment.attempts)
        comment.due_at = None
        comment.concern, comment.uncertainty = NOT_SCORED_CONCERN, 1.0
    if comments:
        unscored = [
            Assessment(comment_id=one.id, revision=one.revision, not_scored="failed", advice=Advice.REVIEW, kinds={})
            for one in comments
        ]
        _replace_assessments(session, unscored)
    return len(comments)


def make_findable(session: Session, comment_ids: Sequence[int]) -> None:
    """Keep what these comments are found by, before they are judged: facts about repeats build on it."""
    asked = select(Comment).where(Comment.id.in_(comment_ids)).order_by(Comment.id)
    intake.make_findable(session, *session.scalars(asked.with_for_update(read=True)))  # nobody erases them meanwhile


def jobs(session: Session, comment_ids: Sequence[int]) -> list[Job]:
    """Gather what the judge may see of each of these comments."""
    return gather(
        session,
        session.scalars(
            select(Comment)
            .where(Comment.id.in_(comment_ids))
            .options(joinedload(Comment.article), joinedload(Comment.site))
            .order_by(Comment.id)
        ).all(),
    )


def gather(session: Session, comments: Sequence[Comment]) -> list[Job]:
    """Gather what the judge may see of each comment: article, parent, thread, the site's other articles, its rules."""
    answered = _answered(session, comments)
    threads = {id_: _thread(session, id_) for id_ in {comment.article_id for comment in comments}}
    titles = {id_: _titles(session, id_) for id_ in {comment.site_id for comment in comments}}
    rule_sets = {id_: rulebook.current(session, id_) for id_ in {comment.site_id for comment in comments}}
    sites = {comment.site_id: comment.site for comment in comments}
    modes = {id_: _mode(session, sites[id_], rule_set) for id_, rule_set in rule_sets.items()}
    rules = {id_: rulebook.applied(rule_set, modes[id_]) for id_, rule_set in rule_sets.items()}
    adaptations = {id_: adaptation.current(session, id_) for id_ in titles}
    models = opinions.in_use(session, rule_sets)
    known = {comment.id: facts.gather(session, comment, rules[comment.site_id]) for comment in comments}
    return [
        Job(
            comment_id=comment.id,
            revision=comment.revision,
            case=Case(
                text=comment.text,
                language=comment.language,
                commenter=comment.commenter_name,
                article=_article(comment.article, comment.site),
                parent=_parent(answered, comment.site_id, comment.parent_external_id),
                thread=_others(threads[comment.article_id], {comment.external_id, comment.parent_external_id}),
                background=_others(titles[comment.site_id], {comment.article.external_id})[:BACKGROUND_SIZE],
                adaptation=adaptations[comment.site_id],
            ),
            facts=known[comment.id],
            record=_record(comment.site, known[comment.id]),
            rules=rules[comment.site_id],
            rule_set_id=_id(rule_sets[comment.site_id]),
            mode=modes[comment.site_id],
            changed=_changed(rule_sets[comment.site_id], modes[comment.site_id]),
            models=models.get(comment.site_id, ()),
        )
        for comment in comments
    ]


def _id(rule_set: RuleSet | None) -> int | None:
    return rule_set.id if rule_set else None


def _mode(session: Session, site: Site, rule_set: RuleSet | None) -> Mode | None:
    state = rule_modes.on(session, site, rule_modes.stated(rule_set), now())
    return state.mode if state else None


def _changed(rule_set: RuleSet | None, mode: Mode | None) -> frozenset[int]:
    stated = rulebook.stated(rule_set) if mode else []
    return frozenset(rule.id for rule in stated if rule.id is not None and mode and rule.key in mode.rules)


def _others(texts: Iterable[tuple[str, str]], excluded: set[str | None]) -> tuple[str, ...]:
    """The texts of all but those whose ids are excluded."""
    return tuple(itertools.islice((text for id_, text in texts if id_ not in excluded), THREAD_SIZE + BACKGROUND_SIZE))


def _article(article: Article, site: Site) -> JudgedArticle:
    return JudgedArticle(
        title=article.title,
        lead=article.lead,
        body=article.body,
        authors=tuple(article.authors),
        language=article.language or site.language,
    )


def _answered(session: Session, comments: Sequence[Comment]) -> Answered:
    """Find what these comments answer, what that answers, and so on, as far back as the judge looks."""
    found: Answered = {}
    sites = {comment.site_id for comment in comments}
    wanted = {comment.parent_external_id for comment in comments if comment.parent_external_id}
    for _ in range(MOST_ANSWERED):
        if not wanted:
            break
        rows = session.execute(
            select(Comment.site_id, Comment.external_id)
            .add_columns(Comment.text, Comment.commenter_name, Comment.parent_external_id)
            .where(Comment.site_id.in_(sites), Comment.external_id.in_(wanted), Comment.status != Status.WITHDRAWN)
        )
        seen = {(site_id, id_): (text, name, before) for site_id, id_, text, name, before in rows}
        found |= seen
        wanted = {before for _, _, before in seen.values() if before} - {id_ for _, id_ in found}
    return found


def _parent(answered: Answered, site_id: int, id_: str | None, further: int = MOST_ANSWERED) -> Parent | None:
    known = answered.get((site_id, id_ or "")) if further else None
    if known is None:
        return None
    text, name, before = known
    return Parent(text, name, _parent(answered, site_id, before, further - 1))


def _thread(session: Session, article_id: int) -> list[tuple[str, str]]:
    """The newest comments under an article that are approved or wait, as (external id, text)."""
    rows = session.execute(
        select(Comment.external_id, Comment.text)
        .where(Comment.article_id == article_id, Comment.status.in_([Status.APPROVED, Status.PENDING]))
        .order_by(Comment.id.desc())
        .limit(THREAD_SIZE + 2)
    )
    return [(external_id, text) for external_id, text in rows]


def _titles(session: Session, site_id: int) -> list[tuple[str, str]]:
    """The newest titles of a site, as (external id, title)."""
    rows = session.execute(
        select(Article.external_id, Article.title)
        .where(Article.site_id == site_id)
        .order_by(Article.id.desc())
        .limit(BACKGROUND_SIZE + 1)
    )
    return [(external_id, title) for external_id, title in rows]


def judge_all(judge: Studying, jobs: Sequence[Job]) -> list[tuple[Job, Judgement]]:
    """Judge the jobs together; where that fails, each alone, so that one bad comment holds up no other.

    A job whose comment alone fails is left out: its lease runs out and it is tried again, a few times.
    """
    try:
        return _heard(judge, jobs)
    except Exception as error:
        if len(jobs) == 1:
            # Not the message and not the values: they may quote the comment.
            where = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{where.filename}:{where.lineno}"
            log.error("judge_failed", comment=jobs[0].comment_id, error=type(error).__name__, place=place)  # noqa: TRY400
            return []
    return [pair for job in jobs for pair in judge_all(judge, [job])]


def _heard(judge: Studying, jobs: Sequence[Job]) -> list[tuple[Job, Judgement]]:
    """Judge the jobs, and ask the models of their sites, which look at what the judge has computed anyway."""
    if not jobs:
        return []
    judgements, features = judge.study([job.case for job in jobs])
    texts = [(job.case.text, job.facts.section, job.record) for job in jobs]
    said = opinions.opinions(features, texts, [job.models for job in jobs])
    return [
        (replace(job, opinion=opinion, facts=replace(job.facts, learned=opinion.rules)), judgement)
        for job, opinion, judgement in zip(jobs, said, judgements, strict=True)
    ]


def record(session: Session, judged: Iterable[tuple[Job, Judgement]]) -> int:
    """Write down what the judge said, with the recommendation by the house rules; return how many were written.

    A comment that changed meanwhile, or that another worker recorded first, is passed over.
    """
    told = {job.comment_id: (job, judgement) for job, judgement in judged}
    waiting = session.execute(
        select(Comment.id, Comment.revision)
        .where(Comment.id.in_(told), Comment.due_at.is_not(None))
        .order_by(Comment.id)
        .with_for_update()
    ).all()
    # One statement for all of a kind: a statement for each comment would cost more than judging it.
    changes: list[dict[str, object]] = []
    assessments: list[Assessment] = []
    for id_, revision in waiting:
        job, judgement = told[id_]
        if job.revision == revision:
            recommendation = recommend(judgement, job.facts, job.rules)
            open_ = _uncertainty(job.opinion, recommendation.concern)
            done = {"id": id_, "due_at": None, "attempts": 0}
            changes.append({**done, "concern": recommendation.concern, "uncertainty": open_})
            assessments.append(_assessment(job, judgement, recommendation))
    if changes:
        session.execute(update(Comment), changes, execution_options={"synchronize_session": False})
        _replace_assessments(session, assessments)
        keep_traits(session, [told[assessment.comment_id][0] for assessment in assessments])
    return len(changes)


def _uncertainty(opinion: Opinion | None, concern: float) -> float:
    """How open the outcome is: by the team's own model where there is one, else by how near to a threshold it is."""
    share = concern if opinion is None or opinion.deletion is None else opinion.deletion
    return 4 * share * (1 - share)


def keep_traits(session: Session, jobs: Sequence[Job]) -> None:
    """Keep what is learned from, once the comments are decided, of those whose texts are as they were read."""
    asked = select(Comment.id, Comment.revision).where(Comment.id.in_([job.comment_id for job in jobs]))
    asked = asked.where(Comment.text != "")  # it was erased meanwhile
    revisions: dict[int, int] = dict(iter(session.execute(asked.with_for_update(read=True))))
    rows = [
        {"comment_id": job.comment_id, "revision": job.revision, "content": job.opinion.traits}
        for job in jobs
        if job.opinion is not None and revisions.get(job.comment_id) == job.revision
    ]
    if rows:
        session.execute(delete(Traits).where(Traits.comment_id.in_([row["comment_id"] for row in rows])))
        session.execute(insert(Traits), rows)


def _replace_assessments(session: Session, assessments: Sequence[Assessment]) -> None:
    places = [(assessment.comment_id, assessment.revision) for assessment in assessments]
    session.execute(
        delete(Assessment)
        .where(tuple_(Assessment.comment_id, Assessment.revision).in_(places))
        .execution_options(synchronize_session=False)
    )
    session.add_all(assessments)


def _assessment(job: Job, judgement: Judgement, recommendation: Recommendation) -> Assessment:
    passage, other = judgement.passage, judgement.other_article
    return Assessment(
        comment_id=job.comment_id,
        revision=job.revision,
        language=judgement.language,
        relevance=judgement.relevance,
        relevance_reason=judgement.relevance_reason,
        disrespect=judgement.disrespect,
        kinds={str(kind): score for kind, score in judgement.kinds.items()},
        target=judgement.target,
        spans=[
            {"start": span.start, "end": span.end, "kind": str(span.kind), "score": span.score}
            for span in judgement.spans
        ],
        sentences=[
            {"start": sentence.start, "end": sentence.end, "disrespect": sentence.disrespect}
            for sentence in judgement.sentences
        ],
        put_down_share=judgement.put_down_share,
        passage={"text": passage.text, "similarity": passage.similarity} if passage else None,
        other_article={"title": other.title, "similarity": other.similarity} if other else None,
        deletion=job.opinion and job.opinion.deletion,
        learned=job.opinion and job.opinion.as_json(),
        engine=judgement.engine,
        advice=recommendation.advice,
        reasons=[_reason(reason, job) for reason in recommendation.reasons],
        rule_id=recommendation.reasons[0].rule.id if recommendation.reasons else None,
        rule_set_id=job.rule_set_id,
        mode=job.mode and job.mode.key,
    )


def _reason(reason: Reason, job: Job) -> dict[str, object]:
    """A reason as it is kept: with the rule's words of that day, because rules change, and the mode that changed it."""
    rule = reason.rule
    when = rule.when.model_dump(mode="json", exclude={"signal"})
    return {
        "rule_id": rule.id,
        "title": rule.title,
        "text": rule.text,
        "signal": str(rule.signal),
        "advice": str(rule.advice),
        "score": reason.score,
        "threshold": when.get("at_least") if when.get("at_least") is not None else when.get("at_most"),
        "kinds": sorted(when.get("kinds", ())),
        "evidence": reason.evidence,
        "mode": job.mode.title if job.mode and rule.id in job.changed else None,
    }
