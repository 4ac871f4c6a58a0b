"""Trains the heads of tone: public sets and the corpus in, one set of weights and the figures of its folds out."""

import random
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.linear_model import LogisticRegression

from moderation.judge.aim import AIMS
from moderation.judge.case import Case
from moderation.judge.clues import LEARNED_KINDS, clues
from moderation.judge.encoder import Encoder, clip
from moderation.judge.lexicon import find
from moderation.judge.network import DIMENSION, FEATURES, POOLED
from moderation.judge.ngrams import BUCKETS, grams, weights_of
from moderation.judge.tone import HEADS, dense_features
from training import cases
from training.cases import Pair
from training.corpus import Rated, Split, Thread, split_of
from training.groups import exchanged
from training.hearing import Lesson
from training.sources import SEED, Example

Array = NDArray[np.float32]
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

SOURCES = ("corpus", "case", "germeval", "gahd", "civil", "davidson", "fox_news", "exchanged")

COMMENT_WEIGHT = 2.2
"""How often a comment of the corpus counts beside one of Civil Comments: it is what the judge will read."""

CASE_WEIGHT = 2.0
"""The same for a short case: it differs by little from its twin, and what differs has to be heard.

Each time there were a third more of them, and it went from 5 by 3.7 and 2.8 to 2, so that all together count as before:
the first time that was tried both ways, and on what is held out it told cases apart better (0.879 for 0.878), those
that name groups above all (0.865 for 0.861), and comments no worse.
"""

EXCHANGED_WEIGHT = 1.2
"""How often a text of the corpus counts that is said again about another group (``groups.py``)."""

OFTEN = {"civil": 0.5, "davidson": 0.5}
"""Chance that a text of a source is taught to the network in a round: large sets, far from a newspaper's comments."""

HEARD_WEIGHTS = {"gahd": 2.0}
"""How often a text counts with the network, where that is not as often as with the linear models. What was written to
fool such models is right where who listens to context has to learn what is said of a group, not that one is named."""

AT_ONCE = 256
"""Texts that are read in one go."""

PARTS = 3
"""Each part of three is judged by models that the other two taught; the rest is learned from what they say of it."""

FOLDS = 3
"""Across the parts: what is learned from what was said of the other folds is measured on each fold."""

LINEAR_SHARES = {"case": 0.4, "exchanged": 0.4}
"""How much of their weight texts of a source have with the linear models. Short cases live by context, which those do
not hear: taught with all their weight, they cost comments."""

DENSE_STRENGTH = 0.002
POOLED_SHARE = 0.35
GRAM_STRENGTH = 1.0
CLUES_SHARE = 6.0
DENSE_LEANING = 10.0
"""How freely each source has a leaning of its own there, which is learned and left out: tweets are ruder than comments,
and without one how they are written would count as rude."""
GRAMS_LEANING = 2.0
"""The same for n-grams."""
RARE = 2.0
"""How much more freely a rare n-gram may weigh than a common one: with this power of its inverse document frequency."""


@dataclass(frozen=True, slots=True)
class Own:
    """A text of the corpus, as the judge would be given it, and where it belongs."""

    rated: Rated
    case: Case
    language: str
    group: str
    split: Split
    short: bool


@dataclass
class Data:
    """n texts as numbers: dense features, n-grams, clues, labels by head (NaN: not said), and what the network hears.

    ``part`` and ``fold`` say with which others a text is held out and measured, ``source`` is its row of ``SOURCES``,
    ``test`` are those that teach nothing.
    """

    texts: list[str]
    languages: NDArray[np.str_]
    dense: Array
    grams: csr_matrix
    clues: Array
    labels: Array
    weight: Array
    source: Rows
    part: Rows
    fold: Rows
    test: Mask
    lesson: Lesson
    own: list[Own]

    def of(self, *names: str) -> Mask:
        """Return which texts come from some of the sources."""
        return np.isin(self.source, [SOURCES.index(name) for name in names])

    @property
    def taught(self) -> Mask:
        """Which texts teach."""
        return ~self.test


@dataclass
class Linear:
    """Weights of all heads: dense (3072, heads) with clues (len(NAMES), heads), n-grams (buckets, heads), biases."""

    dense: Array
    clues: Array
    dense_bias: Array
    grams: Array
    grams_bias: Array

    def logits(self, data: Data, rows: Rows) -> tuple[Array, Array]:
        """Return what the dense part and the n-grams say of some texts: two times (n, heads)."""
        dense = data.dense[rows] @ self.dense + data.clues[rows] @ self.clues + self.dense_bias
        return dense, np.asarray(data.grams[rows] @ self.grams) + self.grams_bias


@dataclass
class Held:
    """What models that had not seen a text say of it: three times (n, heads), aims (n, 3), marks (tokens, 2)."""

    dense: Array
    grams: Array
    heard: Array
    aims: Array
    marks: Array


