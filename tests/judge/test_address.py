import pytest

from moderation.judge.address import SIGNS, loudness, shouted, signs
from moderation.judge.case import Article, Case, Parent

ARTICLE = Article(title="Tempo 30 kommt", authors=("tje", "Lokalredaktion"))


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("Du hast doch keine Ahnung, lern erst mal lesen.", "reader"),
        ("@Ottokar: selten so einen Unfug gelesen", "names whom it answers"),
        ("Dieser Schreiberling kann nicht einmal rechnen.", "author"),
        ("tje schreibt, was das Rathaus diktiert.", "author"),
        ("Wie üblich hat er nichts verstanden.", "he"),
    ],
)
def test_signs_of_whom_a_comment_goes_against_are_read_off_the_text(text, sign):
    case = Case(text, article=ARTICLE, parent=Parent("Ich finde das gut.", "Ottokar"))
    found = dict(zip(SIGNS, signs(case), strict=True))
    assert found[sign] > 0
    assert (found["answers"], found["under an article"]) == (1, 1)


def test_a_comment_that_stands_alone_and_names_nobody_gives_no_sign():
    assert not any(signs(Case("Das Wetter war gut.")))


@pytest.mark.parametrize(
    "text", ["DAS IST DOCH ALLES EIN EINZIGER BETRUG", "Unglaublich!!!!!", "Jetzt REICHT ES UNS ABER ENDLICH!!!"]
)
def test_shouting_is_heard(text):
    assert shouted(text)
    assert loudness(text) > 0.25


@pytest.mark.parametrize("text", ["Die CDU und die SPD im NDR", "Das ist WIRKLICH wichtig!", "Gut so!", "LKW, PKW", ""])
def test_abbreviations_and_one_loud_word_are_no_shouting(text):
    assert not shouted(text)
    assert loudness(text) < 0.1
