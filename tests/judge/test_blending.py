"""The embedded judge and Detoxify become one by weights that were fitted on labelled comments, language by language."""

import json
import random

import pytest
from click.testing import CliRunner

from moderation.cli import main
from moderation.judge import Judge
from moderation.judge.blending import ALONE, EVEN, OTHERS, Blend, Weights, path_of, save
from moderation.judge.checkpoint import ModelError
from moderation.learning.blend import Opinion, chosen, fit

RUDE = ["Du Trottel, lies doch erst.", "Was für ein widerlicher Idiot.", "Halt die Fresse, du Versager."]
CIVIL = ["Danke für den Artikel.", "Die Brücke ist zu teuer.", "Das sehe ich anders, der Bus reicht."]


def test_an_even_blend_lies_between_and_never_reaches_certainty(tmp_path):
    even = Blend.of(tmp_path / "unfitted.ckpt")
    assert even.name == "even"
    assert 0.2 < even.disrespect("de", 0.2, 0.8) < even.disrespect("de", 0.4, 0.8) < 0.8
    assert 0 < even.disrespect("de", 0, 0) < even.disrespect("de", 1, 1) < 1
    assert ALONE.disrespect("de", 0.2, 0.8) == pytest.approx(0.8)
    assert ALONE.kind(None, 0.2, 0.8) == pytest.approx(0.8)


def test_weights_are_kept_beside_the_checkpoint_by_language(tmp_path):
    checkpoint = tmp_path / "model.ckpt"
    save(checkpoint, {OTHERS: EVEN, "de": Weights(-1, 1, 0)})
    blend = Blend.of(checkpoint)
    assert blend.name.startswith("fitted ")
    assert blend.disrespect("de", 0.5, 0.99) == pytest.approx(0.269, abs=0.001)
    assert blend.kind("de", 0.3, 0.99) == pytest.approx(0.3)
    assert blend.disrespect("en", 0.2, 0.8) == blend.disrespect(None, 0.2, 0.8) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "content", ["", "[]", '{"format": 2}', '{"format": 1, "weights": {"de": {}}}', '{"format": 1, "weights": []}']
)
def test_a_file_that_holds_no_weights_is_refused_with_the_remedy(tmp_path, content):
    path_of(tmp_path / "model.ckpt").write_text(content)
    with pytest.raises(ModelError, match=r"model\.blend\.json holds no weights of a blend\. Delete it"):
        Blend.of(tmp_path / "model.ckpt")


def _opinions(language, n, *, embedded, detoxify, seed=3):
    """Comments of which the embedded judge and Detoxify know as much as is said: 0 nothing, 1 nearly everything."""
    dice = random.Random(seed)
    for _ in range(n):
        true = dice.random() < 0.4

        def says(knows, true=true):
            return min(0.99, max(0.01, 0.5 + (0.4 if true else -0.4) * knows + dice.uniform(-0.2, 0.2)))

        yield Opinion(language, says(embedded), says(detoxify), true)


def test_who_knows_a_language_better_counts_more_there():
    opinions = [*_opinions("de", 200, embedded=0.6, detoxify=0), *_opinions("en", 200, embedded=0.1, detoxify=0.6)]
    random.Random(1).shuffle(opinions)
    found = fit(opinions)
    assert set(found) == {OTHERS, "de", "en"}
    assert all(one.helps for one in found.values())
    weights = chosen(found)
    assert weights["de"].embedded > weights["de"].detoxify
    assert weights["en"].detoxify > weights["en"].embedded


def test_where_comments_are_few_or_nothing_is_to_be_gained_the_blend_stays_as_it_is():
    assert fit(list(_opinions("de", 40, embedded=1, detoxify=0))) == {}
    few = [*_opinions("de", 200, embedded=0.6, detoxify=0), *_opinions("fr", 20, embedded=0, detoxify=1)]
    assert "fr" not in fit(few)
    noise = fit(list(_opinions("de", 100, embedded=0, detoxify=0)))
    assert chosen(noise)[OTHERS] == (noise[OTHERS].weights if noise[OTHERS].helps else EVEN)


def test_the_command_fits_and_score_uses_what_was_fitted(checkpoint, judge, tmp_path, monkeypatch):
    monkeypatch.setattr(Judge, "load", classmethod(lambda cls: judge))
    lines = [
        json.dumps({"id": f"{i}", "text": f"{text} {i}", "labels": {"disrespectful": text in RUDE}})
        for i, text in enumerate(12 * (RUDE + CIVIL))
    ]
    few = CliRunner().invoke(
        main, ["models", "fit-blend", "--jsonl", "-", "--checkpoint", str(checkpoint)], input=lines[0]
    )
    assert few.exit_code == 1
    assert "1 labelled comments are too few: 60 are needed" in few.output

    options = ["models", "fit-blend", "--jsonl", "-", "--checkpoint", str(checkpoint)]
    result = CliRunner().invoke(main, options, input="\n".join([*lines, "no line"]))
    assert result.exit_code == 1
    assert "line 73: not JSON" in result.output
    assert f"Written to {path_of(checkpoint)}" in result.output
    try:
        assert Blend.of(checkpoint).weights[OTHERS].embedded > Blend.of(checkpoint).weights[OTHERS].detoxify
        options = ["score", "-", "--tone", "blend", "--checkpoint", str(checkpoint)]
        scored = CliRunner().invoke(main, options, input=lines[0])
        assert f", fitted {Blend.of(checkpoint).name[7:]}" in json.loads(scored.stdout)["engine"]
    finally:
        path_of(checkpoint).unlink()