def prepare(examples: Sequence[Example], threads: Sequence[Thread], pairs: Sequence[Pair], encoder: Encoder) -> Data:
    """Return the corpus, its threads and then its short cases, followed by the public examples."""
    own = [*_comments(threads), *_cases(threads, pairs)]
    examples = [*examples, *_exchanged(own)]
    texts = [o.rated.text for o in own] + [e.text for e in examples]
    languages = [o.language for o in own] + [e.language for e in examples]
    labels = np.full((len(texts), len(HEADS)), np.nan, dtype=np.float32)
    for row, o in enumerate(own):
        labels[row] = _labels(o.rated)
    for row, example in enumerate(examples, start=len(own)):
        for column, head in enumerate(HEADS):
            labels[row, column] = example.labels.get(str(head), np.nan)
    weights = [CASE_WEIGHT if o.short else COMMENT_WEIGHT for o in own] + [e.weight for e in examples]
    weight = np.array(weights, dtype=np.float32)
    names = ["case" if o.short else "corpus" for o in own] + [e.source for e in examples]
    source = np.array([SOURCES.index(name) for name in names])
    groups = [o.group for o in own] + [e.group or e.text for e in examples]
    checksums = np.array([zlib.crc32(group.encode()) for group in groups])
    aims = [_aim(o.rated) for o in own] + [-1] * len(examples)
    marks = [o.rated.marked for o in own] + [e.marks for e in examples]
    features, lengths, dense = _read(texts)
    marked = _marked(texts, marks, lengths, encoder)
    # Civil Comments marks words, the corpus whole clauses: what one of them marks says nothing of the other's manner.
    manners = (("corpus", "case", "exchanged"), ("civil",))
    styles = [np.repeat([name in other for name in names], lengths) for other in manners]
    marked = np.stack([np.where(style, np.nan, marked) for style in styles], axis=1, dtype=np.float32)
    often = np.array([OFTEN.get(name, 1.0) for name in names], dtype=np.float32)
    counted = np.array([HEARD_WEIGHTS.get(name, own) for name, own in zip(names, weights, strict=True)], np.float32)
    return Data(
        texts,
        np.array(languages),
        dense,
        *_spelled(texts, languages),
        labels,
        weight,
        source,
        checksums % PARTS,
        checksums // PARTS % FOLDS,
        np.array([o.split is Split.TEST for o in own] + [False] * len(examples)),
        Lesson(features, lengths, labels, marked, np.array(aims), counted / CASE_WEIGHT, often, source),
        own,
    )


def _comments(threads: Sequence[Thread]) -> Iterator[Own]:
    for thread in threads:
        for row, comment in enumerate(thread.comments):
            yield Own(
                comment, thread.case(row), str(thread.article.language), thread.id, split_of(thread.id), short=False
            )


def _cases(threads: Sequence[Thread], pairs: Sequence[Pair]) -> Iterator[Own]:
    known = {thread.id: thread for thread in threads}
    for pair in pairs:
        thread = known.get(pair.article or "")
        for row, rated in enumerate(pair.cases):
            group = pair.article or pair.id
            yield Own(rated, pair.case(row, thread), pair.language, group, cases.split_of(pair), short=True)


def _exchanged(own: Sequence[Own]) -> Iterator[Example]:
    chooser = random.Random(SEED)
    for o in own:
        if o.split is not Split.TEST:
            for rated in exchanged(o.rated, o.language, chooser):
                labels = {head: int(label) for head, label in zip(HEADS, _labels(rated), strict=True)}
                yield Example(
                    rated.text, o.language, "exchanged", labels, EXCHANGED_WEIGHT, rated.marked, group=o.group
                )


def _labels(rated: Rated) -> list[bool]:
    return [rated.disrespectful, *(kind in rated.kinds for kind in LEARNED_KINDS)]


def _aim(rated: Rated) -> int:
    aims = [aim.value for aim in AIMS]
    return aims.index(rated.target) if rated.disrespectful and rated.target in aims else -1


def _read(texts: Sequence[str]) -> tuple[NDArray[np.float16], Rows, Array]:
    """Return the features of all tokens of all texts, how many each text has, and its dense features, in one pass."""
    heard: list[NDArray[np.float16]] = []

    def listener(features: Array, lengths: Rows) -> tuple[Array, Array]:
        heard.append(features.astype(np.float16))
        return np.empty((len(lengths), 0), np.float32), np.empty((len(features), 0), np.float32)

    encoder = Encoder(listener=listener)
    lengths = np.array([len(encoder.ids(text)) for text in texts])
    ends = np.cumsum(lengths)
    features = np.empty((int(ends[-1]), FEATURES), dtype=np.float16)
    dense = np.empty((len(texts), DIMENSION + POOLED), dtype=np.float32)
    first: dict[str, int] = {}
    for row, text in enumerate(texts):
        first.setdefault(clip(text), row)
    rows = list(first.values())
    for start in range(0, len(rows), AT_ONCE):
        part = rows[start : start + AT_ONCE]
        # Half precision, as the encoder's cache holds it: what is learned must not hang on bits serving does not keep.
        dense[part] = dense_features(encoder.read([texts[row] for row in part])).astype(np.float16)
        at = np.concatenate([np.arange(ends[row] - lengths[row], ends[row]) for row in part])
        features[at] = np.concatenate(heard)
        heard.clear()
    for row, text in enumerate(texts):
        twin = first[clip(text)]
        if twin != row:
            dense[row] = dense[twin]
            features[ends[row] - lengths[row] : ends[row]] = features[ends[twin] - lengths[twin] : ends[twin]]
    return features, lengths, dense


