"""A site's word list meets what a German reader means by a word, however it is masked, and nothing else."""

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.judge.words import MOST, WordList, WordListError

LISTED = WordList(["Idiot", "arsch", "Trottel", "Sau", "dumm", "Hurensohn", "Esel", "fick dich", "Blödmann", "Spaß"])


def met(text: str) -> list[str]:
    return [text[place.start : place.end] for place in LISTED.find(text)]


@pytest.mark.parametrize(
    "word",
    [
        *("Idiot", "Idioten", "IDIOTEN", "Vollidiot", "Fachidioten", "Idiotenhügel", "Idiotin"),
        *("Idiot:innen", "Idiot*innen", "Idiot_innen", "IdiotInnen", "Idiot/innen", "Idiot(inn)en"),
        *("Arsch", "Arschloch", "Arschlöcher", "Knackarsch", "Volltrottel", "Volltrotteltest", "Dorftrotteln"),
        *("Säue", "Wildsau", "Drecksäuen", "dümmer", "dümmste", "strohdumm", "Hurensöhne", "Drahtesel"),
        *("Bloedmann", "Blo\u0308dmann", "BLÖDMANN", "Spass"),
    ],
)
def test_a_word_is_met_inflected_in_compounds_and_in_other_spellings(word):
    assert met(f"So ein {word}, ja.") == [word]


@pytest.mark.parametrize(
    "word",
    [
        *("Idiotikon", "Idiotie", "Marsch", "Barsch", "Harsch", "Aufmarschgebiet", "Parademarsch", "Kommissar schon"),
        *("sauer", "sauber", "Sauerkraut", "Arbeitsausgabe", "Saurier", "saugen", "Brösel", "Diesel", "Fessel"),
        *("es war schön", "Trottoir", "Dummheit", "spazieren", "ficktiv dich"),
        "T*****l",  # so few letters are left that it might be anything
    ],
)
def test_a_word_that_only_looks_like_it_is_not_met(word):
    assert met(f"So ein {word}, ja.") == []


@pytest.mark.parametrize(
    "masked",
    [
        *(
            "1d10t",
            "V0llid1ot",
            "|diot",
            "B1ödmann",
            "Trotte1n",
            "@rschloch",
            "Idi*t",
            "Tr**tel",
            "I d i o t",
            "I.d.i.o.t",
            "I  d  1  o  t",
        ),
        *(
            "Idiooooot",
            "Trooottel",
            "іdіоt",
            "Ιdiоt",
            "id\u200biot",
            "Idi\u00adot",
            "I\u0336d\u0336i\u0336ot",
            "Idi-ot",
        ),
        *("ｉｄｉｏｔ", "𝐈𝐝𝐢𝐨𝐭", "🅸🅳🅸🅾🆃"),
    ],
)
def test_masks_are_seen_through_and_the_readers_own_text_is_shown(masked):
    assert met(f"Du {masked}, du!") == [masked]


def test_words_written_together_are_told_apart_by_capitals_and_marks():
    assert met("DuIdiot! Du Trottel!Schäm dich, du--Esel") == ["Idiot", "Trottel", "Esel"]


def test_phrases_are_met_across_any_white_space():
    assert met("Ach, FICK\n  dich doch") == ["FICK\n  dich"]


def test_a_phrase_is_met_once_whatever_words_of_it_are_listed_too():
    (place,) = WordList(["Idiot", "alter Idiot"]).find("Du alter Idiot!")
    assert place.word == "alter Idiot"


def test_an_entry_in_the_plural_meets_the_singular_and_a_verb_is_met_conjugated():
    listed = WordList(["Idioten", "labern"])
    text = "Der Idiot laberst nur, sie hat mit Idiotinnen gelabert"
    assert [text[place.start : place.end] for place in listed.find(text)] == [
        *("Idiot", "laberst", "Idiotinnen", "gelabert")
    ]


def test_an_excepted_word_is_never_met():
    listed = WordList(["Idiot", "Arsch"], excepted=["Idiotenhügel", "Arschbombe"])
    text = "Vom Idiotenhügel mit Arschbomben ins Tal, ihr Idioten"
    assert [text[place.start : place.end] for place in listed.find(text)] == ["Idioten"]


def test_a_place_names_the_entry_it_meets():
    (place,) = LISTED.find("Volltrottel")
    assert place.word == "Trottel"


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        *(("", "no letters"), ("!!", "no letters"), ("a", "too short"), ("und", "every text"), ("heit", "every text")),
        ("Idiot" * 21, "longer than 100"),
    ],
)
def test_an_entry_that_would_do_harm_is_refused_with_the_reason(entry, fault):
    with pytest.raises(WordListError, match=fault):
        WordList(["Idiot", entry])


def test_a_list_that_is_too_long_is_refused():
    with pytest.raises(WordListError, match="10001"):
        WordList(["Idiot"] * (MOST + 1))


@given(st.text(st.characters(codec=None), max_size=200))
@settings(max_examples=200, deadline=None)
def test_places_lie_in_the_text_in_order_whatever_the_text(text):
    places = LISTED.find(f"{text} Idiot {text}")
    assert all(one.end <= two.start for one, two in pairwise(places))
    assert all(0 <= place.start < place.end <= 2 * len(text) + 7 for place in places)


@given(
    st.lists(st.sampled_from(["Wetter", "Rat", "gut", "zum", "42", "–"]), max_size=8),
    st.sampled_from(["Idiot", "1d10t", "I d i o t", "Vollidioten", "Arschloch"]),
)
@settings(deadline=None)
def test_offsets_point_into_the_readers_own_text(around, word):
    before = "".join(f"{one}, " for one in around)
    assert [(place.start, place.end) for place in LISTED.find(f"{before}{word}. Ende")] == [
        (len(before), len(before) + len(word))
    ]


def _made_up(number: int) -> str:
    syllables = ("bra", "kel", "mon", "tis", "ru", "fal", "sig", "do", "wen", "pla")
    return "".join(syllables[int(digit)] for digit in f"{number:05d}")


def _fastest(listed: WordList, text: str) -> float:
    """Seconds of processor time: others may be at work."""
    took = []
    for _ in range(3):
        began = time.thread_time()
        listed.find(text)
        took.append(time.thread_time() - began)
    return min(took)


def test_ten_thousand_words_take_time_in_proportion_to_the_text():
    many, few = WordList(map(_made_up, range(MOST))), WordList(map(_made_up, range(10)))
    text = " ".join(f"{_made_up(3 * number)} und das" for number in range(200))
    assert _fastest(many, text * 8) < 8 * 3 * _fastest(many, text)
    assert _fastest(many, text * 4) < 5 * _fastest(few, text * 4)


@pytest.mark.parametrize("unit", ["a", "a ", "idiot", "a.", "i*", "<", "\u0301", "1", "ä", "Ia"])
def test_evil_texts_take_time_in_proportion_to_their_length(unit):
    short, long = unit * (20_000 // len(unit)), unit * (160_000 // len(unit))
    assert _fastest(LISTED, long) < 8 * 3 * _fastest(LISTED, short)
