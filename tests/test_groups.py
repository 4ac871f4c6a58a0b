"""A group's name teaches no verdict: texts are said again about other groups, with their labels."""

import random

from moderation.judge.case import Kind
from training.corpus import Rated
from training.groups import EXCHANGES, exchanged


def test_a_text_is_said_again_about_others_with_its_labels_and_its_places() -> None:
    rude = Rated("alle muslime lügen, Muslime halt", ((Kind.IDENTITY_ATTACK, "alle muslime lügen"),), "third_party")
    found = exchanged(rude, "de", random.Random(1))
    assert len(found) == EXCHANGES
    for other in found:
        assert "muslime" not in other.text.lower()
        assert other.text.startswith("alle ")
        assert other.text.split()[1] == other.text.split()[1].lower()
        assert all(quote in other.text for _, quote in other.quotes)
        assert (other.kinds, other.target, other.disrespectful) == (rude.kinds, rude.target, True)


def test_a_text_that_names_no_group_is_not_said_again() -> None:
    assert exchanged(Rated("Der Bus kam pünktlich.", (), "none"), "de", random.Random(1)) == []
