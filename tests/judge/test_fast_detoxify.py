"""The fast runtime of a Detoxify checkpoint, built and compared with the genuine package."""

import shutil
import time
import warnings

import pytest
from click.testing import CliRunner
from detoxify import Detoxify
from structlog.testing import capture_logs

from benchmarks.stock import Size, make_checkpoint
from moderation.cli import main
from moderation.config import Settings
from moderation.judge.case import Case, ToneSource
from moderation.judge.checkpoint import ModelError
from moderation.judge.detoxify import DetoxifyModel
from moderation.judge.fast_detoxify import OnnxRuntime
from moderation.service_judge import ServiceJudge
from tests.waiting import until

TEXTS = ["Danke, guter Artikel.", "Du Trottel!", "", "🙂", "Wort " * 3000, "a"]
SMALL = Size(layers=1, hidden=32, heads=2)


def _built(folder, spread):
    checkpoint = make_checkpoint(folder, SMALL, most_pieces=2000, spread=spread)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's exporter copies classes that torch has deprecated
        result = CliRunner().invoke(main, ["models", "build", str(checkpoint)])
    assert result.exit_code == 0, result.output
    return checkpoint, result.output


@pytest.fixture(scope="module")
def faithful(tmp_path_factory):
    return _built(tmp_path_factory.mktemp("int8"), 1)


def _furthest(checkpoint):
    genuine, fast = Detoxify(checkpoint=str(checkpoint)), DetoxifyModel.load(checkpoint)
    pairs = [(genuine.predict(text), scores) for text, scores in zip(TEXTS, fast.score(TEXTS), strict=True)]
    return max(abs(one[label] - other[label]) for one, other in pairs for label in one), fast.engine


def test_int8_scores_like_the_genuine_package(faithful):
    checkpoint, output = faithful
    difference, engine = _furthest(checkpoint)
    assert difference < 0.01
    assert engine.startswith("detoxify multilingual ")
    assert engine.endswith("int8")
    assert "int8, at most" in output


def test_where_int8_is_too_coarse_float32_is_kept_and_it_is_said(tmp_path):
    checkpoint, output = _built(tmp_path, 300)
    difference, engine = _furthest(checkpoint)
    assert difference < 0.001
    assert engine.endswith("float32")
    assert "float32, because int8 was" in output
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".lock",
        "multilingual.ckpt",
        "multilingual.onnx",
        "xlm-roberta-base",
    ]


def test_a_runtime_of_another_checkpoint_or_a_damaged_one_is_refused_with_the_remedy(tmp_path, faithful):
    other = make_checkpoint(tmp_path, SMALL, most_pieces=2000, spread=2)
    runtime = other.with_suffix(".onnx")
    runtime.write_bytes(faithful[0].with_suffix(".onnx").read_bytes())
    with pytest.raises(ModelError, match=r"was not built from .* Run `moderation models build"):
        DetoxifyModel.load(other)
    runtime.write_bytes(runtime.read_bytes()[:3000])
    with pytest.raises(ModelError, match="is damaged"):
        DetoxifyModel.load(other)


def test_a_runtime_without_its_tokenizer_says_where_to_put_it(tmp_path, faithful):
    folder = shutil.copytree(faithful[0].parent, tmp_path / "models")
    (folder / "xlm-roberta-base" / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"tokenizer\.json is missing; put it there"):
        DetoxifyModel.load(folder / faithful[0].name)


def test_a_worker_takes_in_what_is_built_and_claims_fewer_at_once(faithful, judge, tmp_path):
    settings = Settings(home=tmp_path, tone=ToneSource.BLEND, tone_model=str(faithful[0]))
    service = ServiceJudge(settings, judge)
    assert service.batch == settings.score_batch
    service.tend()
    assert service.batch < settings.score_batch
    (assessment,) = service.assess([Case("Du Trottel!")])
    assert " + detoxify multilingual " in assessment.engine
    assert assessment.engine.endswith(" int8, even")


def test_where_detoxify_fails_the_embedded_judge_judges(faithful, judge, tmp_path, monkeypatch):
    service = ServiceJudge(Settings(home=tmp_path, tone=ToneSource.BLEND, tone_model=str(faithful[0])), judge)
    service.tend()
    monkeypatch.setattr(OnnxRuntime, "probabilities", lambda *_: 1 / 0)
    assert " + " not in service.assess([Case("Du Trottel!")])[0].engine


def test_files_that_cannot_be_read_keep_no_comment_waiting(faithful, judge, tmp_path):
    folder = shutil.copytree(faithful[0].parent, tmp_path / "models")
    (folder / "xlm-roberta-base" / "tokenizer.json").write_text("{}")
    settings = Settings(home=tmp_path, tone=ToneSource.BLEND, tone_model=str(folder / faithful[0].name))
    service = ServiceJudge(settings, judge)
    service.tend()
    assert " + " not in service.assess([Case("Du Trottel!")])[0].engine


def test_a_worker_that_is_to_use_the_embedded_judge_alone_looks_for_nothing(faithful, judge, tmp_path):
    service = ServiceJudge(Settings(home=tmp_path, tone_model=str(faithful[0])), judge)
    service.tend()
    assert " + " not in service.assess([Case("Du Trottel!")])[0].engine


def _tended(service, until_said):
    """The service is tended until it says so; returns all that it said."""
    with capture_logs() as said:
        until(lambda: service.tend() or (said and said[-1]["event"] == until_said))
    return [line["event"] for line in said]


def _later(monkeypatch, *, seconds):
    clock = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: clock() + seconds)


def test_what_cannot_be_fetched_is_tried_again_later_and_comments_are_judged(judge, tmp_path, monkeypatch):
    missing = str(tmp_path / "missing.ckpt")
    settings = Settings(home=tmp_path, tone=ToneSource.BLEND, tone_model=missing, tone_retry=60)
    service = ServiceJudge(settings, judge)
    assert _tended(service, "detoxify_is_not_here") == ["detoxify_is_fetched", "detoxify_is_not_here"]
    with capture_logs() as said:
        service.tend()
    assert said == [], "not before its time"
    assert " + " not in service.assess([Case("Du Trottel!")])[0].engine
    _later(monkeypatch, seconds=61)
    assert _tended(service, "detoxify_is_fetched") == ["detoxify_is_fetched"]
    service.close()
    assert _tended(service, "detoxify_is_not_here") == ["detoxify_is_not_here"], "who stops it gets no model"


def test_a_model_that_is_refused_is_tried_again_later(faithful, judge, tmp_path, monkeypatch):
    folder = shutil.copytree(faithful[0].parent, tmp_path / "models")
    runtime = folder / faithful[0].with_suffix(".onnx").name
    runtime.write_bytes(runtime.read_bytes()[:3000])
    settings = Settings(home=tmp_path, tone=ToneSource.BLEND, tone_model=str(folder / faithful[0].name), tone_retry=60)
    service = ServiceJudge(settings, judge)
    with capture_logs() as said:
        service.tend()
        service.tend()
    (line,) = said
    assert line["event"] == "detoxify_refused"
    assert "is damaged" in line["reason"]
    assert line["next_try_in_seconds"] == 60
    shutil.copy(faithful[0].with_suffix(".onnx"), runtime)
    _later(monkeypatch, seconds=61)
    assert _tended(service, "detoxify_is_here") == ["detoxify_is_here"]
