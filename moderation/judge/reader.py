"""Where the judge's parts come together: language, vectors, relevance, tone, spans and target of a batch of cases."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from threading import Lock
from typing import NamedTuple

import numpy as np

from moderation.judge import artefacts
from moderation.judge.aim import AimModel
from moderation.judge.case import Assessment, Case, Kind, NoRelevance, SentenceTone, Span, Target, main_kind
from moderation.judge.clauses import ClauseModel
from moderation.judge.encoder import LANGUAGES, Encoder
from moderation.judge.hearing import MARKS
from moderation.judge.language import Languages
from moderation.judge.learned import Features, projection, signals
from moderation.judge.marks import LANGUAGE, MarkModel, Place
from moderation.judge.network import Floats
from moderation.judge.ngrams import rows_of
from moderation.judge.relevance import NARROWEST, Look, Relevance, RelevanceModel
from moderation.judge.spam import SpamModel
from moderation.judge.spans import UNDERLINED_FROM, agreed, apart, explain, joined, put_down_share, word_spans
from moderation.judge.text import sentences
from moderation.judge.tone import Tone, ToneModel

AIMED_FROM = 0.15
"""Disrespect below which a comment is aimed at no one: a site's rule may doubt from so low down. Of comments held out
that go against somebody the target is right in four of five then, and of all as well; from 0.3 in 0.74 and 0.88."""

_CLAUSE = MARKS.index("clause")

LOOKED_AT_FROM = 0.3
"""Disrespect from which a comment's sentences are looked at one by one."""

HEARD_FROM = -1.0
"""Log-odds that one of its tokens is part of a put-down, from which they are looked at as well: much that is civil may
stand around one rude sentence and hide it."""

EXCUSED = 0.3
"""How much of a sentence's own disrespect the comment around it may explain: the rest the comment has, whatever else
stands in it. Of the 216 rude comments of the dev threads that are found by themselves, a civil one of 15 to 40 words
before each hides 47 at 0.5 (66 of 213 without this); of 1,049 civil comments 22 are called rude (17)."""

MOST_SENTENCES = 100
"""Sentences of a comment that are looked at one by one."""


class _Plan(NamedTuple):
    """What is known of a comment before its sentences are judged: where they lie, and which are wanted."""

    sentences: list[Place]
    wanted: list[Place]


