"""A commenter's record, as what is learned may look at it: off at first, in few steps, and never of the future."""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from moderation.db import Database, now
from moderation.learning import decided, record
from moderation.models import Comment, Outcome, Site
from tests.stories import add_comment
from tests.test_lessons import _text, decide
from worker import tasks
from worker.app import Workshop

QUARRELSOME = ("otto", "ilse", "knut")
CALM = ("mona", "kai", "rike", "hauke", "levke", "jan")


@pytest.mark.parametrize(
    ("approved", "deleted", "word"),
    [
        (None, None, None),
        (2, 0, None),
        (3, 0, "record clean"),
        (9, 1, "record seldom"),
        (6, 4, "record often"),
        (0, 3, "record mostly"),
    ],
)
def test_a_record_is_one_word_in_few_steps(approved: int | None, deleted: int | None, word: str | None) -> None:
    assert record.word(approved, deleted) == word


def test_each_decision_sees_only_those_before_it() -> None:
    records = record.Records()
    told = [records.before("otto", deleted=deleted) for deleted in (True, True, False, False)]
    assert told == [None, None, None, "record mostly"]
    assert records.before(None, deleted=True) is None
    assert records.before("mona", deleted=False) is None


def _history(database: Database, site: Site, n: int) -> None:
    """A team that deletes by who wrote it, whatever it says."""
    chooser = random.Random(5)
    with database.session() as session:
        began = now() - timedelta(days=2)
        for number in range(n):
            who = chooser.choice(QUARRELSOME if number % 4 == 0 else CALM)
            text = _text(chooser, party=False)
            comment = add_comment(session, site, text=text, commenter_id=who, due_at=now())
            outcome = Outcome.DELETE if who in QUARRELSOME else Outcome.APPROVE
            decide(session, comment, outcome, decided_at=began + timedelta(minutes=number))
        session.commit()


def test_whose_comments_were_deleted_says_something_only_where_the_site_wants_it(
    database: Database, site: Site, workshop: Workshop, command: Callable[[str], str]
) -> None:
    _history(database, site, 400)
    tasks.score()
    with database.session(read_only=True) as session:
        assert {one.record for one in decided.standing(session, session.get_one(Site, site.id), days=365)} == {None}
    tasks.learn()
    assert _said(database, site, "otto") is None, "there was nothing to learn from the texts"

    command(f"moderation site set {site.slug} --learn-records")
    with database.session(read_only=True) as session:
        found = decided.standing(session, session.get_one(Site, site.id), days=365)
    assert {one.record for one in found} == {None, "record clean", "record mostly"}
    command("moderation learn run")
    otto, mona = _said(database, site, "otto"), _said(database, site, "mona")
    assert otto is not None
    assert mona is not None
    assert otto > 2 * mona


def _said(database: Database, site: Site, who: str) -> float | None:
    """What the site's model says of one more comment by somebody."""
    with database.session() as session:
        text = _text(random.Random(who), party=False)
        one = add_comment(session, site, text=text, commenter_id=who, due_at=now()).id
        session.commit()
    tasks.score()
    with database.session(read_only=True) as session:
        judged = session.scalars(select(Comment).where(Comment.id == one)).one().assessment
        assert judged is not None
        return judged.deletion
