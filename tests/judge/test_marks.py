"""Which words carry a put-down is told by the words themselves and by the strongest of their comment."""

import numpy as np

from moderation.judge.case import Kind
from moderation.judge.marks import WORDS, MarkModel, Word, features_of, row_of


def word(text, mark, hard=0.0, soft=0.0):
    return Word(0, len(text), row_of(text), (mark, hard, soft))


def test_a_word_is_seen_beside_the_strongest_of_its_comment():
    table = np.zeros(WORDS, np.float32)
    table[row_of("twit")] = 2.0
    found = features_of([word("you", -3.0), word("twit", 1.5, hard=1.0, soft=1.0)], table)
    assert found.dtype == np.float32
    comment = [2.0, 1.5, 1.0, np.log(2)]
    np.testing.assert_allclose(found, [[0.0, -3.0, 0, 0, *comment], [2.0, 1.5, 1, 1, *comment]], rtol=1e-6)


def test_a_word_is_named_where_it_stands_out_or_where_none_does():
    weights = {"words": np.zeros(WORDS), "words_mix": np.array([0, 1, 0, 0, 0, -1, 0, 0, 0.5])}
    model, text, places = MarkModel(weights), "what a twit", [(0, 4), (5, 6), (7, 11)]

    def named(*marks):
        return [text[s.start : s.end] for s in model.words(text, Kind.INSULT, [], places, np.array([marks]).T)]

    assert named(-1.0, -4.0, 1.0) == ["twit"]
    assert named(-1.0, -4.0, -1.1) == ["what", "twit"]
