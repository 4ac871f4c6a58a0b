"""Words on the screen: what the machine found, said so that a person understands it at a glance."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from moderation import wording
from moderation.db import now
from moderation.errors import BadInput
from moderation.judge.case import Kind, NoRelevance
from moderation.models import Assessment, Comment, Delivery, Moderator, Site
from moderation.rules import Advice, Signal
from moderation.wording import Segment
from tests.desks import Person


@pytest.fixture
def german(app: Flask) -> Iterator[None]:
    with app.test_request_context(headers={"Accept-Language": "de"}):
        yield


def _assessment(**values: object) -> Assessment:
    return Assessment(**({"advice": Advice.REVIEW, "kinds": {}, "spans": [], "reasons": []} | values))


def test_text_is_cut_where_spans_begin_and_end() -> None:
    spans = [{"start": 3, "end": 6, "kind": "insult"}]
    assert wording.segments("Du Esel du", spans) == [
        Segment("Du "),
        Segment("Ese", Kind.INSULT),
        Segment("l du"),
    ]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Wer hat\n  das bestellt?", "Wer hat das bestellt?"),
        ("Wer hat das alles bestellt und bezahlt?", "Wer hat das alles …"),
        ("Donaudampfschifffahrtsgesellschaft", "Donaudampfschifffahr…"),
        ("Ja! Donaudampfschifffahrtsgesellschaft", "Ja! Donaudampfschiff…"),
    ],
)
def test_a_glimpse_ends_with_a_whole_word(text: str, seen: str) -> None:
    assert wording.glimpse(text, 21) == seen


spans = st.lists(
    st.fixed_dictionaries(
        {"start": st.integers(-3, 30), "end": st.integers(-3, 30), "kind": st.sampled_from(list(Kind))}
    )
)


@given(text=st.text(max_size=20), spans=spans)
def test_no_spans_lose_or_double_a_character(text: str, spans: list[dict[str, object]]) -> None:
    assert "".join(segment.text for segment in wording.segments(text, spans)) == text


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize(
    ("score", "words"), [(0.01, "passt nicht"), (0.3, "passt kaum"), (0.5, "berührt das Thema"), (0.99, "passt")]
)
def test_relevance_in_words(score: float, words: str) -> None:
    assert wording.relevance(_assessment(relevance=score)).words == words


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize("reason", NoRelevance)
def test_why_relevance_cannot_be_told(reason: NoRelevance) -> None:
    gauge = wording.relevance(_assessment(relevance_reason=reason))
    assert (gauge.words, gauge.level) == ("nicht zu beurteilen", None)
    assert gauge.detail != "nicht bewertet"


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize(
    ("score", "words"), [(0.01, "respektvoll"), (0.75, "respektlos"), (None, "nicht zu beurteilen")]
)
def test_tone_in_words(score: float | None, words: str) -> None:
    assert wording.tone(_assessment(disrespect=score)).words == words


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("reader", "„Esel“ klingt nach einer Herabsetzung, gemeint ist jemand aus der Leserschaft."),
        ("author", "„Esel“ klingt nach einer Herabsetzung, gemeint ist die Redaktion."),
        ("none", "„Esel“ klingt nach einer Herabsetzung."),
    ],
)
def test_why_a_rule_of_tone_is_in_doubt(target: str, sentence: str) -> None:
    judged = _assessment(
        kinds={"insult": 0.9, "threat": 0.1}, target=target, spans=[{"start": 3, "end": 7, "kind": "insult"}]
    )
    reason = {"signal": "disrespect", "score": 0.9, "threshold": 0.5, "kinds": []}
    assert wording.why(reason, Comment(text="Du Esel"), judged, None) == sentence


@pytest.mark.usefixtures("german")
def test_why_the_rule_of_the_subject_is_in_doubt() -> None:
    reason = {"signal": "relevance", "score": 0.05, "threshold": 0.3}
    assert "kommt diesem Kommentar nahe" in wording.why(reason, Comment(text="x"), _assessment(), None)


WHY = [
    (Signal.RELEVANCE, 0.05, {}, "Nichts im Artikel kommt diesem Kommentar nahe."),
    (Signal.RELEVANCE, 0.25, {}, "Der Kommentar berührt kaum, worum es im Artikel geht."),
    (Signal.RELEVANCE, 0.05, {"spam": 0.9}, "Der Kommentar liest sich wie Werbung."),
    (Signal.DISRESPECT, 0.9, {}, "Der Ton klingt nach einer Herabsetzung, gemeint ist jemand aus der Leserschaft."),
    (Signal.LINKS, 1, {"domains": ["a.example"]}, "Ein Link steht darin: „a.example“."),
    (Signal.LINKS, 4, {"domains": ["a", "b", "c", "d"]}, "4 Links stehen darin: „a“, „b“, „c“ …."),
    (Signal.LINKS, 1, {"domains": ["ab" * 40]}, f"Ein Link steht darin: „{'ab' * 29}a…“."),
    (Signal.LINKS, 1, {"domains": ["a"], "denied": True}, "Er verlinkt auf „a“, was die Regel nicht erlaubt."),
    (Signal.LENGTH, 1234, {}, "Er ist 1.234 lang, nach dem Maß der Regel."),
    (Signal.REPEAT, 1, {}, "1 früherer Kommentar sagt fast dasselbe."),
    (Signal.NEW_COMMENTER, 0, {}, "Von hier wurde noch nie etwas freigegeben."),
    (Signal.NEW_COMMENTER, 2, {}, "Von hier wurden erst 2 Kommentare freigegeben."),
    (Signal.RECORD, 0.5, {"deleted": 3, "decided": 6}, "3 von 6 Kommentaren von hier wurden gelöscht."),
    (Signal.PATTERN, 1, {"words": ["0800 1234"]}, "Gefunden: „0800 1234“."),
    (Signal.WORDS, 1, {"words": ["Es\u200bel"]}, "„Esel“: steht auf der Wortliste des Hauses."),
    (Signal.SHOUTING, 0.614, {"words": ["ALLE"]}, "61 % davon in Großbuchstaben: „ALLE“."),
    (Signal.PUT_DOWN, 0.3, {}, "30 % des Textes machen jemanden klein."),
    (Signal.LEARNED, 0.8, {}, "Das Team würde diese Regel hier mit einer Wahrscheinlichkeit von 80 % nennen."),
]


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize(("signal", "score", "evidence", "sentence"), WHY)
def test_each_signal_says_in_one_sentence_why_a_rule_is_in_doubt(
    signal: Signal, score: float, evidence: dict[str, object], sentence: str
) -> None:
    judged = _assessment(kinds={"insult": 0.9}, target="reader")
    reason = {"signal": signal, "score": score, "threshold": 0.3, "kinds": [], "evidence": evidence}
    assert wording.why(reason, Comment(text="x"), judged, None) == sentence


def test_no_signal_is_without_a_sentence() -> None:
    assert {signal for signal, *_ in WHY} == set(Signal)


@pytest.mark.usefixtures("german")
def test_what_is_quoted_turns_no_sentence_around() -> None:
    text = "Du \u202eEsel"
    judged = _assessment(kinds={"insult": 0.9}, target="none", spans=[{"start": 3, "end": 8, "kind": "insult"}])
    reason = {"signal": "disrespect", "score": 0.9, "threshold": 0.5, "kinds": []}
    assert wording.why(reason, Comment(text=text), judged, None) == "„Esel“ klingt nach einer Herabsetzung."


@pytest.mark.usefixtures("german")
def test_rules_are_shown_in_the_pages_language_else_the_sites_else_any() -> None:
    assert wording.pick({"de": "Regel", "en": "rule"}, "en") == "Regel"
    assert wording.pick({"fr": "règle", "en": "rule"}, "en") == "rule"
    assert wording.pick({"fr": "règle"}, "en") == "règle"


@pytest.mark.usefixtures("german")
def test_where_a_delivery_is() -> None:
    moment = now()
    site = Site(callback_url="https://paper.example")

    def said(**values: object) -> str:
        start = {"site": site, "attempts": 0, "not_before": moment, "due_at": moment}
        return wording.delivery(Delivery(**(start | values)), moment)

    assert said(not_before=moment + timedelta(seconds=1)) == "Geht in 1 Sekunde hinaus."
    assert said(not_before=moment + timedelta(seconds=9)) == "Geht in 9 Sekunden hinaus."
    assert said() == "Unterwegs."
    assert said(site=Site()) == "Wartet darauf, dass die Website es abholt."
    assert said(delivered_at=moment).startswith("Die Website weiß es seit")
    assert said(cancelled_at=moment) == "Nie gesendet: zurückgenommen oder überholt."
    assert said(attempts=2, last_error="answered 500").startswith("2 Mal versucht. Die Website antwortete mit 500.")
    assert said(failed_at=moment, last_error="answered 410") == "Aufgegeben: Die Website antwortete mit 410."


def test_a_passage_is_shown_in_its_surroundings() -> None:
    body = "Vorher steht dies. Hier die Stelle. Danach kommt das."
    assert wording.passage_in_place(body, "Hier die Stelle.") == (
        "Vorher steht dies.",
        "Hier die Stelle.",
        "Danach kommt das.",
    )
    assert wording.passage_in_place(body, "Anderswo") is None


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/queue?order=bogus", "Diese Reihenfolge gibt es nicht"),
        ("/queue?after=nowhere", "Diese Stelle der Liste gibt es nicht"),
        ("/queue?relevance_from=abc", "Der Filter „Passt zum Artikel mindestens (0–1)“ ist so nicht zu verstehen."),
        ("/map?disrespect_to=7", "Der Filter „Respektlos höchstens (0–1)“ ist so nicht zu verstehen."),
        ("/rules?site=nirgends", "Diese Website gibt es hier nicht."),
        ("/transparency?since=gestern", "Ein Datum sieht so aus: 2026-11-25"),
    ],
)
def test_a_wrong_address_is_explained_in_the_language_of_the_page(
    app: Flask, moderator: Moderator, site: Site, address: str, said: str
) -> None:
    mona = Person(app)
    mona.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    mona.sign_in()
    answer = mona.client.get(address)
    assert answer.status_code in {404, 422}
    assert said in answer.text


def test_what_nobody_foresaw_is_named_at_least(app: Flask) -> None:
    odd = BadInput("`theme` must be one of light, dark.", field="theme")
    for language, words in (("de", "Was für „theme“ ankam, passt nicht."), ("en", odd.message)):
        with app.test_request_context(headers={"Accept-Language": language}):
            assert wording.problem(odd) == words
