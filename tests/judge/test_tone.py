import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.judge import Article, Case, Kind, Parent, Target, artefacts
from moderation.judge.artefacts import WeightsError
from moderation.judge.ngrams import BUCKETS, grams, rows_of, weights_of

WEIGHTS = Path(artefacts.__file__).parent / "weights"


def disrespect(judge, text):
    return judge.assess([Case(text, language="de")])[0].disrespect


@pytest.mark.parametrize(
    ("rude", "civil"),
    [
        ("Du Vollidiot, lern erst mal lesen.", "Sie irren sich, lesen Sie bitte noch einmal den zweiten Absatz."),
        ("Solche Trottel wie du sollten nicht wählen.", "Solche Fragen sollten wir alle stellen."),
        (
            "Dieser Schwachkopf im Rathaus ist zu dumm zum Rechnen.",
            "Der Rat hat falsch gerechnet, das kostet uns Millionen.",
        ),
        ("Sie sind ein Idiot.", "Ich bin ein Idiot, ich habe die Regel übersehen."),
        ("Sie Trottel haben nichts verstanden.", "Wer andere „Trottel“ nennt, hat schon verloren."),
        ("You are a complete moron.", "I think the council made a reasonable decision."),
    ],
)
def test_an_insult_weighs_more_than_its_harmless_twin(judge, rude, civil):
    assert disrespect(judge, rude) > max(0.45, disrespect(judge, civil) + 0.3)


@pytest.mark.parametrize("text", ["Du Trottel, die Brücke ist längst fertig.", "Sie sind ein Idiot.", "You moron."])
def test_an_insult_thrown_at_somebody_is_disrespect_beyond_doubt(judge, text):
    assert disrespect(judge, text) > 0.89


@pytest.mark.parametrize(
    "text",
    [
        "Marschmallow, Marsch, Spezialist und Kakadu sind schöne Wörter.",
        "Familie Kackert aus Kackertshausen hat die Straße ausgebaut.",
        "Das war eine Fehlentscheidung des Ministers, und sie kostet uns viel Geld.",
        "Danke für den ausgewogenen Bericht!",
    ],
)
def test_harmless_comments_stay_harmless(judge, text):
    assert disrespect(judge, text) < 0.35


@pytest.mark.parametrize(
    "text",
    [
        "So ein Scheißwetter heute, der ganze Markt ist nass.",
        "Scheißregen, mein Keller steht unter Wasser.",
        "Der Scheißbus kommt nie pünktlich.",
        "Dieses beschissene Formular hat 14 Seiten!",
    ],
)
def test_swearing_at_the_weather_or_a_thing_is_profanity_but_hardly_disrespect(judge, text):
    (assessment,) = judge.assess([Case(text)])
    assert assessment.kinds[Kind.PROFANITY] > 0.5
    assert assessment.disrespect < 0.4
    assert {span.kind for span in assessment.spans} == {Kind.PROFANITY}


def test_the_insult_is_underlined(judge):
    text = "Ehrlich gesagt: du bist ein Vollidiot, mehr sage ich dazu nicht."
    (assessment,) = judge.assess([Case(text, parent=Parent("Ich bin dafür.", "Otto"))])
    assert [text[span.start : span.end] for span in assessment.spans] == ["du bist ein Vollidiot"]
    assert assessment.target is Target.READER


@pytest.mark.parametrize("text", ["Der Galgen im Museum ist von 1540.", "Die Formel 1 war geiler heute."])
def test_what_is_aimed_at_no_one_has_no_words_that_put_somebody_down(judge, text):
    assert judge.assess([Case(text, language="de")])[0].spans == ()


def test_contempt_without_a_swear_word_is_underlined_and_what_stands_beside_it_is_not(judge):
    contempt = "Leute wie Sie haben noch nie gearbeitet und wollen uns jetzt erklären, wie man spart"
    text = f"{contempt}. Der Rat tagt am Montag."
    (assessment,) = judge.assess([Case(text)])
    assert assessment.disrespect > 0.5
    assert [text[span.start : span.end] for span in assessment.spans] == [contempt]


