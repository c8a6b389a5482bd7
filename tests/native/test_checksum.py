"""The compiled checksum is that of zlib."""

from __future__ import annotations

import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.native import core

pytestmark = pytest.mark.skipif(core is None, reason="the compiled parts are not installed")

NOISE = random.Random(7).randbytes(70_000)


@given(st.binary(max_size=400), st.integers(0, 2**32 - 1))
def test_it_goes_on_from_any_sum(data: bytes, before: int) -> None:
    assert core.crc32(data, before) == zlib.crc32(data, before)


def test_every_length_and_every_alignment_is_right() -> None:
    """Blocks of 64 and of 16 octets are taken by other code than what is left."""
    view = memoryview(NOISE)
    for start in range(17):
        for size in (*range(300), 4095, 4096, 65_537):
            part = view[start : start + size]
            assert core.crc32(part) == zlib.crc32(part)


def test_it_can_be_taken_in_parts() -> None:
    for cut in (0, 1, 63, 64, 65, 1000, len(NOISE)):
        assert core.crc32(NOISE[cut:], core.crc32(NOISE[:cut])) == zlib.crc32(NOISE)


@pytest.mark.parametrize("data", [None, "text", 7])
def test_what_is_no_octets_is_refused(data: object) -> None:
    with pytest.raises(TypeError):
        core.crc32(data)
