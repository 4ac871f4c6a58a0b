"""Trains the spam model on the corpus's advertising and junk against everything else that readers write."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from moderation.figures import calibration_error
from moderation.judge.encoder import Encoder
from moderation.judge.ngrams import BUCKETS, grams, weights_of
from moderation.judge.spam import NAMES, READ, signs
from training.corpus import Split, Thread, split_of
from training.sources import Example

STRENGTH = 1.0
GRAMS_SHARE = 0.5
SIGNS_SHARE = 1.5
PUBLIC_WEIGHT = 0.2
"""How much a public comment counts: nobody looked whether it is spam, but hardly one is."""

Array = NDArray[np.float32]


def train(
    threads: Sequence[Thread], examples: Sequence[Example], encoder: Encoder
) -> tuple[dict[str, Array], dict[str, float]]:
    """Return the weights, and figures on the dev and test threads, which taught nothing."""
    own = [(split_of(thread.id), comment) for thread in threads for comment in thread.comments]
    public = [example.text for example in examples if example.marks == frozenset()][::4]
    texts = [comment.text for _, comment in own] + public
    label = np.array([comment.relevance == "spam" for _, comment in own] + [False] * len(public))
    split = np.array([str(part) for part, _ in own] + [str(Split.TRAIN)] * len(public))
    weight = np.array([1.0] * len(own) + [PUBLIC_WEIGHT] * len(public))
    features = _features(texts, encoder)
    taught = split == Split.TRAIN
    model = LogisticRegression(C=STRENGTH, max_iter=2000)
    model.fit(features[taught], label[taught], sample_weight=weight[taught])
    figures = {"spam in the train threads": float(label[taught].sum())}
    for part in (Split.DEV, Split.TEST):
        rows = split == part
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


def _features(texts: Sequence[str], encoder: Encoder) -> csr_matrix:
    vectors = np.concatenate([encoder.vectors(texts[first : first + 256]) for first in range(0, len(texts), 256)])
    counted = np.stack([signs(text) for text in texts]) * SIGNS_SHARE
    rows = []
    for text in texts:
        buckets, values = weights_of(grams(text[:READ]))
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
