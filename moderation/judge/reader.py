"""Where the judge's parts come together: language, vectors, relevance, tone, spans and target of a batch of cases."""

from collections.abc import Sequence
from threading import Lock

from moderation.judge import artefacts
from moderation.judge.address import target
from moderation.judge.case import Assessment, Case, Kind, NoRelevance, SentenceTone, Target
from moderation.judge.encoder import LANGUAGES, Encoder
from moderation.judge.language import Languages
from moderation.judge.relevance import Relevance, RelevanceModel
from moderation.judge.spam import SpamModel
from moderation.judge.spans import Piece, find_spans, put_down_share
from moderation.judge.text import sentences
from moderation.judge.tone import Tone, ToneModel

AIMED_FROM = 0.3
"""Disrespect below which a comment is aimed at no one."""

MOST_SENTENCES = 100
"""Sentences of a comment that are looked at one by one."""


class Reader:
    """Everything that is loaded, and the way a batch takes through it."""

    def __init__(self) -> None:
        """Load encoder, language model and weights (about two seconds); raises WeightsError."""
        self.engine = f"embedded {artefacts.version()}"
        self._relevance = RelevanceModel()
        self._tone = ToneModel()
        self._spam = SpamModel()
        self._encoder = Encoder()
        self._languages = Languages()
        self._lock = Lock()

    def assess(self, cases: Sequence[Case]) -> list[Assessment]:
        """Return one assessment for each case, without the engine's name."""
        with self._lock:
            languages = [self._language(case) for case in cases]
            texts = [case.text for case in cases]
            reading = self._encoder.read(texts)
            tones = self._tone.assess(texts, languages, reading)
            relevances = self._relevance.assess(cases, reading.vectors, self._encoder.vectors)
            return [
                self._assessment(case, language, relevance, tone)
                for case, language, relevance, tone in zip(cases, languages, relevances, tones, strict=True)
            ]

    def spam(self, texts: Sequence[str]) -> list[float]:
        """Return for each text the probability that it is advertising or junk."""
        with self._lock:
            return self._spam.assess(texts, self._encoder.vectors(texts))

    def forget(self) -> None:
        """Forget the vectors of all texts read so far."""
        with self._lock:
            self._encoder.forget()

    def _language(self, case: Case) -> str | None:
        stated = case.language or (case.article.language if case.article else None)
        if stated is None and case.article is not None:
            stated = self._languages.identify(f"{case.article.title} {case.article.lead}")
        return self._languages.identify(case.text, stated)

    def _assessment(self, case: Case, language: str | None, relevance: Relevance, tone: Tone) -> Assessment:
        if language is not None and language not in LANGUAGES and relevance.score is not None:
            relevance = Relevance(None, NoRelevance.LANGUAGE, None)
        if not any(char.isalnum() for char in case.text):
            return Assessment(language, None, NoRelevance.NO_TEXT, None, passage=None)

        def judge_pieces(places: Sequence[tuple[int, int]]) -> list[Piece]:
            if len(places) == 1:  # the one piece is the comment, whose tone is known
                return [Piece(*places[0], tone.disrespect, _main_kind(tone.kinds))]
            texts = [case.text[start:end] for start, end in places]
            judged = self._tone.assess(texts, [language] * len(texts), self._encoder.read(texts))
            return [
                Piece(start, end, piece.disrespect, _main_kind(piece.kinds))
                for (start, end), piece in zip(places, judged, strict=True)
            ]

        spans = find_spans(case.text, tone.disrespect, tone.kinds, tone.hits, judge_pieces)
        spoken = self._sentences(case.text, language, tone)
        aimed = [(span.start, span.end) for span in spans if span.kind is not Kind.SHOUTING]
        return Assessment(
            language=language,
            relevance=relevance.score,
            relevance_reason=relevance.reason,
            disrespect=tone.disrespect,
            kinds=tone.kinds,
            target=target(case, aimed) if tone.disrespect >= AIMED_FROM else Target.NONE,
            spans=spans,
            sentences=spoken,
            put_down_share=put_down_share(spoken),
            passage=relevance.passage,
        )

    def _sentences(self, text: str, language: str | None, tone: Tone) -> tuple[SentenceTone, ...]:
        places = sentences(text)[:MOST_SENTENCES]
        scores = [tone.disrespect] * len(places)
        if len(places) > 1 and tone.disrespect >= AIMED_FROM:
            texts = [text[start:end] for start, end in places]
            judged = self._tone.assess(texts, [language] * len(texts), self._encoder.read(texts))
            scores = [sentence.disrespect for sentence in judged]
        return tuple(SentenceTone(*place, score) for place, score in zip(places, scores, strict=True))


def _main_kind(kinds: dict[Kind, float]) -> Kind:
    """Return the likeliest kind that goes against a person."""
    return max((Kind.INSULT, Kind.THREAT, Kind.IDENTITY_ATTACK, Kind.SEXUAL), key=lambda kind: kinds[kind])
