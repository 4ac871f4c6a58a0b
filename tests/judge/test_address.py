import pytest

from moderation.judge.address import loudness, shouted, target
from moderation.judge.case import Article, Case, Parent, Target

ARTICLE = Article(title="Tempo 30 kommt", authors=("tje", "Lokalredaktion"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Du hast doch keine Ahnung, lern erst mal lesen.", Target.READER),
        ("@Ottokar: selten so einen Unfug gelesen", Target.READER),
        ("Ottokar redet wirr, wie immer.", Target.READER),
        ("Dieser Schreiberling kann nicht einmal rechnen.", Target.AUTHOR),
        ("Die Redaktion ist offenbar gekauft.", Target.AUTHOR),
        ("tje schreibt, was das Rathaus diktiert.", Target.AUTHOR),
        ("Diese Versager im Rathaus gehören abgewählt.", Target.THIRD_PARTY),
    ],
)
def test_the_target_is_read_off_the_text(text, expected):
    case = Case(text, article=ARTICLE, parent=Parent("Ich finde das gut.", "Ottokar"))
    assert target(case) is expected


def test_the_place_that_carries_the_insult_decides():
    text = (
        "Danke an die Redaktion für den Bericht. " + "Sachlich ist das gut gemacht. " * 8 + "Aber du bist ein Trottel."
    )
    start = text.index("Trottel")
    assert target(Case(text, article=ARTICLE), [(start, start + 7)]) is Target.READER


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
