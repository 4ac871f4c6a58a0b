"""The models of a site as they are kept: which is in force, which runs silently, and every switch between them."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session, defer, joinedload

from moderation import audit
from moderation.db import now
from moderation.errors import BadInput, BadModel, NotFound
from moderation.models import Comment, HouseRule, LearnedModel, Learner, ModelState, Moderator, Site, Status

MOST_RETIRED = 10
"""Models out of force that a site keeps, to go back to."""


def learner(session: Session, site_id: int) -> Learner:
    """Return what is known of a site's learning; begin it where there is nothing yet."""
    found = session.scalars(select(Learner).where(Learner.site_id == site_id)).one_or_none()
    if found is None:
        found = Learner(site_id=site_id, due_at=None, decisions=0, last_id=0, lacking=0, paused=False, shadowing=False)
        session.add(found)
        session.flush()
    return found


def every(session: Session, site_id: int) -> Sequence[LearnedModel]:
    """Return the models of a site, newest first, without their contents."""
    asked = select(LearnedModel).where(LearnedModel.site_id == site_id).order_by(LearnedModel.version.desc())
    return session.scalars(asked.options(joinedload(LearnedModel.rule), defer(LearnedModel.content))).all()


def in_state(session: Session, site_id: int, state: ModelState, rule_id: int | None = None) -> LearnedModel | None:
    """Return the newest model of a site, or of one of its rules, in that state."""
    return session.scalars(
        select(LearnedModel)
        .where(LearnedModel.site_id == site_id, LearnedModel.state == state)
        .where(LearnedModel.rule_id.is_(None) if rule_id is None else LearnedModel.rule_id == rule_id)
        .order_by(LearnedModel.switched_at.desc(), LearnedModel.version.desc())
        .limit(1)
    ).one_or_none()


def keep(session: Session, model: LearnedModel) -> LearnedModel:
    """Keep a new model as its site's candidate, or its rule's, instead of the one before it."""
    newest = select(func.max(LearnedModel.version)).where(LearnedModel.site_id == model.site_id)
    model.version = (session.scalar(newest) or 0) + 1
    for old in (ModelState.CANDIDATE, ModelState.SHADOW):
        while (before := in_state(session, model.site_id, old, model.rule_id)) is not None:
            session.delete(before)
            session.flush()
    model.state = ModelState.CANDIDATE
    if learner(session, model.site_id).shadowing:
        model.state = ModelState.SHADOW
    session.add(model)
    session.flush()
    _prune(session, model)
    return model


def _prune(session: Session, model: LearnedModel) -> None:
    retired = (
        select(LearnedModel.id)
        .where(LearnedModel.site_id == model.site_id, LearnedModel.state == ModelState.RETIRED)
        .where(LearnedModel.rule_id.is_(None) if model.rule_id is None else LearnedModel.rule_id == model.rule_id)
        .order_by(LearnedModel.version.desc())
        .offset(MOST_RETIRED)
    )
    session.execute(delete(LearnedModel).where(LearnedModel.id.in_(list(session.scalars(retired)))))


def put_in_force(session: Session, model: LearnedModel, *, moderator: Moderator | None, why: str) -> None:
    """Put a model in force instead of the one that is, and have all that waits judged anew."""
    before = in_state(session, model.site_id, ModelState.ACTIVE, model.rule_id)
    if before is not None:
        before.state, before.switched_at = ModelState.RETIRED, now()
    model.state, model.switched_at = ModelState.ACTIVE, now()
    _tell(session, model, before=before, after=model, moderator=moderator, why=why)


def switch_off(session: Session, model: LearnedModel, *, moderator: Moderator | None, why: str) -> None:
    """Take a model out of force: the general one is alone again; what waits is judged anew."""
    model.state, model.switched_at = ModelState.RETIRED, now()
    _tell(session, model, before=model, after=None, moderator=moderator, why=why)


def _tell(
    session: Session,
    model: LearnedModel,
    *,
    before: LearnedModel | None,
    after: LearnedModel | None,
    moderator: Moderator | None,
    why: str,
) -> None:
    audit.note(
        session,
        "model_switched",
        moderator=moderator,
        subject=f"site {model.site_id}",
        before=before and before.version,
        after=after and after.version,
        rule=model.rule_id,
        why=why,
    )
    session.execute(
        update(Comment)
        .where(Comment.site_id == model.site_id, Comment.status == Status.PENDING, Comment.due_at.is_(None))
        .values(due_at=now(), attempts=0)
        .execution_options(synchronize_session=False)
    )


def roll_back(
    session: Session, site: Site, *, moderator: Moderator | None, rule_id: int | None = None, to_general: bool = False
) -> LearnedModel | None:
    """Go back to the model that was in force before, of deletion or of one rule; return it, None where there is none.

    Without one, or ``to_general``, the general model speaks of deletion, and of the rule nothing is said. No model of
    the site switches on by itself until `resume`. BadInput where no model is in force; BadModel where the one before
    cannot be read: it would say nothing, and nobody would know.
    """
    current = in_state(session, site.id, ModelState.ACTIVE, rule_id)
    if current is None and rule_id is not None:
        raise BadInput("No model of this rule is in force; there is nothing to go back to.", code="no_model")
    if current is None:
        raise BadInput("The general model is in force; there is nothing to go back to.", code="no_model")
    earlier = None if to_general else in_state(session, site.id, ModelState.RETIRED, rule_id)
    if earlier is not None and earlier.version < current.version:
        _require_readable(earlier)
        put_in_force(session, earlier, moderator=moderator, why="rolled_back")
    else:
        earlier = None  # what is newer was left by going back before
        switch_off(session, current, moderator=moderator, why="rolled_back")
    learner(session, site.id).paused = True
    return earlier


def _require_readable(model: LearnedModel) -> None:
    from moderation.judge.learned import ModelError, SiteModel  # noqa: PLC0415 - the web carries no numbers

    try:
        SiteModel.from_bytes(model.content)
    except ModelError:
        raise BadModel(
            f"Version {model.version} is damaged or was made by another version of this service; it was not put in "
            "force, and nothing was changed. `moderation learn rollback --general` does without any model of the "
            "site's, and `moderation learn run` teaches a new one.",
            version=model.version,
        ) from None


def rule_of(session: Session, site: Site, key: str) -> HouseRule:
    """Return a house rule by its key; NotFound where the site has none of that name."""
    asked = select(HouseRule).where(HouseRule.site_id == site.id, HouseRule.key == key)
    found = session.scalars(asked).one_or_none()
    if found is None:
        raise NotFound(f"There is no house rule {key!r}.", code="unknown_rule")
    return found


def resume(session: Session, site: Site, *, moderator: Moderator | None) -> None:
    """Let models switch on by themselves again, where they are surely better."""
    found = learner(session, site.id)
    if found.paused:
        found.paused = False
        audit.note(session, "learning_resumed", moderator=moderator, subject=f"site {site.id}")


def shadow(session: Session, site: Site, *, on: bool, moderator: Moderator | None) -> None:
    """Let the newest models that are not in force, of deletion and of each rule, run silently, or no longer."""
    learner(session, site.id).shadowing = on
    before, after = (ModelState.CANDIDATE, ModelState.SHADOW) if on else (ModelState.SHADOW, ModelState.CANDIDATE)
    session.execute(
        update(LearnedModel)
        .where(LearnedModel.site_id == site.id, LearnedModel.state == before)
        .values(state=after, switched_at=now())
        .execution_options(synchronize_session="fetch")
    )
    audit.note(session, "shadow_on" if on else "shadow_off", moderator=moderator, subject=f"site {site.id}")
