"""A rule may decide by itself only where the site's own history proves that people would have decided the same."""

import pytest
from sqlalchemy import select

from moderation import chance, decisions, rulebook
from moderation.automation import switch
from moderation.automation.history import cases, curve, estimate
from moderation.db import Database
from moderation.decisions import Seen
from moderation.errors import BadInput, NotFound
from moderation.models import Assessment, Automation, Moderator, Outcome, Site, Status
from moderation.rulebook import StatedRule
from moderation.rulebook.preview import history
from tests.automation.stories import LONG, RUDE, add_past, judged, state
from tests.stories import add_article


@pytest.mark.parametrize(
    ("right", "tries", "proven"), [(59, 59, 0.9505), (50, 50, 0.9418), (95, 100, 0.8977), (0, 10, 0.0), (1, 1, 0.05)]
)
def test_a_share_is_proven_by_clopper_and_pearson(right: int, tries: int, proven: float) -> None:
    assert chance.surely_at_least(right, tries) == pytest.approx(proven, abs=1e-4)


def test_tails_are_those_of_the_binomial_and_poisson_distributions() -> None:
    from scipy import stats

    usual = [(3, 10, 0.2), (0, 5, 0.5), (5, 5, 0.5), (180, 200, 0.95), (19_500, 20_000, 0.97)]
    for hits, tries, share in [*usual, (3, 10, 0.0), (3, 10, 1.0), (11, 10, 0.5)]:
        assert chance.at_least(hits, tries, share) == pytest.approx(stats.binom.sf(hits - 1, tries, share), rel=1e-6)
        assert chance.at_most(hits, tries, share) == pytest.approx(stats.binom.cdf(hits, tries, share), rel=1e-6)
    for number, expected in [(12, 2.0), (1, 0.1), (3, 5.0), (40, 4.0), (0, 2.0), (3, 0.0)]:
        assert chance.poisson_at_least(number, expected) == pytest.approx(
            stats.poisson.sf(number - 1, expected), rel=1e-6
        )


def test_history_says_how_well_the_rule_would_have_decided(database: Database, site: Site, past: None) -> None:
    with database.session(read_only=True) as session:
        rules = rulebook.stated(rulebook.current(session, site.id))
        found = cases(history(session, site, [rule.applied() for rule in rules]), rules, "grob")
    strict = estimate(found, rules[0], 0.8)
    assert (strict.tries, strict.right) == (60, 60)
    assert strict.proven == pytest.approx(0.951, abs=0.001)
    own = curve(found, rules[0])[0]
    assert (own.bound, own.tries, own.right) == (0.5, 70, 61)


def test_comments_on_which_another_rule_objects_do_not_count(
    database: Database, site: Site, moderator: Moderator, past: None
) -> None:
    with database.session() as session:
        comment = judged(session, site, 0.9, text="lang " * 200)
        mona = session.get_one(Moderator, moderator.id)
        decisions.decide(session, comment.id, Outcome.APPROVE, moderator=mona, seen=Seen(1))
        rules = rulebook.stated(rulebook.current(session, site.id))
        found = cases(history(session, site, [rule.applied() for rule in rules]), rules, "grob")
    assert estimate(found, rules[0], 0.8).tries == 60


def test_a_rule_that_counts_has_no_bounds_to_choose_from_and_only_counts_where_it_holds(
    database: Database, site: Site, moderator: Moderator, past: None
) -> None:
    strict = LONG | {"advice": "delete", "sections": ["Sport"]}
    with database.session() as session:
        kept, mona = session.get_one(Site, site.id), session.get_one(Moderator, moderator.id)
        for section, outcome in (("Sport", Outcome.DELETE), ("Lokales", Outcome.APPROVE)):
            article = add_article(session, kept, external_id=section, section=section)
            comment = judged(session, kept, 0.1, text="lang " * 200, article=article)
            decisions.decide(session, comment.id, outcome, moderator=mona, seen=Seen(1))
        rulebook.save(session, kept, [StatedRule.model_validate(strict)])
        rules = rulebook.stated(rulebook.current(session, site.id))
        found = cases(history(session, kept, [rule.applied() for rule in rules]), rules, "lang")
    (only,) = curve(found, rules[0])
    assert (only.bound, only.tries, only.right) == (None, 1, 1)


def test_a_learned_rule_is_proven_by_what_it_said_before_people_decided(database: Database, site: Site) -> None:
    learned = {**RUDE, "key": "gelernt", "when": {"signal": "learned", "at_least": 0.5}}
    with database.session() as session:
        site = session.get_one(Site, site.id)
        rulebook.save(session, site, [StatedRule.model_validate(learned), StatedRule.model_validate(LONG)])
        rules = rulebook.stated(rulebook.current(session, site.id))
        add_past(
            session, site, [(0.1, Status.DELETED)] * 12 + [(0.1, Status.APPROVED)] * 3 + [(0.1, Status.DELETED)] * 5
        )
        kept = session.scalars(select(Assessment).order_by(Assessment.id)).all()
        for assessment in kept[:15]:
            assessment.learned = {"rules": {str(rules[0].id): 0.9}}
        session.flush()
        found = cases(history(session, site, [rule.applied() for rule in rules]), rules, "gelernt")
        assert (estimate(found, rules[0], 0.8).tries, estimate(found, rules[0], 0.8).right) == (15, 12)
        rulebook.save(session, site, [StatedRule.model_validate(learned), StatedRule.model_validate(RUDE)])
        rules = rulebook.stated(rulebook.current(session, site.id))
        for assessment in kept:
            assessment.disrespect = 0.9
        session.flush()
        found = cases(history(session, site, [rule.applied() for rule in rules]), rules, "grob")
        assert estimate(found, rules[1], 0.8).tries == 20, "where nothing had been learned yet, it holds nobody up"


def test_nothing_is_switched_on_that_history_does_not_prove(
    database: Database, site: Site, moderator: Moderator, past: None
) -> None:
    with database.session() as session:
        kept = session.get_one(Site, site.id)
        state(session, kept, beyond=0.5)
        mona = session.get_one(Moderator, moderator.id)
        with pytest.raises(BadInput, match="61 of 70"):
            switch.switch_on(session, kept, "grob", moderator=mona)
        state(session, kept, promise=0.96)
        with pytest.raises(BadInput, match="proves"):
            switch.switch_on(session, kept, "grob", moderator=mona)


def test_a_rule_that_is_on_stays_the_same_and_with_other_limits_begins_anew(
    database: Database, site: Site, moderator: Moderator, on: int
) -> None:
    with database.session() as session:
        kept, mona = session.get_one(Site, site.id), session.get_one(Moderator, moderator.id)
        first = session.scalars(select(Automation)).one()
        assert switch.switch_on(session, kept, "grob", moderator=mona) is first
        state(session, kept, beyond=0.84)
        second = switch.switch_on(session, kept, "grob", moderator=mona)
        assert (first.why_off, second.why_off) == ("moderator", None)
        assert second.terms != first.terms


def test_only_a_rule_that_is_there_and_has_limits_is_switched_on(
    database: Database, site: Site, moderator: Moderator, past: None
) -> None:
    with database.session() as session:
        kept, mona = session.get_one(Site, site.id), session.get_one(Moderator, moderator.id)
        with pytest.raises(NotFound, match="no house rule 'fort'"):
            switch.switch_on(session, kept, "fort", moderator=mona)
        with pytest.raises(BadInput, match="State its limits first"):
            switch.switch_on(session, kept, "lang", moderator=mona)
