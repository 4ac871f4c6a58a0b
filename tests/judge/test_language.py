import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.judge.language import Languages, base_language

LANGUAGES = Languages()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Das sehe ich ganz genauso, der Rat hat recht.", "de"),
        ("I could not agree more with the council.", "en"),
        ("Je ne suis pas du tout d'accord avec cette décision.", "fr"),
        ("Nie zgadzam się z tą decyzją rady miasta.", "pl"),
        ("Det är en mycket bra idé tycker jag faktiskt.", "sv"),
    ],
)
def test_a_sentence_tells_its_language(text, language):
    assert LANGUAGES.identify(text) == language


@pytest.mark.parametrize("text", ["Genau!", "Gut so.", "hat jemand ne katze", "Super", "Na und?"])
def test_short_comments_lean_on_the_language_of_their_article(text):
    assert LANGUAGES.identify(text, "de-AT") == "de"


def test_an_english_comment_under_a_german_article_stays_english():
    assert LANGUAGES.identify("This is a wonderful decision for everyone in town.", "de") == "en"


@pytest.mark.parametrize("text", ["", "12345", "😀😀😀", "!!!", "\ud800"])
def test_without_letters_there_is_no_language(text):
    assert LANGUAGES.identify(text, "de") is None


def test_a_short_word_without_a_hint_may_stay_unknown():
    assert LANGUAGES.identify("Ok") is None


@given(st.text(st.characters(codec=None), max_size=100), st.sampled_from([None, "de", "en-GB", "xx", ""]))
def test_identifying_never_raises(text, hint):
    assert LANGUAGES.identify(text, hint) is None or len(LANGUAGES.identify(text, hint)) == 2


def test_tags_are_reduced_to_their_language():
    assert (base_language("de_CH"), base_language("pt-BR"), base_language("tlh"), base_language(None)) == (
        "de",
        "pt",
        None,
        None,
    )
