"""The judge of the scoring workers: the embedded one, and Detoxify's word on tone as soon as its model is here.

What is missing of the model is fetched and built by a child process, for that takes minutes and gigabytes; comments are
judged meanwhile. Where it cannot be had, the log says so and what to do, and it is tried again later.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from moderation.checkpoints import RELEASED
from moderation.config import Settings
from moderation.judge import Assessment, Case, Judge, blending
from moderation.judge.case import ToneSource
from moderation.judge.checkpoint import ModelError
from moderation.judge.detoxify import DetoxifyModel, ToneJudge
from moderation.judge.fast_detoxify import path_of

if TYPE_CHECKING:
    from moderation.judge.learned import Features

MOST_WITH_DETOXIFY = 8
"""Comments claimed together when Detoxify reads them too: a long one takes it a second, and a lease thirty."""

log = structlog.get_logger(__name__)


class ServiceJudge:
    """Judges with what there is."""

    def __init__(self, settings: Settings, embedded: Judge) -> None:
        """Take the embedded judge; nothing is fetched before the first `tend`."""
        self._settings = settings
        self._embedded = embedded
        self._toned: ToneJudge | None = None
        self._waits = settings.tone is not ToneSource.EMBEDDED
        self._fetching: subprocess.Popen[bytes] | None = None
        self._try_at = 0.0

    @property
    def batch(self) -> int:
        """How many comments to claim together."""
        most = self._settings.score_batch
        return min(most, MOST_WITH_DETOXIFY) if self._toned else most

    def assess(self, cases: Sequence[Case]) -> list[Assessment]:
        """Return one assessment for each case, in the same order; without Detoxify where it fails."""
        if self._toned is not None:
            try:
                return self._toned.assess(cases)
            except Exception as error:
                # Not the message: it may quote a comment.
                log.error("detoxify_failed", error=type(error).__name__)  # noqa: TRY400
        return self._embedded.assess(cases)

    def study(self, cases: Sequence[Case]) -> "tuple[list[Assessment], Features]":
        """Assess cases (at least one), and return also what a site's own model looks at."""
        assessments = self.assess(cases)
        return assessments, self._embedded.features(cases, assessments)

    def tend(self) -> None:
        """Take Detoxify in if its model is here; else see to it that it comes. Never waits for a download."""
        if not self._waits or self._still_fetching() or time.monotonic() < self._try_at:
            return
        checkpoint = checkpoint_of(self._settings)
        try:
            if path_of(checkpoint).exists():
                self._take_in(checkpoint)
                return
        except ModelError as error:
            self._try_later("detoxify_refused", reason=str(error))
            return
        except Exception as error:  # whatever is wrong with these files, comments are judged
            self._try_later("detoxify_refused", reason=f"{type(error).__name__}: {error}")
            return
        log.info("detoxify_is_fetched", model=self._settings.tone_model, into=str(checkpoint.parent))
        self._fetching = subprocess.Popen(_command(self._settings), stdin=subprocess.DEVNULL)

    def close(self) -> None:
        """Stop fetching; what has come stays, and is gone on with."""
        if self._fetching is not None and self._fetching.poll() is None:
            self._fetching.terminate()
            self._fetching.wait()

    def _still_fetching(self) -> bool:
        if self._fetching is None:
            return False
        code = self._fetching.poll()
        if code is None:
            return True
        self._fetching = None
        if code:
            self._try_later("detoxify_is_not_here", reason="the lines above say why")
        return False

    def _take_in(self, checkpoint: Path) -> None:
        model = DetoxifyModel.load(checkpoint)
        alone = self._settings.tone is ToneSource.DETOXIFY
        self._toned = ToneJudge(self._embedded, model, blending.ALONE if alone else blending.Blend.of(checkpoint))
        self._waits = False
        log.info("detoxify_is_here", tone=str(self._settings.tone), model=model.engine)

    def _try_later(self, event: str, *, reason: str) -> None:
        again = self._settings.tone_retry
        self._try_at = time.monotonic() + again
        log.warning(event, reason=reason, meanwhile="the embedded judge judges alone", next_try_in_seconds=again)


def checkpoint_of(settings: Settings) -> Path:
    """Return where the checkpoint lies, or will lie, that the settings name."""
    model = RELEASED.get(settings.tone_model)
    return settings.models_folder / model.file if model else Path(settings.tone_model)


def _command(settings: Settings) -> list[str]:
    """Return what fetches and builds: in a process of its own, whose memory is given back."""
    task = ["pull"] if settings.tone_model in RELEASED else ["build"]
    return [sys.executable, "-m", "moderation", "models", *task, settings.tone_model]
