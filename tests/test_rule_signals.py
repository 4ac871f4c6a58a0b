"""Each signal of a rule at its boundary: just in doubt, just not, cannot be told; and never a crash."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from moderation.judge.case import Assessment, Kind, Span, Target
from moderation.rules import Advice, Facts, Hours, Recommendation, Repeated, Rule, recommend
from moderation.rules.conditions import Condition

CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)
FINE = Assessment("de", 0.9, None, 0.1, dict.fromkeys(Kind, 0.1), Target.NONE)
NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)  # a Monday, noon in Berlin


def make(advice: Advice = Advice.REVIEW, hours: Hours | None = None, sections: Sequence[str] = (), **when: Any) -> Rule:
    condition = CONDITION.validate_python(when)
    return Rule(1, {"de": "…"}, {"de": "…"}, condition, advice, hours, frozenset(sections))


def judge(rule: Rule, judged: Assessment = FINE, **facts: Any) -> Recommendation:
    return recommend(judged, Facts(**facts), [rule])


def met(rule: Rule, judged: Assessment = FINE, **facts: Any) -> bool:
    return bool(judge(rule, judged, **facts).reasons)


@pytest.mark.parametrize(
    ("text", "in_doubt"), [("ohne", False), ("https://a.example/x", True), ("www.a.example", True)]
)
def test_one_link_is_in_doubt_where_one_is_enough(text: str, in_doubt: bool) -> None:
    assert met(make(signal="links", at_least=1), text=text) is in_doubt


def test_links_are_counted_to_the_bound_without_those_allowed() -> None:
    rule = make(signal="links", at_least=2, allow=["zeitung.example"])
    assert not met(rule, text="https://a.example/1 und https://www.zeitung.example/2 https://m.zeitung.example")
    reasons = judge(rule, text="https://a.example/1 und https://b.example/2").reasons
    assert (reasons[0].score, reasons[0].evidence["domains"]) == (2, ["a.example", "b.example"])


def test_one_link_to_a_denied_domain_is_always_too_many() -> None:
    rule = make(signal="links", at_least=9, deny=["spam.example"])
    assert met(rule, text="siehe http://shop.spam.example/kauf")
    assert not met(rule, text="siehe http://nospam.example/kauf"), "another domain that ends alike"


@pytest.mark.parametrize(("share", "in_doubt"), [(0.49, False), (0.5, True), (0.51, True)])
def test_shouting_counts_from_its_share_on(share: float, in_doubt: bool) -> None:
    loud = "L" * round(share * 100)
    assert met(make(signal="shouting", at_least=0.5), text=f"{loud} {'l' * (100 - len(loud))}") is in_doubt


def test_a_short_cry_is_no_shouting() -> None:
    assert not met(make(signal="shouting", at_least=0.5), text="JA! NATO!")


@pytest.mark.parametrize(("length", "in_doubt"), [(9, True), (10, False), (20, False), (21, True)])
def test_length_counts_beyond_its_bounds(length: int, in_doubt: bool) -> None:
    assert met(make(signal="length", fewer_than=10, more_than=20), text="x" * length) is in_doubt
    assert met(make(signal="length", fewer_than=10, more_than=20, unit="words"), text="xy " * length) is in_doubt


@pytest.mark.parametrize(("similarity", "days", "in_doubt"), [(0.9, 30, True), (0.8999, 1, False), (1.0, 31, False)])
def test_a_repeat_is_near_enough_and_not_too_old(similarity: float, days: int, in_doubt: bool) -> None:
    rule = make(signal="repeat", similarity=0.9, within_days=30)
    seen = (Repeated(7, similarity, NOON - timedelta(days=days)),)
    assert met(rule, submitted_at=NOON, repeats=seen) is in_doubt


def test_repeats_are_counted_to_the_bound() -> None:
    seen = tuple(Repeated(id_, 1.0, NOON) for id_ in (7, 8))
    assert met(make(signal="repeat", at_least=2), submitted_at=NOON, repeats=seen)
    assert not met(make(signal="repeat", at_least=3), submitted_at=NOON, repeats=seen)


@pytest.mark.parametrize(("approved", "in_doubt"), [(0, True), (1, True), (2, False)])
def test_a_commenter_is_new_below_the_bound(approved: int, in_doubt: bool) -> None:
    assert met(make(signal="new_commenter", fewer_than=2), approved=approved) is in_doubt


@pytest.mark.parametrize(
    ("approved", "deleted", "in_doubt"), [(0, 1, False), (0, 4, False), (0, 5, True), (3, 2, False), (2, 3, True)]
)
def test_a_record_needs_enough_decisions_and_one_rejected_of_one_does_not_trip(
    approved: int, deleted: int, in_doubt: bool
) -> None:
    rule = make(signal="record", at_least=0.6, minimum=5)
    assert met(rule, approved=approved, deleted=deleted) is in_doubt


def test_a_good_record_may_speak_for_a_comment() -> None:
    rule = make(Advice.APPROVE, signal="record", at_most=0.0, minimum=20)
    recommendation = judge(rule, approved=20, deleted=0)
    assert recommendation.advice is Advice.APPROVE
    assert recommendation.reasons
    assert recommendation.concern == 0, "what speaks for a comment is no concern"
    assert not met(rule, approved=19, deleted=0), "too few to trust"


def test_a_pattern_shows_where_it_matched() -> None:
    (reason,) = judge(make(signal="pattern", pattern=r"lügen\w*presse"), text="Ach, die Lügenpresse!").reasons
    assert reason.evidence == {"places": [[9, 20]], "words": ["Lügenpresse"]}


def test_a_word_list_shows_the_words_it_met_and_counts_to_the_bound() -> None:
    rule = make(signal="words", words=["Idiot", "arsch"], excepted=["Arschbombe"], at_least=2)
    assert not met(rule, text="Nach der Arschbombe: ein Vollidiot auf dem Marsch")
    (reason,) = judge(rule, text="Ihr 1d10ten, ihr Arschlöcher!").reasons
    assert (reason.score, reason.evidence["words"]) == (2, ["1d10ten", "Arschlöcher"])


@pytest.mark.parametrize("words", [[], ["a"], ["und"], [""]])
def test_a_word_list_that_would_do_harm_is_refused(words: list[str]) -> None:
    with pytest.raises(ValidationError):
        make(signal="words", words=words)


@pytest.mark.parametrize("pattern", [r"(?=x)", r"(a)\1", "[", "(x{1,1000}){1,1000}", ""])
def test_a_pattern_that_might_be_slow_or_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError):
        make(signal="pattern", pattern=pattern)


def test_an_evil_pattern_runs_in_linear_time() -> None:
    assert not met(make(signal="pattern", pattern=r"(a+)+$"), text="a" * 20_000 + "b")


@pytest.mark.parametrize(("probability", "in_doubt"), [(0.0, False), (0.69, False), (0.7, True)])
def test_a_learned_rule_goes_by_its_own_probability(probability: float, in_doubt: bool) -> None:
    assert met(make(signal="learned", at_least=0.7), learned={1: probability, 2: 1.0}) is in_doubt


def test_a_rule_nobody_taught_yet_leaves_the_comment_to_people_but_not_up_front() -> None:
    recommendation = judge(make(signal="learned", at_least=0.7), learned={})
    assert (recommendation.advice, recommendation.concern) == (Advice.REVIEW, 0.0)


@pytest.mark.parametrize("signal", ["repeat", "new_commenter", "record"])
def test_what_is_not_known_is_not_nothing(signal: str) -> None:
    bound = {"at_least": 0.5} if signal == "record" else {}
    recommendation = judge(make(signal=signal, **bound))
    assert (recommendation.advice, recommendation.reasons) == (Advice.REVIEW, ())
    assert [rule.signal for rule in recommendation.untold] == [signal]


@pytest.mark.parametrize(("part", "in_doubt"), [(None, False), (0.0, False), (0.29, False), (0.3, True), (1.0, True)])
def test_the_share_of_put_down_counts_from_its_bound_on(part: float | None, in_doubt: bool) -> None:
    judged = Assessment("de", 0.9, None, 0.1, put_down_share=part)
    assert met(make(signal="put_down", at_least=0.3), judged) is in_doubt


@pytest.mark.parametrize("score", [0.0, 0.05])
def test_a_score_of_exactly_nothing_counts(score: float) -> None:
    kind = make(Advice.APPROVE, signal="disrespect", at_most=0.05)
    assert met(kind, Assessment("de", 0.9, None, score, dict.fromkeys(Kind, 0.0), Target.NONE))
    assert met(make(signal="relevance", at_most=0.0), Assessment("de", 0.0, None, 0.1))


def test_one_rule_for_and_one_against_is_for_people() -> None:
    trusted = make(Advice.APPROVE, signal="record", at_most=0.1)
    link = make(Advice.DELETE, signal="links")
    both = recommend(FINE, Facts(text="https://a.example", approved=9, deleted=0), [trusted, link])
    assert both.advice is Advice.REVIEW
    assert len(both.reasons) == 2


@pytest.mark.parametrize(
    ("moment", "in_doubt"),
    [
        ("2026-11-23T21:59", False),
        ("2026-11-23T22:00", True),
        ("2026-11-24T05:59", True),
        ("2026-11-24T06:00", False),
        ("2026-11-24T23:00", False),  # a Tuesday
        ("2026-11-23T03:00", False),  # still the night of Sunday
    ],
)
def test_a_night_belongs_to_the_day_it_begins_on_by_the_sites_clock(moment: str, in_doubt: bool) -> None:
    rule = make(hours=Hours(start="22:00", end="06:00", days=frozenset({"mon"})), signal="links")
    local = datetime.fromisoformat(f"{moment}:00+01:00")
    assert (
        met(rule, text="https://a.example", submitted_at=local.astimezone(UTC), time_zone="Europe/Berlin") is in_doubt
    )


@pytest.mark.parametrize(("section", "in_doubt"), [("Sport", True), ("Politik", False), (None, True)])
def test_a_rule_for_one_section_rests_in_the_others(section: str | None, in_doubt: bool) -> None:
    assert met(make(sections=["sport"], signal="links"), text="https://a.example", section=section) is in_doubt


def test_every_place_of_put_downs_in_a_rule_is_kept() -> None:
    spans = (Span(0, 5, Kind.INSULT, 0.9), Span(9, 12, Kind.PROFANITY, 0.8))
    judged = Assessment("de", 0.9, None, 0.9, dict.fromkeys(Kind, 0.9), Target.READER, spans)
    assert judge(make(signal="disrespect", at_least=0.5, kinds=["insult"]), judged).reasons[0].spans == spans[:1]


share = st.floats(0, 1)
bound = st.one_of(st.builds(dict, at_least=share), st.builds(dict, at_most=share))
stated = st.one_of(
    *(
        bound.map(lambda b, s=signal: {"signal": s, **b})
        for signal in ("relevance", "disrespect", "put_down", "learned", "record")
    ),
    st.builds(dict, signal=st.just("links"), at_least=st.integers(1, 5)),
    st.builds(dict, signal=st.just("shouting"), at_least=st.floats(0.01, 1)),
    st.builds(dict, signal=st.just("length"), fewer_than=st.integers(1, 50)),
    st.builds(dict, signal=st.just("repeat")),
    st.builds(dict, signal=st.just("new_commenter"), fewer_than=st.integers(1, 5)),
    st.builds(dict, signal=st.just("pattern"), pattern=st.sampled_from([r"\w*", "x?", r"(?i)ä+", r"\bja\b"])),
)
maybe = st.none() | share


@given(
    when=stated,
    advice=st.sampled_from(Advice),
    scores=st.tuples(maybe, maybe),
    text=st.text(max_size=80),
    counts=st.tuples(st.none() | st.integers(0, 9), st.none() | st.integers(0, 9)),
    learned=st.dictionaries(st.just(1), share),
)
def test_no_rule_ever_raises_and_concern_stays_on_its_side(
    when: dict[str, Any], advice: Advice, scores: tuple[Any, Any], text: str, counts: tuple[Any, Any], learned: Any
) -> None:
    judged = Assessment("de", scores[0], None, scores[1], dict.fromkeys(Kind, scores[1] or 0.0), Target.READER)
    facts = Facts(text, NOON, repeats=(), approved=counts[0], deleted=counts[1], learned=learned)
    recommendation = recommend(judged, facts, [make(advice, **when)])
    assert 0 <= recommendation.concern <= 1
    if advice is not Advice.APPROVE:
        assert (recommendation.concern >= 0.5) == bool(recommendation.reasons)
    if recommendation.untold:
        assert recommendation.advice is Advice.REVIEW
