"""Where a rude comment puts somebody down is told by its words, their clause and the whole of it."""

import re

import numpy as np
import pytest

from moderation.judge.case import Case, Kind, SentenceTone
from moderation.judge.clauses import ClauseModel, Word, features_of, words_of
from moderation.judge.tone import Tone

TEXT = "Der Takt ist gut, Sie reden wie ein Kind. Und jetzt?"
PLACES = [match.span() for match in re.finditer(r"\w+", TEXT)]
LOGIT = 1.5


def heard(*loud):
    """Return marks of the tokens: those of some words are loud."""
    marks = np.full((len(PLACES), 2), -3.0, dtype=np.float32)
    marks[[row for row, (start, end) in enumerate(PLACES) if TEXT[start:end] in loud], 1] = 2.0
    return marks


def test_words_know_their_clause():
    assert [word.clause for word in words_of(TEXT, PLACES, heard())] == [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2]


@pytest.mark.parametrize("between", [", ", ". ", "\n", "\n\n", " – ", '," ', "…\n"])
def test_a_mark_before_a_blank_or_a_new_line_ends_a_clause(between):
    text = f"Ja{between}doch"
    assert [word.clause for word in words_of(text, [(0, 2), (len(text) - 4, len(text))], np.zeros((2, 2)))] == [0, 1]


def test_a_mark_within_a_word_ends_none():
    assert [word.clause for word in words_of("z.B. 1,5", [(0, 1), (2, 3), (5, 8)], np.zeros((3, 2)))] == [0, 0, 1, 1]


def test_a_very_long_row_of_marks_takes_no_longer_than_as_many_letters(judge):
    """In proportion to its square it would take hours."""
    (assessment,) = judge.assess([Case("Du Vollidiot, du bist so dumm " + "!" * 500_000 + "a")])
    assert Kind.INSULT in {span.kind for span in assessment.spans}


def test_a_word_of_several_tokens_carries_the_most_and_the_mean_of_them():
    (word,) = words_of("Dummschwätzer", [(0, 4), (4, 13)], np.array([[0, 3], [0, -1]], dtype=np.float32))
    assert word == Word(0, 13, 0, most=3.0, mean=1.0)


def test_a_word_is_seen_within_its_clause_and_its_comment():
    words = [Word(0, 1, 0, 1.0, 1.0), Word(2, 3, 0, 3.0, 2.0), Word(5, 6, 1, -1.0, -2.0)]
    found = features_of(words, LOGIT)
    assert found.dtype == np.float32
    comment = [3.0, 1 / 3, LOGIT, np.log(3)]
    expected = [
        [1, -4, -4, 1, 2, -2, 1.5, 3, np.log(2), -4, -2, *comment, 1 / 3],
        [3, -4, 1, 2, -2, -4, 1.5, 3, np.log(2), -4, -2, *comment, 2 / 3],
        [-1, 1, 2, -2, -4, -4, -2, -1, 0, 1.5, -4, *comment, 1],
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


SENTENCES = [SentenceTone(0, 41, 0.9), SentenceTone(42, 52, 0.1)]


def named(*marks, explained, sentences=SENTENCES):
    hidden = np.zeros((17, 2))
    hidden[0] = 1, -1
    weights = {"clauses_hidden": hidden, "clauses_mix": np.array([1, -1, -1])}  # by the most its tokens carry
    edge = np.full((1, 2), -9.0, dtype=np.float32)
    tone = Tone(0.9, {}, [], np.zeros(3), np.concatenate([edge, *marks, edge]))
    places = PLACES if marks else []
    return ClauseModel(weights).spans(TEXT, tone, Kind.INSULT, places, sentences, explained=explained)


def underlined(*marks, explained, sentences=SENTENCES):
    return [TEXT[span.start : span.end] for span in named(*marks, explained=explained, sentences=sentences)]


def test_a_clause_that_likelier_puts_somebody_down_than_not_is_underlined():
    (span,) = named(heard("Sie", "reden", "wie", "ein", "Kind"), explained=True)
    assert TEXT[span.start : span.end] == "Sie reden wie ein Kind"
    assert (span.kind, span.score) == (Kind.INSULT, 0.7311)
    assert underlined(heard("Kind"), explained=True) == []
    assert underlined(explained=True) == []


def test_clauses_side_by_side_are_underlined_as_one_within_a_sentence():
    everywhere = heard(*TEXT.replace(",", "").replace(".", "").replace("?", "").split())
    guilty = [SentenceTone(0, 41, 0.9), SentenceTone(42, 52, 0.9)]
    assert underlined(everywhere, explained=True, sentences=guilty) == [TEXT[:40], "Und jetzt"]


def test_where_nothing_else_says_why_a_comment_is_rude_what_is_nearly_the_surest_does():
    soft = heard("Sie", "reden", "wie", "ein", "Kind") - 1.5
    assert underlined(soft, explained=True) == []
    assert underlined(soft, explained=False) == ["Sie reden wie ein Kind"]


def test_nothing_is_underlined_in_a_sentence_that_is_innocent_by_itself_unless_it_is_the_worst():
    loud = heard("Sie", "reden", "wie", "ein", "Kind", "Und", "jetzt")
    assert underlined(loud, explained=True) == ["Sie reden wie ein Kind"]
    guilty = [SentenceTone(0, 41, 0.1), SentenceTone(42, 52, 0.2)]
    assert underlined(loud, explained=True, sentences=guilty) == ["Und jetzt"]
    assert underlined(loud, explained=False, sentences=[SentenceTone(60, 70, 0.9)]) == []
