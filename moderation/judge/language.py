"""Says which language a comment is in. Knows the text and what the site says of article and comment, nothing else."""

from functools import cache
from threading import Lock
from typing import Any

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from moderation.judge.encoder import LANGUAGES

_NEIGHBOURS = frozenset({"cs", "da", "el", "fi", "he", "hr", "hu", "no", "ro", "sk", "sv", "uk"})
"""Languages that a European site meets, that the encoder does not know, and that it must not take for one it knows."""

_LONGEST = 240
"""Code points that are looked at."""

_CERTAIN = 0.5
"""Probability from which an answer is given."""

_GERMAN = (
    "aber auch auf aus bei bis dann dass doch durch ein eine einen einer für habe haben ich immer ist jetzt kann "
    "kein keine mehr mir mit nach nicht nichts noch nur oder ohne schon sehr sich sie sind über und uns vom von "
    "vor was weil wenn wer werden wieder wir wird zu zum zur"
)
_ENGLISH = (
    "about and are because been but can could does from has have how if into it just more not now only our out "
    "people should some than that the their them then there they think this what when which who why will with "
    "would you your"
)
_COMMON = {"de": frozenset(_GERMAN.split()), "en": frozenset(_ENGLISH.split())}
"""Words that many comments in a language have, but hardly one in any of its neighbours."""

_ENOUGH = 3
"""Different ones of them, and no other language's, with which a comment is in the language that the site states."""

_PRIOR = 0.85
"""Probability that a comment is in the language of its article, before reading it."""

_FAMILIAR = 30.0
"""How much likelier a language of the encoder is than one of its neighbours, before reading."""


class Languages:
    """Identifies languages; short texts lean on what the site says."""

    def __init__(self) -> None:
        """Load the model that comes with py3langid (about a second)."""
        every: Any = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        every.set_languages(sorted(LANGUAGES | _NEIGHBOURS))
        # Made anew of what is left: the other languages' columns would stay in memory otherwise (23 MB).
        self._model: Any = LanguageIdentifier(
            every.nb_ptc.copy(),
            every.nb_pc,
            every.nb_classes,
            every.tk_nextmove,
            every.tk_output,
            norm_probs=True,
            tk_row=every.tk_row,
        )
        self._lock = Lock()

    def identify(self, text: str, hint: str | None = None) -> str | None:
        """Return the ISO 639-1 code of a text's language, None where it cannot be told.

        ``hint`` is the language that the site states for the comment or its article (BCP 47).
        """
        if not any(map(str.isalpha, text[:_LONGEST])):
            return None
        expected = base_language(hint)
        if expected in _COMMON and _is_plainly(expected, text[:_LONGEST]):
            return expected
        with self._lock:
            ranked = self._model.rank(text[:_LONGEST])
        likely = _weights(expected)
        weighted = [(max(p, 1e-12) * likely[code], code) for code, p in ranked]
        weight, best = max(weighted)
        return best if weight >= _CERTAIN * sum(weight for weight, _ in weighted) else None


def base_language(tag: str | None) -> str | None:
    """Return the language of a BCP 47 tag ("de-AT" is "de"), None for an unknown or private one."""
    code = (tag or "").replace("_", "-").split("-")[0].lower()
    return code if code in LANGUAGES | _NEIGHBOURS else None


def _is_plainly(expected: str, text: str) -> bool:
    """Whether a text has enough of a language's common words: so nearly every text is told without the model."""
    words = set(text.lower().split())
    counts = {language: len(words & common) for language, common in _COMMON.items()}
    return counts[expected] >= _ENOUGH + 2 * (sum(counts.values()) - counts[expected])


@cache
def _weights(expected: str | None) -> dict[str, float]:
    """Return how likely each language is before reading, up to a common factor."""
    weights = {code: _FAMILIAR if code in LANGUAGES else 1.0 for code in LANGUAGES | _NEIGHBOURS}
    if expected is None:
        return weights
    others = {code: (1 - _PRIOR) * weight / (_FAMILIAR * len(LANGUAGES)) for code, weight in weights.items()}
    return others | {expected: _PRIOR}
