"""A site's own model: what it looks at, how it is kept, and that bytes from elsewhere are refused."""

import io
from dataclasses import replace

import numpy as np
import pytest

from moderation.judge import Case, Judge
from moderation.judge.learned import (
    SIGNALS,
    SKETCH,
    Bend,
    Features,
    ModelError,
    SiteModel,
    general,
    grams_of,
    pack,
    projection,
    signals,
    unpack,
)
from moderation.judge.network import DIMENSION, POOLED
from moderation.judge.ngrams import BUCKETS


def _model() -> SiteModel:
    generator = np.random.default_rng(7)
    shapes = (SIGNALS, DIMENSION, SKETCH, BUCKETS)
    return SiteModel(-1.5, 0.4, *(generator.normal(size=shape).astype(np.float32) for shape in shapes))


def test_a_model_says_the_same_after_it_was_kept() -> None:
    generator = np.random.default_rng(8)
    features = Features(
        *((generator.normal(size=(3, n)) / 50).astype(np.float32) for n in (SIGNALS, DIMENSION, SKETCH))
    )
    texts = [grams_of("Danke für den Artikel."), grams_of(""), grams_of("Unsinn!", "Sport")]
    model = replace(_model(), bend=Bend(0.3, 1.2, 0.7))
    content = model.to_bytes()
    assert len(content) < 1_000_000
    said = SiteModel.from_bytes(content).probabilities(features, texts)
    assert said == pytest.approx(model.probabilities(features, texts), abs=0.002)
    assert said[2] != pytest.approx(_model().probabilities(features, texts)[2], abs=0.01)


def test_a_model_of_before_there_were_bends_says_what_it_said() -> None:
    with np.load(io.BytesIO(_model().to_bytes())) as archive:
        old = {name: archive[name] for name in archive.files if name != "bend"}
    kept = io.BytesIO()
    np.savez_compressed(kept, **old)
    assert SiteModel.from_bytes(kept.getvalue()).bend == Bend()
    assert Bend().probability(1.25) == pytest.approx(1 / (1 + np.exp(-1.25)))


def test_bytes_that_are_no_model_are_refused() -> None:
    pickled = io.BytesIO()
    np.savez(pickled, head=np.array([{}], dtype=object))
    cut = _model().to_bytes()[:-2000]
    small = replace(_model(), vectors=np.zeros(3, np.float32)).to_bytes()
    directory = (whole := _model().to_bytes()).rindex(b"PK\x01\x02")
    locked = whole[: directory + 8] + b"\x01" + whole[directory + 9 :]
    for content in (b"", b"nonsense", pickled.getvalue(), cut, small, locked):
        with pytest.raises(ModelError):
            SiteModel.from_bytes(content)


def test_the_sketch_is_the_same_on_every_machine() -> None:
    matrix = projection()
    assert matrix.shape == (POOLED, SKETCH)
    assert (matrix[0, :8] > 0).tolist() == [True, False, True, False, True, False, True, False]
    assert abs(float(matrix.mean())) < 0.0001


def test_what_a_site_learns_from_is_what_the_judge_said(judge: Judge) -> None:
    cases = [Case("Danke für den Artikel."), Case("Du Trottel, halt die Klappe!"), Case("")]
    assessments, features = judge.study(cases)
    assert [len(row) for row in features] == [3, 3, 3]
    rude = assessments[1].disrespect
    assert rude is not None
    assert 1 / (1 + np.exp(-general(features.signals)[1])) == pytest.approx(rude, abs=0.001)
    assert np.isfinite(signals(assessments[2], 0)).all()


def test_the_section_counts_as_a_word_of_its_own() -> None:
    buckets, _ = grams_of("Guten Morgen", "Sport")
    assert len(buckets) == len(grams_of("Guten Morgen")[0]) + 1
    assert buckets[-1] != grams_of("Guten Morgen", "Politik")[0][-1]


def test_what_is_kept_of_a_comment_is_small_and_says_the_same() -> None:
    generator = np.random.default_rng(8)
    features = Features(*(generator.normal(size=(3, n)).astype(np.float32) for n in (SIGNALS, DIMENSION, SKETCH)))
    kept = pack(features)
    assert [len(row) for row in kept] == [1824] * 3
    for before, after in zip(features, unpack(kept), strict=True):
        assert after == pytest.approx(before, abs=0.004)
    with pytest.raises(ModelError):
        unpack([*kept, kept[0][:-2]])
