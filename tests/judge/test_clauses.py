"""Where a rude comment puts somebody down is told by its words, their clause and the whole of it."""

import re

import numpy as np

from moderation.judge.case import Kind, SentenceTone
from moderation.judge.clauses import ClauseModel, Word, features_of, stretches, words_of
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


def underlined(*sure):
    words = words_of(TEXT, PLACES, heard())
    scores = np.array([1.0 if TEXT[word.start : word.end] in sure else -1.0 for word in words], dtype=np.float32)
    return [TEXT[words[first].start : words[last].end] for first, last in stretches(TEXT, words, scores, 0.0)]


def test_what_is_underlined_bridges_short_gaps_but_no_end_of_a_sentence():
    assert underlined("Sie", "Kind") == ["Sie", "Kind"]
    assert underlined("Sie", "wie", "Kind") == ["Sie reden wie ein Kind"]
    assert underlined("ein", "Kind", "Und", "jetzt") == ["ein Kind", "Und jetzt"]


def test_a_word_all_by_itself_must_be_the_surer():
    words = words_of(TEXT, PLACES, heard())
    scores = np.full(len(words), -1.0, dtype=np.float32)
    scores[[0, 4, 5, 9]] = 0.4, 0.1, 0.1, 0.6
    assert stretches(TEXT, words, scores, 0.0) == [(4, 5), (9, 9)]


def test_where_no_word_is_sure_enough_nothing_is_underlined():
    words = words_of(TEXT, PLACES, heard())
    assert stretches(TEXT, words, np.linspace(-2, -1, len(words)), 0.0) == []
    assert stretches(TEXT, words, np.linspace(-2, -1, len(words)), -1.0) == [(10, 10)]


SENTENCES = [SentenceTone(0, 41, 0.9), SentenceTone(42, 52, 0.1)]


def named(*marks, explained, sentences=SENTENCES):
    hidden = np.zeros((17, 2))
    hidden[0] = 1, -1
    weights = {"clauses_hidden": hidden, "clauses_mix": np.array([1, -1, -1])}  # by the most its tokens carry
    edge = np.full((1, 2), -9.0, dtype=np.float32)
    tone = Tone(0.9, {}, [], np.zeros(3), np.concatenate([edge, *marks, edge]))
    places = PLACES if marks else []
    return ClauseModel(weights).spans(TEXT, tone, Kind.INSULT, places, sentences, explained=explained)


def test_what_likelier_puts_somebody_down_than_not_is_underlined():
    (span,) = named(heard("reden", "Kind"), explained=True)
    assert TEXT[span.start : span.end] == "reden wie ein Kind"
    assert (span.kind, span.score) == (Kind.INSULT, 0.7311)
    assert named(explained=True) == []


def test_where_nothing_else_says_why_a_comment_is_rude_what_is_nearly_the_surest_does():
    soft = heard("reden", "Kind") - 1.5
    assert named(soft, explained=True) == []
    (span,) = named(soft, explained=False)
    assert TEXT[span.start : span.end] == "reden wie ein Kind"


def test_nothing_is_underlined_in_a_sentence_that_is_innocent_by_itself_unless_it_is_the_worst():
    everywhere = heard("reden", "Kind", "Und", "jetzt")
    assert [span.start for span in named(everywhere, explained=True)] == [22]
    guilty = [SentenceTone(0, 41, 0.1), SentenceTone(42, 52, 0.2)]
    assert [TEXT[s.start : s.end] for s in named(everywhere, explained=True, sentences=guilty)] == ["Und jetzt"]
