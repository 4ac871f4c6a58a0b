"""Folding sees through masks, and knows where each letter came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.judge.folding import _fold_peculiar, fold

ANY_TEXT = st.text(st.characters(codec=None), max_size=200)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("TROTTEL", "trottel"),
        ("Tröttel", "troettel"),
        ("Tro\u0308ttel", "troettel"),
        ("Id10t", "idiot"),
        ("V0llpf0sten", "vollpfosten"),
        ("іdiоt", "idiot"),  # Cyrillic і and о
        ("I d i o t", "idiot"),
        ("I.d.i.o.t", "idiot"),
        ("Idioooooooot", "idiooot"),
        ("ｉｄｉｏｔ", "idiot"),
        ("id\u200biot", "idiot"),
        ("Straße", "strasse"),
        ("30 ist das neue 50!", "30 ist das neue 50!"),
        ("1d10t", "idiot"),
        ("|d!ot und @rsch", "idiot und arsch"),
        ("in 10 km, um 5 Uhr, 3x 100m", "in 10 km, um 5 uhr, 3x 100m"),
        ("1 d 1 0 t", "1 d 1 0 t"),  # too few letters to tell it from a row of numbers
        ("I  d  1  o  t", "idiot"),
        ("I - d - i - o - t", "idiot"),
        ("I·d·i·o·t", "idiot"),
        ("🅘🅓🅘🅞🅣 ⓘⓓⓘⓞⓣ 🇮 d", "idiot idiot i d"),
        ("Ιdiоt", "idiot"),  # Greek Ι, Cyrillic о
        ("Idi\u00adot", "idiot"),
        ("I\u0336d\u0336i\u0336o\u0336t\u0336", "idiot"),
        ("Ausﬂug", "ausflug"),
        ("z. B. am 3. 4.", "z. b. am 3. 4."),
    ],
)
def test_spelling_is_folded_for_matching(written, folded):
    assert fold(written).text == folded


@given(ANY_TEXT)
def test_every_folded_character_knows_where_it_came_from(text):
    folded = fold(text)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    assert all(0 <= a < b <= len(text) for a, b in zip(folded.starts, folded.ends, strict=True))
    assert list(folded.starts) == sorted(folded.starts)


@given(st.text(st.sampled_from("aAbBeoÄüß015!$@. -,„“\n"), max_size=60))
def test_the_short_way_of_folding_gives_what_the_long_way_gives(text):
    short, long = fold(text), _fold_peculiar(text)
    assert (short.text, list(short.starts), list(short.ends)) == (long.text, list(long.starts), list(long.ends))


def test_the_place_of_a_spaced_out_word_spans_all_of_it():
    text = "Du I d i o t hier"
    folded = fold(text)
    at = folded.text.index("idiot")
    start, end = folded.origin(at, at + 5)
    assert text[start:end] == "I d i o t"


def test_ten_thousand_combining_marks_belong_to_the_letter_before():
    folded = fold("a" + "\u0301" * 10_000 + "b")
    assert folded.text == "ab"
    assert folded.origin(0, 1) == (0, 10_001)