def _marked(texts: Sequence[str], marks: Sequence[frozenset[int] | None], lengths: Rows, encoder: Encoder) -> Array:
    """Return which tokens of all texts are marked (NaN: not said)."""
    marked = np.full(int(lengths.sum()), np.nan, dtype=np.float32)
    first = 0
    for text, length, places in zip(texts, lengths, marks, strict=True):
        if places is not None:
            for row, (start, end) in enumerate(encoder.places(text), start=first + 1):
                letters = [place for place in range(start, min(end, len(text))) if not text[place].isspace()]
                marked[row] = 2 * sum(place in places for place in letters) > len(letters) if letters else np.nan
        first += length
    return marked


def _spelled(texts: Sequence[str], languages: Sequence[str]) -> tuple[csr_matrix, Array]:
    """Return n-grams and clues of texts, exactly as the judge computes them."""
    gram_rows, clue_rows = [], []
    for text, language in zip(texts, languages, strict=True):
        buckets, values = weights_of(grams(text))
        gram_rows.append(csr_matrix((values, buckets, [0, len(buckets)]), shape=(1, BUCKETS)))
        clue_rows.append(clues(text, find(text, language)))
    return vstack(gram_rows, format="csr"), np.stack(clue_rows)


def fit(data: Data, rows: Rows) -> Linear:
    """Return the linear parts of all heads, taught on some of the texts."""
    centre, scale = data.dense[data.taught].mean(axis=0), data.dense[data.taught].std(axis=0) + 1e-6
    scale[DIMENSION:] /= POOLED_SHARE
    leaning = np.stack([data.source[rows] == source for source in range(1, len(SOURCES))], axis=1).astype(np.float32)
    # Clues learn here from the public sets too, where open insults are more frequent than in the corpus.
    parts = [(data.dense[rows] - centre) / scale, data.clues[rows] * CLUES_SHARE, leaning * DENSE_LEANING]
    features = np.concatenate(parts, axis=1)
    rare = _rarity(data.grams[rows])
    spelled = hstack([data.grams[rows].multiply(rare), csr_matrix(leaning * GRAMS_LEANING)], format="csr")
    share = np.array([LINEAR_SHARES.get(name, 1.0) for name in SOURCES], dtype=np.float32)[data.source[rows]]
    labels, weight = data.labels[rows], data.weight[rows] * share
    width, told = data.dense.shape[1], data.dense.shape[1] + data.clues.shape[1]
    dense, clues_, dense_bias, grams_, grams_bias = [], [], [], [], []
    for head in range(len(HEADS)):
        coefficients, bias = _regress(features, labels[:, head], weight, DENSE_STRENGTH)
        dense.append(coefficients[:width] / scale)
        clues_.append(coefficients[width:told] * CLUES_SHARE)
        dense_bias.append(bias - float(coefficients[:width] @ (centre / scale)))
        coefficients, bias = _regress(spelled, labels[:, head], weight, GRAM_STRENGTH)
        grams_.append(coefficients[:BUCKETS] * rare)
        grams_bias.append(bias)
    return Linear(
        np.stack(dense, axis=1).astype(np.float32),
        np.stack(clues_, axis=1).astype(np.float32),
        np.array(dense_bias, dtype=np.float32),
        np.stack(grams_, axis=1).astype(np.float32),
        np.array(grams_bias, dtype=np.float32),
    )


def _rarity(spelled: csr_matrix) -> Array:
    """Return how freely each n-gram may weigh, one on average over all that occur: (BUCKETS,).

    What stands in every text says little of its tone, and a model that is held back alike everywhere would learn from
    it first. The judge needs to know nothing of it: it goes into the weights.
    """
    often = spelled.getnnz(axis=0)
    rarity = np.log((1 + spelled.shape[0]) / (1 + often))
    result: Array = ((rarity / np.average(rarity, weights=often)) ** RARE).astype(np.float32)
    return result


def _regress(features: Array | csr_matrix, label: Array, weight: Array, strength: float) -> tuple[Array, float]:
    """Return weights and bias of one logistic model, taught on the rows whose label is known."""
    known = ~np.isnan(label)
    model = LogisticRegression(C=strength, max_iter=200, tol=1e-3)
    model.fit(features[known], label[known].astype(int), sample_weight=weight[known])
    return model.coef_[0], float(model.intercept_[0])
