"""The targets of `make fuzz`, on what chance makes of a sound input: nothing strangers write breaks what reads it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.fuzzing import TARGETS


def _mangled(seed: bytes) -> st.SearchStrategy[bytes]:
    """The seed with pieces cut out and others put in."""

    def mangle(cuts: list[tuple[int, int, bytes]]) -> bytes:
        data = seed
        for at, length, put_in in cuts:
            begin = at % (len(data) + 1)
            data = data[:begin] + put_in + data[begin + length :]
        return data

    piece = st.one_of(st.binary(max_size=8), st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace")))
    return st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 30), piece), max_size=6).map(mangle)


@pytest.mark.parametrize("name", TARGETS)
@hypothesis_settings(max_examples=60)
@given(data=st.data())
def test_what_must_hold_of_a_target_holds(name: str, data: Any) -> None:
    target, seed = TARGETS[name]
    target(seed)
    target(data.draw(_mangled(seed)))
