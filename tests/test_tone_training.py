"""What tone learns of a text is what it says, not which set it comes from."""

import numpy as np
from scipy.sparse import csr_matrix

from moderation.judge.clues import NAMES
from moderation.judge.network import DIMENSION, POOLED
from moderation.judge.ngrams import BUCKETS, grams, weights_of
from moderation.judge.tone import HEADS
from training import tone

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
    return tone.fit(data, np.arange(COUNT))


def by_name(linear):
    """Return how much ruder a text is for beginning with a name: by vectors, by n-grams."""
    plain, named = np.asarray(spelled(["gut", "@name gut"]) @ linear.grams)[:, 0]
    return float(linear.dense[0, 0]), float(named - plain)


def test_how_tweets_are_written_does_not_count_as_rude(monkeypatch):
    with_leaning = by_name(taught())
    monkeypatch.setattr(tone, "DENSE_LEANING", 0.0)
    monkeypatch.setattr(tone, "GRAMS_LEANING", 0.0)
    without = by_name(taught())
    assert min(without) > 0.2
    assert all(here < 0.5 * there for here, there in zip(with_leaning, without, strict=True))


def test_a_rare_n_gram_may_weigh_more_freely_than_one_that_stands_everywhere():
    rarity = tone._rarity(spelled(["und so", "und da", "und Lump", "und"]))
    (everywhere, *_), (once, *_) = (weights_of(grams(text))[0] for text in ("und", "Lump"))
    assert rarity[once] > 2 * rarity[everywhere]
