"""House rules applied: every rule runs, a score of 0 counts, a missing score is not 0, and nothing is decided."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.judge.case import Assessment, Kind, NoRelevance, Passage, Span, Target
from moderation.rules import Advice, Facts, Recommendation, Rule
from moderation.rules import recommend as recommend_with
from moderation.rules.conditions import Condition, Disrespect, Relevance


def recommend(judged: Assessment, rules: Sequence[Rule], **facts: Any) -> Recommendation:
    return recommend_with(judged, Facts(**facts), rules)


def rule(id_: int, when: Condition, advice: Advice = Advice.REVIEW) -> Rule:
    return Rule(id_, {"de": "…"}, {"de": "…"}, when, advice)


TOPIC = rule(1, Relevance(at_most=0.3))
PUT_DOWN = rule(
    2,
    Disrespect(at_least=0.5, kinds=frozenset({Kind.INSULT}), targets=frozenset({Target.READER, Target.AUTHOR})),
)
TONE = rule(3, Disrespect(at_least=0.5))
PASSAGE = Passage("Die Brücke wird gesperrt.", 0.2)


def assessment(**changes: object) -> Assessment:
    values: dict[str, object] = {
        "language": "de",
        "relevance": 0.9,
        "relevance_reason": None,
        "disrespect": 0.1,
        "kinds": dict.fromkeys(Kind, 0.1),
        "target": Target.NONE,
        "passage": PASSAGE,
    }
    return Assessment(**(values | changes))  # type: ignore[arg-type]


def test_a_comment_no_rule_doubts_is_recommended_for_approval() -> None:
    recommendation = recommend(assessment(), [TOPIC, PUT_DOWN, TONE])
    assert recommendation.advice is Advice.APPROVE
    assert recommendation.reasons == ()
    assert recommendation.concern < 0.5


def test_the_reason_names_the_rule_and_shows_the_passage() -> None:
    recommendation = recommend(assessment(relevance=0.1), [TOPIC, TONE])
    (reason,) = recommendation.reasons
    assert (reason.rule, reason.score, reason.passage) == (TOPIC, 0.1, PASSAGE)
    assert recommendation.advice is Advice.REVIEW


def test_the_reason_shows_only_the_words_the_rule_is_about() -> None:
    spans = (Span(0, 5, Kind.INSULT, 0.9), Span(9, 12, Kind.PROFANITY, 0.8))
    kinds = dict.fromkeys(Kind, 0.1) | {Kind.INSULT: 0.9}
    judged = assessment(disrespect=0.9, kinds=kinds, target=Target.READER, spans=spans)
    recommendation = recommend(judged, [PUT_DOWN])
    assert recommendation.reasons[0].spans == spans[:1]


def test_what_is_surely_disrespectful_breaks_the_rule_about_its_likeliest_kind() -> None:
    kinds = dict.fromkeys(Kind, 0.1) | {Kind.INSULT: 0.41, Kind.IDENTITY_ATTACK: 0.38}
    judged = assessment(disrespect=0.86, kinds=kinds, target=Target.READER)
    coarse = rule(5, Disrespect(at_least=0.5, kinds=frozenset({Kind.PROFANITY, Kind.THREAT})))
    reasons = recommend(judged, [PUT_DOWN, coarse]).reasons
    assert [(reason.rule, reason.score) for reason in reasons] == [(PUT_DOWN, 0.86)]


def test_a_rule_about_readers_is_not_broken_against_others() -> None:
    kinds = dict.fromkeys(Kind, 0.1) | {Kind.INSULT: 0.9}
    judged = assessment(disrespect=0.9, kinds=kinds, target=Target.THIRD_PARTY)
    assert recommend(judged, [PUT_DOWN]).reasons == ()


@pytest.mark.parametrize(
    ("relevance", "doubted"), [(0.0, True), (0.2999, True), (0.3, True), (0.3001, False), (1.0, False)]
)
def test_the_threshold_of_relevance_belongs_to_the_doubt(relevance: float, doubted: bool) -> None:
    assert bool(recommend(assessment(relevance=relevance), [TOPIC]).reasons) is doubted


def test_advertising_is_named_as_why_a_comment_does_not_belong() -> None:
    (reason,) = recommend(assessment(relevance=0.1, spam=0.91234), [TOPIC]).reasons
    assert reason.evidence == {"spam": 0.912}
    (reason,) = recommend(assessment(relevance=0.1, spam=0.2), [TOPIC]).reasons
    assert reason.evidence == {}


@pytest.mark.parametrize(("disrespect", "doubted"), [(0.0, False), (0.4999, False), (0.5, True), (1.0, True)])
def test_the_threshold_of_disrespect_belongs_to_the_doubt(disrespect: float, doubted: bool) -> None:
    assert bool(recommend(assessment(disrespect=disrespect), [TONE]).reasons) is doubted


def test_a_missing_score_is_for_people_and_no_doubt() -> None:
    judged = assessment(relevance=None, relevance_reason=NoRelevance.TOO_SHORT)
    recommendation = recommend(judged, [TOPIC, TONE])
    assert recommendation.advice is Advice.REVIEW
    assert recommendation.reasons == ()


def test_a_missing_score_softens_the_advice_to_delete() -> None:
    strict = rule(3, Disrespect(at_least=0.5), Advice.DELETE)
    assert recommend(assessment(disrespect=0.9), [TOPIC, strict]).advice is Advice.DELETE
    assert recommend(assessment(disrespect=0.9, relevance=None), [TOPIC, strict]).advice is Advice.REVIEW


def test_rules_that_disagree_leave_it_to_people() -> None:
    strict = rule(4, Disrespect(at_least=0.5), Advice.DELETE)
    recommendation = recommend(assessment(relevance=0.1, disrespect=0.9), [TOPIC, strict])
    assert recommendation.advice is Advice.REVIEW
    assert {reason.rule.id for reason in recommendation.reasons} == {1, 4}


def test_the_worst_reason_comes_first() -> None:
    recommendation = recommend(assessment(relevance=0.29, disrespect=0.99), [TOPIC, TONE])
    assert [reason.rule.id for reason in recommendation.reasons] == [3, 1]


def test_swearing_at_things_ranks_below_putting_people_down() -> None:
    coarse = rule(3, Disrespect(at_least=0.5, kinds=frozenset({Kind.PROFANITY})))
    kinds = dict.fromkeys(Kind, 0.1)
    wind = recommend(assessment(disrespect=0.1, kinds=kinds | {Kind.PROFANITY: 0.99}), [coarse, TONE])
    person = recommend(assessment(disrespect=0.9, kinds=kinds | {Kind.INSULT: 0.8}), [coarse, TONE])
    assert wind.reasons
    assert 0.5 <= wind.concern < person.concern


def test_a_site_without_rules_gets_no_doubts() -> None:
    assert recommend(assessment(relevance=0.01, disrespect=0.99), []).reasons == ()


scores = st.none() | st.floats(0, 1)
thresholds = st.floats(0, 1)


@given(relevance=scores, disrespect=scores, low=thresholds, high=thresholds)
def test_concern_is_a_share_and_at_least_half_exactly_where_a_rule_is_in_doubt(
    relevance: float | None, disrespect: float | None, low: float, high: float
) -> None:
    rules = [rule(1, Relevance(at_most=low)), rule(2, Disrespect(at_least=high))]
    recommendation = recommend(assessment(relevance=relevance, disrespect=disrespect), rules)
    assert 0 <= recommendation.concern <= 1
    assert (recommendation.concern >= 0.5) == bool(recommendation.reasons)
    assert not recommendation.reasons or recommendation.advice is not Advice.APPROVE
