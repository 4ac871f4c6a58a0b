"""Which words carry a put-down is told by the words themselves and by the strongest of their comment."""

import numpy as np

from moderation.judge.case import Kind, Span
from moderation.judge.marks import WORDS, MarkModel, Word, features_of, row_of
from moderation.judge.spans import agreed, joined
from moderation.judge.tone import Tone


def word(text, mark, hard=0.0, soft=0.0):
    return Word(0, len(text), row_of(text), (mark, hard, soft))


def test_a_word_is_seen_beside_the_strongest_of_its_comment():
    table = np.zeros(WORDS, np.float32)
    table[row_of("twit")] = 2.0
    found = features_of([word("you", -3.0), word("twit", 1.5, hard=1.0, soft=1.0)], table)
    assert found.dtype == np.float32
    comment = [2.0, 1.5, 1.0, np.log(2)]
    np.testing.assert_allclose(found, [[0.0, -3.0, 0, 0, *comment], [2.0, 1.5, 1, 1, *comment]], rtol=1e-6)


TEXT, PLACES = "what a twit", [(0, 4), (5, 6), (7, 11)]


def named(*marks, disrespect=0.9):
    line = np.array([0, 1, 0, 0, 0, -1, 0, 0])
    hidden = np.concatenate([np.eye(8), -np.eye(8)], axis=1)  # what is above nothing, and what is below
    weights = {"words_hidden": np.vstack([hidden, np.zeros(16)]), "words_mix": np.array([*line, *-line, 0.5])}
    model = MarkModel({"words": np.zeros(WORDS), **weights})
    tone = Tone(disrespect, {}, [], np.zeros(3), np.array([[-9.0, *marks, -9.0]]).T)  # begins and ends with a mark
    return [TEXT[s.start : s.end] for s in model.words(TEXT, tone, Kind.INSULT, PLACES)]


def test_a_word_is_named_where_it_stands_out_or_where_none_does():
    assert named(-1.0, -4.0, 1.0) == ["twit"]
    assert named(-1.0, -4.0, -1.1) == ["what", "twit"]


def test_a_word_of_a_comment_that_is_likely_civil_must_be_the_surer():
    assert named(-1.0, -4.0, 1.0, disrespect=0.45) == ["twit"]
    assert named(-1.0, -4.0, 1.0, disrespect=0.2) == []


def test_a_list_names_the_kind_of_what_is_marked_and_adds_only_profanity_and_what_was_not_read():
    kill, group, damn, far = (
        Span(0, 4, Kind.THREAT, 0.9),
        Span(10, 16, Kind.IDENTITY_ATTACK, 0.9),
        Span(20, 24, Kind.PROFANITY, 0.9),
        Span(90, 95, Kind.INSULT, 0.9),
    )
    marked = [Span(0, 8, Kind.INSULT, 0.7), Span(30, 35, Kind.INSULT, 0.6)]
    spans = agreed([kill, group, damn, far], marked, [(0, 80), (100, 120)], rude=True)
    assert spans == [Span(0, 8, Kind.THREAT, 0.7), marked[1], damn, far]


def test_a_clause_is_of_the_kind_that_a_listed_word_in_it_names_and_words_elsewhere_stay():
    kill, damn = Span(4, 8, Kind.THREAT, 0.9), Span(40, 44, Kind.PROFANITY, 0.9)
    loud, clause = Span(0, 20, Kind.SHOUTING, 0.9), Span(0, 20, Kind.INSULT, 0.7)
    assert joined([kill, damn, loud], [clause]) == [Span(0, 20, Kind.THREAT, 0.7), damn, loud]


def test_a_coarse_word_of_a_comment_that_is_not_rude_is_profanity():
    shitty, mark = Span(0, 6, Kind.PROFANITY, 0.9), Span(0, 6, Kind.INSULT, 0.6)
    assert agreed([shitty], [mark], [(0, 6)], rude=False) == [Span(0, 6, Kind.PROFANITY, 0.6)]
    assert agreed([shitty], [mark], [(0, 6)], rude=True) == [mark]
