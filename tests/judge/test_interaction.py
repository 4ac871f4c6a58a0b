"""Word by word: what a comment says by other words than its article is heard, and what fits anywhere is not."""

import numpy as np
import pytest

from moderation.judge import artefacts
from moderation.judge import interaction as module
from moderation.judge.encoder import Encoder
from moderation.judge.interaction import NUMBERS, Interaction
from moderation.judge.network import Floats, Ints
from moderation.judge.relevance import FILE

POOL = "Das Freibad am Stadtrand bleibt im Sommer geschlossen. Die Becken sind undicht, das Sanieren kostet Millionen."
TAX = "Das Finanzgericht hat entschieden: Die Grundsteuer darf nach dem Wert des Bodens berechnet werden."
SWIMS = "Und wo sollen die Kinder jetzt schwimmen lernen, im Baggersee?"


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


@pytest.fixture(scope="module")
def interaction(encoder: Encoder) -> Interaction:
    return Interaction(artefacts.load(FILE), encoder.embeddings)


def test_a_comment_finds_its_article_without_a_word_in_common(encoder: Encoder, interaction: Interaction) -> None:
    own, other = (interaction.article(encoder.pieces(text), "de") for text in (POOL, TAX))
    here, there = (article.numbers(encoder.pieces(SWIMS)) for article in (own, other))
    assert here[0] > there[0] + 0.1, "how near"
    assert here[1] > there[1] + 0.1, "how much nearer than in any article"
    assert here[-1] > there[-1] + 0.05, "the pieces that stand out most"


def test_what_is_in_every_comment_says_nothing(encoder: Encoder, interaction: Interaction) -> None:
    article = interaction.article(encoder.pieces(POOL), "de")
    assert article.numbers(encoder.pieces("das ist nicht die, das ist der")) == [0.0] * NUMBERS
    assert article.numbers(encoder.pieces("")) == [0.0] * NUMBERS


def test_an_article_without_a_word_is_near_to_nothing(encoder: Encoder, interaction: Interaction) -> None:
    assert interaction.article(encoder.pieces(""), "de").numbers(encoder.pieces(SWIMS)) == [0.0] * NUMBERS


def test_the_numbers_are_the_same_whatever_was_asked_before(encoder: Encoder, interaction: Interaction) -> None:
    """To the last bit: a score must not depend on a comment's neighbours in the batch."""
    comment = encoder.pieces(SWIMS)
    alone = interaction.article(encoder.pieces(POOL), "de").numbers(comment)
    asked = interaction.article(encoder.pieces(POOL), "de")
    asked.numbers(encoder.pieces("Baggersee"))
    asked.numbers(
        encoder.pieces("Die Sanierung der Umkleiden hätte schon vor Jahren beginnen müssen, schwimmen hin oder her.")
    )
    assert asked.numbers(comment) == alone


def test_a_piece_has_the_same_vector_whichever_others_are_asked_for(encoder: Encoder, interaction: Interaction) -> None:
    pieces = encoder.pieces(POOL)
    together = interaction.vectors(pieces)
    for row, piece in enumerate(pieces):
        assert np.array_equal(interaction.vectors(np.array([piece]))[0], together[row])


def test_only_so_many_pieces_are_remembered(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    pool, tax = encoder.pieces(POOL), encoder.pieces(TAX)
    monkeypatch.setattr(module, "KEPT", len(pool) + 1)
    asked: list[int] = []

    def embed(pieces: Ints) -> Floats:
        asked.append(len(pieces))
        return encoder.embeddings(pieces)

    fresh = Interaction(artefacts.load(FILE), embed)
    before = fresh.vectors(pool)
    assert np.array_equal(fresh.vectors(pool), before)
    assert asked == [len(pool), 0]
    fresh.vectors(tax)
    assert np.array_equal(fresh.vectors(pool), before)
    assert asked[2:] == [len(tax), len(pool)]