class Reader:
    """Everything that is loaded, and the way a batch takes through it."""

    def __init__(self) -> None:
        """Load encoder, language model and weights (about two seconds); raises WeightsError."""
        self.engine = f"embedded {artefacts.version()}"
        self._tone = ToneModel()
        self._spam = SpamModel()
        self._aim = AimModel(self._tone.weights)
        self._marks = MarkModel(self._tone.weights)
        self._clauses = ClauseModel(self._tone.weights)
        self._encoder = Encoder(listener=self._tone.hearing.hear)
        self.relevance = RelevanceModel(self._encoder)
        self._languages = Languages()
        self._projection = projection()
        self._lock = Lock()

    def assess(self, cases: Sequence[Case]) -> list[Assessment]:
        """Return one assessment for each case, without the engine's name."""
        with self._lock:
            languages = [self._language(case) for case in cases]
            texts = [case.text for case in cases]
            reading = self._encoder.read(texts)
            grams = rows_of(texts)
            tones = self._tone.assess(texts, languages, reading, grams)
            relevances = self.relevance.assess(cases, reading.vectors, languages)
            spam = self._spam.assess(texts, reading.vectors, grams)
            plans = [_plan(*each) for each in zip(texts, tones, strict=True)]
            parts = self._sentences(cases, languages, plans)
            return [
                _counting_in(advertising, self._assessment(case, language, relevance, tone, plan, part))
                for advertising, case, language, relevance, tone, plan, part in zip(
                    spam, cases, languages, relevances, tones, plans, parts, strict=True
                )
            ]

    def _sentences(
        self, cases: Sequence[Case], languages: Sequence[str | None], plans: Sequence["_Plan"]
    ) -> list[dict[Place, Tone]]:
        """Judge the sentences of all comments of a batch that are to be judged by themselves: one pass for all."""
        wanted = [(row, place) for row, plan in enumerate(plans) for place in plan.wanted]
        judged: list[dict[Place, Tone]] = [{} for _ in plans]
        if wanted:
            texts = [cases[row].text[start:end] for row, (start, end) in wanted]
            spoken = [languages[row] for row, _ in wanted]
            tones = self._tone.assess(texts, spoken, self._encoder.read(texts), rows_of(texts))
            for (row, place), tone in zip(wanted, tones, strict=True):
                judged[row][place] = tone
        return judged

    def spam(self, texts: Sequence[str]) -> list[float]:
        """Return for each text the probability that it is advertising or junk."""
        with self._lock:
            return self._spam.assess(texts, self._encoder.vectors(texts), rows_of(texts))

    def features(self, cases: Sequence[Case], assessments: Sequence[Assessment]) -> Features:
        """Return what a site's model looks at; quick for texts that were assessed a moment ago."""
        reading = self._encoder.read([case.text for case in cases])
        rows = [signals(assessment, len(case.text)) for case, assessment in zip(cases, assessments, strict=True)]
        return Features(np.stack(rows), reading.vectors, reading.pooled @ self._projection)

    def look(self, cases: Sequence[Case]) -> list[Look]:
        """Return what relevance reads of each case."""
        with self._lock:
            vectors = self._encoder.vectors([case.text for case in cases])
            return self.relevance.look(cases, vectors, [case.language for case in cases])

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Return the sentence vectors of texts: (n, 512)."""
        with self._lock:
            return self._encoder.vectors(texts)

    def forget(self) -> None:
        """Forget all texts read so far."""
        with self._lock:
            self._encoder.forget()
            self.relevance.forget()

    def _words(self, text: str, language: str | None, tone: Tone) -> list[Span]:
        """Return the words that stand up in a comment's context: of one that is aimed at no one, only the coarse."""
        words = word_spans(text, tone.kinds, tone.hits)
        if tone.disrespect < AIMED_FROM:
            return [span for span in words if span.kind in (Kind.PROFANITY, Kind.SHOUTING)]
        if language == LANGUAGE:
            places = self._encoder.places(text)
            marked = self._marks.words(text, tone, main_kind(tone.kinds), places)
            words = agreed(words, marked, places, rude=tone.disrespect >= UNDERLINED_FROM)
        return words

    def _underlined(
        self, text: str, language: str | None, tone: Tone, spoken: Sequence[SentenceTone]
    ) -> tuple[Span, ...]:
        """Return what is underlined: words, and in a rude comment clauses, unless English words say why it is."""
        words = self._words(text, language, tone)
        explained = explain(words)
        if tone.disrespect < UNDERLINED_FROM or (language == LANGUAGE and explained):
            return apart(words)
        kind, places = main_kind(tone.kinds), self._encoder.places(text)
        return apart(joined(words, self._clauses.spans(text, tone, kind, places, spoken, explained=explained)))

    def _assessment(
        self, case: Case, language: str | None, relevance: Relevance, whole: Tone, plan: _Plan, parts: dict[Place, Tone]
    ) -> Assessment:
        if language is not None and language not in LANGUAGES and relevance.score is not None:
            relevance = Relevance(None, NoRelevance.LANGUAGE, None)
        if not any(char.isalnum() for char in case.text):
            return Assessment(language, None, NoRelevance.NO_TEXT, None, passage=None)
        spoken = tuple(SentenceTone(*place, parts.get(place, whole).disrespect) for place in plan.sentences)
        tone = _at_least(whole, parts.values())
        return Assessment(
            language=language,
            relevance=relevance.score,
            relevance_reason=relevance.reason,
            disrespect=tone.disrespect,
            kinds=tone.kinds,
            target=self._aim.target(tone.aims, case, tone.hits) if tone.disrespect >= AIMED_FROM else Target.NONE,
            spans=self._underlined(case.text, language, tone, spoken),
            sentences=spoken,
            put_down_share=put_down_share(spoken),
            passage=relevance.passage,
            other_article=relevance.other_article,
        )

    def _language(self, case: Case) -> str | None:
        stated = case.language or (case.article.language if case.article else None)
        if stated is None and case.article is not None:
            stated = self._languages.identify(f"{case.article.title} {case.article.lead}")
        return self._languages.identify(case.text, stated)


def _plan(text: str, tone: Tone) -> _Plan:
    spoken = sentences(text)[:MOST_SENTENCES]
    # A comment's only sentence is the comment, whose tone is known.
    doubtful = tone.disrespect >= LOOKED_AT_FROM or tone.marks[:, _CLAUSE].max() >= HEARD_FROM
    return _Plan(spoken, spoken if doubtful and len(spoken) > 1 else [])


def _at_least(whole: Tone, parts: Collection[Tone]) -> Tone:
    """Return the tone of a comment: at least that of its worst sentence, less what others may explain of it."""
    worst = max(parts, key=lambda tone: tone.disrespect, default=whole)
    if worst.disrespect - EXCUSED <= whole.disrespect:
        return whole
    kinds = {kind: max(score, worst.kinds[kind] - EXCUSED) for kind, score in whole.kinds.items()}
    return whole._replace(disrespect=worst.disrespect - EXCUSED, kinds=kinds)


def _counting_in(spam: float, assessment: Assessment) -> Assessment:
    """Return an assessment with how likely the text is advertising, which belongs under no article."""
    relevance = assessment.relevance
    if relevance is not None:
        relevance = max(NARROWEST, relevance * (1 - spam))
    return replace(assessment, relevance=relevance, spam=spam)
