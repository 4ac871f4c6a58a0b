"""What relevance is told of the encoder's word pieces: how rare each is, where it lies, how near any article comes."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from moderation.judge.encoder import Encoder
from moderation.judge.interaction import AXES, LEVEL, STEP, Interaction
from moderation.judge.network import Floats, Ints

SKIPPED = 2
"""Axes of most variance that are left out: they tell common pieces from rare ones, not subjects from each other."""

MOST_ARTICLES = 60
"""Articles of a language that stand for any."""

AT_ONCE = 4096


def learn(
    comments: Sequence[Ints], articles: Mapping[str, Sequence[Ints]], encoder: Encoder
) -> dict[str, NDArray[np.generic]]:
    """Return the weights of `Interaction` from the pieces of comments and, by language, of articles; each once."""
    everything = np.arange(encoder.vocabulary)
    spoken = np.bincount(np.concatenate(comments), minlength=len(everything))
    all_articles = [one for of_language in articles.values() for one in of_language]
    written = np.bincount(np.concatenate(all_articles), minlength=len(everything))
    centre, axes = _axes(spoken + written, encoder)
    rarity = np.log(len(comments) / (1.0 + spoken))
    weights: dict[str, NDArray[np.generic]] = {
        "piece_centre": centre.astype(np.float32),
        "piece_axes": axes.astype(np.float16),
        "piece_rarity": np.clip(np.rint(rarity / STEP), 0, 255).astype(np.uint8),
    }
    interaction = Interaction(weights, encoder.embeddings)
    parts = np.split(everything, range(AT_ONCE, len(everything), AT_ONCE))
    vectors = np.concatenate([interaction.vectors(part) for part in parts])
    for language, all_ in articles.items():
        weights[f"piece_usual_{language}"] = _usual(vectors, all_[:: -(-len(all_) // MOST_ARTICLES)])
    return weights


def _axes(often: NDArray[np.integer], encoder: Encoder) -> tuple[Floats, Floats]:
    """Return where pieces lie on average, (512,), and the axes along which they differ, (512, 128), half whitened."""
    met = np.flatnonzero(often)
    share = (often[met] / often.sum()).astype(np.float32)
    embedded = encoder.embeddings(met)
    centre = share @ embedded
    apart = embedded - centre
    size, axes = np.linalg.eigh((apart * share[:, None]).T @ apart)
    kept = slice(-1 - SKIPPED, -1 - SKIPPED - AXES, -1)
    return centre, axes[:, kept] / size[kept] ** 0.25


def _usual(vectors: Floats, articles: Sequence[Ints]) -> NDArray[np.uint8]:
    """Return how near the nearest is to each piece in an average article."""
    total = np.zeros(len(vectors), dtype=np.float32)
    for article in articles:
        own = vectors[article].T
        for first in range(0, len(vectors), AT_ONCE):
            part = slice(first, first + AT_ONCE)
            total[part] += (vectors[part] @ own).max(axis=1)
    return np.clip(np.rint(total / len(articles) * LEVEL), 0, 255).astype(np.uint8)
