"""Trains the spam model on the corpus's advertising and junk against everything else that readers write.

Comments of the threads and short cases teach; how often what is probable comes true is told from the threads alone,
where advertising is as rare as under articles.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from moderation.figures import calibration_error
from moderation.judge.encoder import Encoder
from moderation.judge.ngrams import BUCKETS, grams, weights_of
from moderation.judge.spam import NAMES, signs
from training.cases import Pair
from training.corpus import Split, Thread, split_of
from training.sources import Example

FOLDS = 5
STRENGTH = 1.0
GRAMS_SHARE = 0.5
SIGNS_SHARE = 1.5
PUBLIC_WEIGHT = 0.2
"""How much a public comment counts: nobody looked whether it is spam, but hardly one is."""

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Own:
    """A text of the corpus: the article it stands under, whether it is a short case, and whether it is spam."""

    text: str
    home: str
    short: bool
    spam: bool

    @property
    def split(self) -> Split:
        """The split of its article."""
        return split_of(self.home)


def own_texts(threads: Sequence[Thread], pairs: Sequence[Pair]) -> list[Own]:
    """Return the comments of the threads, then the short cases that stand under an article."""
    comments = [Own(c.text, thread.id, False, c.relevance == "spam") for thread in threads for c in thread.comments]
    return comments + [Own(c.text, p.article, True, c.relevance == "spam") for p in pairs if p.article for c in p.cases]


def train(
    threads: Sequence[Thread], pairs: Sequence[Pair], examples: Sequence[Example], encoder: Encoder
) -> tuple[dict[str, Array], dict[str, float]]:
    """Return the weights, and figures on texts under the articles of dev and test, which taught nothing."""
    own = own_texts(threads, pairs)
    public = [example.text for example in examples if example.marks == frozenset()][::4]
    texts = [one.text for one in own] + public
    label = np.array([one.spam for one in own] + [False] * len(public))
    split = np.array([str(one.split) for one in own] + [str(Split.TRAIN)] * len(public))
    short = np.array([one.short for one in own] + [False] * len(public))
    weight = np.array([1.0] * len(own) + [PUBLIC_WEIGHT] * len(public))
    features = _features(texts, encoder)
    taught = split == Split.TRAIN
    model = LogisticRegression(C=STRENGTH, max_iter=2000)
    model.fit(features[taught], label[taught], sample_weight=weight[taught])
    slope, shift = _line(features, label, weight, own)
    model.coef_, model.intercept_ = model.coef_ * slope, model.intercept_ * slope + shift
    figures = {"spam that teaches": float(label[taught].sum()), "slope": slope, "shift": shift}
    for part in (Split.DEV, Split.TEST, "dev, short cases", "test, short cases"):
        rows = (split == part.partition(",")[0]) & (short == ("short" in part))
        score = model.predict_proba(features[rows])[:, 1]
        figures |= {
            f"{part}: comments": float(rows.sum()),
            f"{part}: spam among them": float(label[rows].sum()),
            f"{part}: AUC": float(roc_auc_score(label[rows], score)),
            f"{part}: average precision": float(average_precision_score(label[rows], score)),
            f"{part}: calibration error": calibration_error(label[rows], score),
            f"{part}: found at 0.5": float((score[label[rows]] >= 0.5).mean()),
            f"{part}: called spam at 0.5 and is none": float((score[~label[rows]] >= 0.5).mean()),
        }
    return _weights(model), figures


def _line(
    features: csr_matrix, label: NDArray[np.bool_], weight: NDArray[np.float64], own: Sequence[Own]
) -> tuple[float, float]:
    """Return slope and shift that make the log-odds of comments come true, whose threads taught nothing.

    So few are spam that the model holds back: what it gave six tenths was spam nearly always.
    """
    others = features.shape[0] - len(own)
    taught = np.array([one.split is Split.TRAIN for one in own] + [True] * others)
    fold = np.array([zlib.crc32(one.home.encode()) % FOLDS for one in own] + [FOLDS] * others)
    held = np.zeros(len(taught))
    for part in range(FOLDS):
        rows = taught & (fold != part)
        model = LogisticRegression(C=STRENGTH, max_iter=2000).fit(
            features[rows], label[rows], sample_weight=weight[rows]
        )
        held[fold == part] = model.decision_function(features[fold == part])
    rows = taught & np.array([not one.short for one in own] + [False] * others)
    fitted = LogisticRegression(C=1e6).fit(held[rows, None], label[rows])
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def _features(texts: Sequence[str], encoder: Encoder) -> csr_matrix:
    vectors = np.concatenate([encoder.vectors(texts[first : first + 256]) for first in range(0, len(texts), 256)])
    counted = np.stack([signs(text) for text in texts]) * SIGNS_SHARE
    rows = []
    for text in texts:
        buckets, values = weights_of(grams(text))
        rows.append((buckets, values * GRAMS_SHARE))
    lengths = np.cumsum([0, *(len(buckets) for buckets, _ in rows)])
    touched = csr_matrix(
        (np.concatenate([v for _, v in rows]), np.concatenate([b for b, _ in rows]), lengths),
        shape=(len(texts), BUCKETS),
    )
    return hstack([csr_matrix(vectors), csr_matrix(counted), touched], format="csr")


def _weights(model: LogisticRegression) -> dict[str, Array]:
    coefficients = model.coef_[0].astype(np.float32)
    vector, counted, touched = np.split(
        coefficients, [len(coefficients) - BUCKETS - len(NAMES), len(coefficients) - BUCKETS]
    )
    return {
        "vector": vector,
        "signs": counted * SIGNS_SHARE,
        "grams": (touched * GRAMS_SHARE).astype(np.float16),
        "bias": model.intercept_.astype(np.float32),
    }
