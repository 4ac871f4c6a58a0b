"""Detoxify on a checkpoint of the true architecture with random weights, against the genuine package."""

import json
import shutil

import pytest
import torch
from click.testing import CliRunner
from detoxify import Detoxify

from moderation.cli import main
from moderation.judge import Judge
from moderation.judge.blending import ALONE
from moderation.judge.case import Assessment, Case, Kind
from moderation.judge.checkpoint import ModelError
from moderation.judge.detoxify import DetoxifyModel, ToneJudge

TEXTS = ["Danke, guter Artikel.", "Du Trottel!", "", "🙂", "Wort " * 3000, "a"]


@pytest.fixture(scope="module")
def model(checkpoint):
    return DetoxifyModel.load(checkpoint)


def test_scores_are_those_of_the_genuine_package(checkpoint, model):
    genuine = Detoxify(checkpoint=str(checkpoint))
    for text, scores in zip(TEXTS, model.score(TEXTS), strict=True):
        assert scores == pytest.approx(genuine.predict(text), abs=1e-5)


def test_a_model_with_more_outputs_than_labels_is_read_as_the_package_reads_it(tmp_path, checkpoint):
    shutil.copytree(checkpoint.parent / "xlm-roberta-base", tmp_path / "xlm-roberta-base")
    loaded = torch.load(checkpoint, weights_only=True)
    del loaded["config"]["dataset"]["args"]["classes"][7:]
    torch.save(loaded, tmp_path / "seven.ckpt")
    (scores,) = DetoxifyModel.load(tmp_path / "seven.ckpt").score(["Du Trottel!"])
    assert scores == pytest.approx(Detoxify(checkpoint=str(tmp_path / "seven.ckpt")).predict("Du Trottel!"), abs=1e-5)
    assert len(scores) == 7


def test_detoxify_alone_says_what_its_labels_say(model):
    class Embedded:
        def assess(self, cases):
            kinds = dict.fromkeys(Kind, 0.2)
            return [
                Assessment("de", None, None, 0.2 if case.text else None, kinds, engine="embedded 1") for case in cases
            ]

    alone, nothing = ToneJudge(Embedded(), model, ALONE).assess([Case("Du Trottel!"), Case("")])
    (scores,) = model.score(["Du Trottel!"])
    assert alone.disrespect == pytest.approx(scores["toxicity"], abs=0.001)
    assert alone.kinds[Kind.PROFANITY] == pytest.approx(scores["obscene"], abs=0.001)
    assert alone.kinds[Kind.SHOUTING] == 0.2
    assert alone.engine.startswith("embedded 1 + detoxify multilingual ")
    assert nothing.disrespect is None


def test_score_takes_detoxifys_word_where_it_is_asked(checkpoint, judge, monkeypatch):
    monkeypatch.setattr(Judge, "load", classmethod(lambda cls: judge))
    line = json.dumps({"id": "1", "text": "Du Trottel!"})
    for tone in ("detoxify", "blend"):
        options = ["score", "-", "--tone", tone, "--checkpoint", str(checkpoint)]
        result = CliRunner().invoke(main, options, input=line)
        assert result.exit_code == 0, result.stderr
        assert "detoxify multilingual" in json.loads(result.stdout)["engine"]


def test_a_tone_without_its_checkpoint_says_what_is_needed():
    result = CliRunner().invoke(main, ["score", "-", "--tone", "blend"], input="")
    assert result.exit_code == 2
    assert "--checkpoint" in result.stderr


def test_a_file_that_is_no_checkpoint_is_refused_with_its_name(tmp_path, checkpoint):
    (tmp_path / "page.ckpt").write_text("<html>not found</html>")
    torch.save({"weights": 1}, tmp_path / "other.ckpt")
    (tmp_path / "cut.ckpt").write_bytes(checkpoint.read_bytes()[:5000])
    for name in ("page", "other", "cut", "missing"):
        with pytest.raises(ModelError, match=name):
            DetoxifyModel.load(tmp_path / f"{name}.ckpt")


def test_a_checkpoint_of_another_network_is_refused_with_the_reason(tmp_path, checkpoint):
    shutil.copytree(checkpoint.parent / "xlm-roberta-base", tmp_path / "xlm-roberta-base")
    loaded = torch.load(checkpoint, weights_only=True)
    loaded["state_dict"].popitem()
    torch.save(loaded, tmp_path / "half.ckpt")
    with pytest.raises(ModelError, match="weights do not fit"):
        DetoxifyModel.load(tmp_path / "half.ckpt")
    loaded["config"]["arch"]["args"]["model_name"] = "GPT2ForSequenceClassification"
    torch.save(loaded, tmp_path / "other.ckpt")
    with pytest.raises(ModelError, match="no architecture of Detoxify's"):
        DetoxifyModel.load(tmp_path / "other.ckpt")


def test_a_missing_tokenizer_says_where_to_put_it(tmp_path, checkpoint):
    (tmp_path / "multilingual.ckpt").write_bytes(checkpoint.read_bytes())
    with pytest.raises(ModelError, match=r"tokenizer\.json are missing; put them into .*xlm-roberta-base"):
        DetoxifyModel.load(tmp_path / "multilingual.ckpt")
