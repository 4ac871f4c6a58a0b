"""What tone learns of a text is what it says, not which set it comes from."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from moderation.judge.clues import NAMES
from moderation.judge.network import DIMENSION, FEATURES, POOLED
from moderation.judge.ngrams import BUCKETS, grams, weights_of
from moderation.judge.tone import HEADS
from training import hearing, teaching, tone

COUNT = 300
CORPUS, TWEETS = tone.SOURCES.index("corpus"), tone.SOURCES.index("germeval")


def spelled(texts):
    rows = [weights_of(grams(text)) for text in texts]
    first = np.cumsum([0, *(len(buckets) for buckets, _ in rows)])
    buckets, values = (np.concatenate(part) for part in zip(*rows, strict=True))
    return csr_matrix((values, buckets, first), shape=(len(texts), BUCKETS))


def taught():
    """Return what is learned where tweets begin with a name and are rude more often, and nothing else tells."""
    chooser = np.random.default_rng(1)
    source = chooser.choice([CORPUS, TWEETS], COUNT)
    rude = chooser.random(COUNT) < np.where(source == TWEETS, 0.8, 0.2)
    data = tone.Data.__new__(tone.Data)
    data.source, data.test = source, np.zeros(COUNT, dtype=bool)
    data.dense = chooser.normal(size=(COUNT, DIMENSION + POOLED)).astype(np.float32)
    data.dense[:, 0] = source == TWEETS
    data.clues = np.zeros((COUNT, len(NAMES)), dtype=np.float32)
    data.grams = spelled([f"@name {number}" if s == TWEETS else str(number) for number, s in enumerate(source)])
    data.weight = np.ones(COUNT, dtype=np.float32)
    data.labels = np.repeat(rude[:, None], len(HEADS), axis=1).astype(np.float32)
    return data


def by_name(linear):
    """Return how much ruder a text is for beginning with a name: by vectors, by n-grams."""
    plain, named = np.asarray(spelled(["gut", "@name gut"]) @ linear.grams)[:, 0]
    return float(linear.dense[0, 0]), float(named - plain)


def test_how_tweets_are_written_does_not_count_as_rude(monkeypatch):
    with_leaning = by_name(tone.fit(taught(), np.arange(COUNT)))
    monkeypatch.setattr(tone, "DENSE_LEANING", 0.0)
    monkeypatch.setattr(tone, "GRAMS_LEANING", 0.0)
    without = by_name(tone.fit(taught(), np.arange(COUNT)))
    assert min(without) > 0.2
    assert all(here < 0.5 * there for here, there in zip(with_leaning, without, strict=True))


def test_a_rare_n_gram_may_weigh_more_freely_than_one_that_stands_everywhere():
    rarity = tone._rarity(spelled(["und so", "und da", "und Lump", "und"]))
    (everywhere, *_), (once, *_) = (weights_of(grams(text))[0] for text in ("und", "Lump"))
    assert rarity[once] > 2 * rarity[everywhere]


def heard(monkeypatch):
    """Return the same with what the network learns from, in one round, in parts."""
    monkeypatch.setattr(hearing, "ROUNDS", 1)
    data, chooser = taught(), np.random.default_rng(2)
    lengths = chooser.integers(2, 6, COUNT)
    marks = np.full((lengths.sum(), len(hearing.MARKS)), np.nan, dtype=np.float32)
    features = chooser.normal(size=(lengths.sum(), FEATURES)).astype(np.float16)
    one = np.ones(COUNT, dtype=np.float32)
    data.lesson = hearing.Lesson(features, lengths, data.labels, marks, np.full(COUNT, -1), one, one, data.source)
    data.part = np.arange(COUNT) % tone.PARTS
    return data


def judged_alone(data, rows, others):
    """Return what is said of some texts by what the others teach: by vectors, by the network."""
    rows, others = np.flatnonzero(rows), np.flatnonzero(others)
    network = hearing.learn(data.lesson, others)
    said = network.judge(hearing.hear(network, data.lesson, rows)[0])
    return tone.fit(data, others).logits(data, rows)[0], said[:, : len(HEADS)]


# From Python 3.12 on; the test runner's own threads hold nothing that the processes ask for.
forking = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@forking
def test_what_is_learned_side_by_side_is_what_is_learned_alone_and_is_kept(tmp_path, monkeypatch):
    data = heard(monkeypatch)
    held, linear, network = teaching.teach(data, tmp_path)

    by_vectors, by_network = judged_alone(data, data.part == 1, data.part != 1)
    np.testing.assert_array_equal(held.dense[data.part == 1], by_vectors)
    np.testing.assert_array_equal(held.heard[data.part == 1], by_network)
    assert not np.isnan(held.heard).any()

    monkeypatch.delattr(hearing, "_loss")  # nothing more is learned
    again, same_linear, same_network = teaching.teach(data, tmp_path)
    np.testing.assert_array_equal(again.heard, held.heard)
    np.testing.assert_array_equal(same_linear.dense, linear.dense)
    np.testing.assert_array_equal(same_network.heads, network.heads)


@forking
def test_a_source_that_is_left_out_teaches_nothing_of_what_is_said_of_it(monkeypatch):
    data = heard(monkeypatch)
    tweets = data.of("germeval")
    held = teaching.leave_out(data, ["germeval"], None)

    by_vectors, by_network = judged_alone(data, tweets, ~tweets)
    np.testing.assert_array_equal(held.dense[tweets], by_vectors)
    np.testing.assert_array_equal(held.heard[tweets], by_network)
    by_vectors, by_network = judged_alone(data, data.part == 1, data.part != 1)
    others = ~tweets[data.part == 1]
    np.testing.assert_array_equal(held.dense[~tweets & (data.part == 1)], by_vectors[others])
    np.testing.assert_array_equal(held.heard[~tweets & (data.part == 1)], by_network[others])