def test_the_share_of_put_down_counts_the_sentences_that_put_somebody_down(judge):
    rude, civil = "Sie sind ein Idiot.", "Der Rat tagt am Montag um sechs und entscheidet über die neue Brücke."
    only, half, none = judge.assess([Case(rude), Case(f"{civil} {rude}"), Case(civil)])
    assert (only.put_down_share, none.put_down_share) == (1, 0)
    assert half.put_down_share == pytest.approx(len(rude) / len(rude + civil))
    assert [s.disrespect >= 0.5 for s in half.sentences] == [False, True]


def test_shouting_is_a_kind_of_its_own(judge):
    (assessment,) = judge.assess([Case("DAS IST DOCH ALLES NICHT MEHR NORMAL!!!!")])
    assert assessment.kinds[Kind.SHOUTING] > 0.8
    assert Kind.SHOUTING in {span.kind for span in assessment.spans}


ARTICLE = Article(title="Tempo 30 kommt", authors=("tje", "Lokalredaktion"), language="de")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Du hast doch keine Ahnung, du Trottel, lern erst mal lesen.", Target.READER),
        ("@Ottokar: selten so einen Schwachkopf gelesen", Target.READER),
        ("Dieser Schreiberling kann nicht einmal rechnen, so ein Trottel.", Target.AUTHOR),
        ("Die Redaktion ist offenbar gekauft, ihr Schmierfinken.", Target.AUTHOR),
        ("Diese Versager im Rathaus sind zu dumm zum Rechnen.", Target.THIRD_PARTY),
    ],
)
def test_it_is_told_whom_a_put_down_goes_against(judge, text, expected):
    (assessment,) = judge.assess([Case(text, article=ARTICLE, parent=Parent("Ich finde das gut.", "Ottokar"))])
    assert assessment.target is expected


def test_a_civil_comment_is_aimed_at_no_one(judge):
    (assessment,) = judge.assess([Case("Ich finde die Entscheidung richtig und danke dem Rat dafür.")])
    assert (assessment.target, assessment.spans) == (Target.NONE, ())


@given(st.lists(st.text(max_size=60), min_size=1, max_size=5))
def test_many_texts_at_once_have_the_ngrams_each_has_alone(texts):
    rows = rows_of(texts)
    ends = [*rows.first[1:], len(rows.bucket)]
    for text, first, end in zip(texts, rows.first, ends, strict=True):
        buckets, values = weights_of(grams(text))
        assert rows.bucket[first:end].tolist() == buckets.tolist()
        assert np.allclose(rows.value[first:end], values, atol=1e-6)


@given(st.text(st.characters(codec=None), max_size=300))
def test_ngrams_lie_within_the_text_and_their_values_have_length_one(text):
    found = grams(text)
    assert ((found.start >= 0) & (found.start <= found.end) & (found.end <= len(text))).all()
    assert (found.bucket < BUCKETS).all()
    _, values = weights_of(found)
    assert np.isclose((values**2).sum(), 1, atol=1e-4)


@pytest.fixture
def copied_weights(tmp_path):
    shutil.copytree(WEIGHTS, tmp_path / "weights")
    return tmp_path / "weights"


def test_the_shipped_weights_are_those_of_the_manifest(copied_weights):
    for name in ("tone.npz", "relevance.npz"):
        assert artefacts.load(name, copied_weights)


def test_a_damaged_file_is_refused_with_its_name_and_the_remedy(copied_weights):
    path = copied_weights / "tone.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"tone\.npz has a wrong checksum.*make train"):
        artefacts.load("tone.npz", copied_weights)


def test_a_missing_file_is_refused(copied_weights):
    (copied_weights / "tone.npz").unlink()
    with pytest.raises(WeightsError, match=r"tone\.npz cannot be read"):
        artefacts.load("tone.npz", copied_weights)


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"format": 999, "sha256": {}})])
def test_a_manifest_of_another_version_is_refused(copied_weights, content):
    (copied_weights / "manifest.json").write_text(content)
    with pytest.raises(WeightsError, match=r"manifest\.json"):
        artefacts.load("tone.npz", copied_weights)


def test_a_file_the_manifest_does_not_know_is_refused(copied_weights):
    with pytest.raises(WeightsError, match="not listed"):
        artefacts.load("other.npz", copied_weights)
