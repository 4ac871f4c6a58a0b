"""One judge for all tests of the judge: loading it takes seconds, and it holds no state a test could spoil."""

import pytest

from moderation.judge import Judge
from moderation.judge.encoder import Encoder


@pytest.fixture(scope="session")
def judge():
    return Judge.load()


@pytest.fixture(scope="session")
def encoder():
    return Encoder()
