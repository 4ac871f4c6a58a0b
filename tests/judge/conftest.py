"""One of each for all tests of the judge: loading takes seconds, and nothing of it holds a state a test could spoil."""

import pytest

from moderation.judge.encoder import Encoder


@pytest.fixture(scope="session")
def encoder():
    return Encoder()


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """A checkpoint in Detoxify's format, of the true architecture with one layer, whose scores are spread."""
    from benchmarks.stock import Size, make_checkpoint  # torch takes seconds, which most tests here need not wait for

    return make_checkpoint(tmp_path_factory.mktemp("detoxify"), Size(1, 32, 2), most_pieces=2000, spread=30)
