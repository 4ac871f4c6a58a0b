from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.judge.text import html_to_text, legible, sentences, words

ANY_TEXT = st.text(st.characters(codec=None), max_size=200)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Erster Absatz</p><p>Zweiter</p>", "Erster Absatz\n\nZweiter"),
        ("oben<br>unten<br/>ganz unten", "oben\nunten\nganz unten"),
        ("<blockquote>Zitat</blockquote>Antwort", "Zitat\nAntwort"),
        ("<ul><li>eins</li><li>zwei</li></ul>", "eins\n\nzwei"),
        ("Müller &amp; S&ouml;hne &lt;3&nbsp;x", "Müller & Söhne <3 x"),
        ("a<script>alert('x')</script>b<style>p{}</style>c", "abc"),
        ("<b>fett</b>gedruckt", "fettgedruckt"),
        ("offen <p gebrochen", "offen"),
        ("", ""),
    ],
)
def test_html_becomes_the_text_a_reader_sees(html, text):
    assert html_to_text(html) == text


def test_html_nested_a_hundred_thousand_deep_is_read():
    assert html_to_text("<div>" * 100_000 + "tief") == "tief"


@given(ANY_TEXT)
def test_html_to_text_never_raises(html):
    assert "\ud800" not in html_to_text(html)


def test_sentences_end_at_marks_but_not_at_abbreviations_or_dates():
    text = "Das ist z. B. am 3. Oktober so. Dr. Weber sagt: „Nein!“ Und du?\nIch auch"
    assert [text[a:b] for a, b in sentences(text)] == [
        "Das ist z. B. am 3. Oktober so.",
        "Dr. Weber sagt: „Nein!“",
        "Und du?",
        "Ich auch",
    ]


@given(ANY_TEXT)
def test_sentences_are_ordered_and_cover_everything_but_blanks(text):
    found = sentences(text)
    assert all(a < b for a, b in found)
    assert all(one[1] <= two[0] for one, two in pairwise(found))
    assert "".join("".join(text[a:b] for a, b in found).split()) == "".join(text.split())


def test_words_have_letters_or_digits():
    text = "Na ja – 30 km/h, E-Bike & so’n Kram …"
    assert [text[a:b] for a, b in words(text)] == ["Na", "ja", "30", "km", "h", "E-Bike", "so’n", "Kram"]


def test_what_no_tokenizer_can_read_is_replaced_one_for_one():
    assert legible("a\ud800b\x00c") == "a\ufffdb\ufffdc"
