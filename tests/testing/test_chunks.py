"""Chunks are collected as Graylog collects them: by id alone, at most 128, for five seconds."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.testing.chunks import MAGIC, MAX_CHUNKS, Chunks


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def chunk(number: int, count: int, data: bytes = b"", key: bytes = b"the-key-") -> bytes:
    return MAGIC + key + bytes([number, count]) + data


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def chunks(clock: Clock) -> Chunks:
    return Chunks(clock)


@given(st.binary(min_size=1), st.integers(1, MAX_CHUNKS), st.randoms(use_true_random=False))
def test_a_message_comes_together_from_chunks_in_any_order(
    data: bytes, count: int, random: Random
) -> None:
    size = -(-len(data) // count)
    parts = [chunk(n, count, data[n * size : (n + 1) * size]) for n in range(count)]
    random.shuffle(parts)
    chunks = Chunks(Clock())
    assert [chunks.add(part) for part in parts] == [None] * (count - 1) + [data]
    assert chunks.lost == []


def test_what_is_no_chunk_is_a_message(chunks: Chunks) -> None:
    assert chunks.add(b"{}") == b"{}"


def test_the_second_chunk_of_one_number_is_ignored(chunks: Chunks) -> None:
    chunks.add(chunk(0, 2, b"first"))
    assert chunks.add(chunk(0, 2, b"second")) is None
    assert chunks.add(chunk(1, 2, b" end")) == b"first end"
    assert chunks.lost == ["chunk 0 came twice"]


def test_two_senders_with_one_id_disturb_each_other(chunks: Chunks) -> None:
    """The table knows only the id, so ids must be random."""
    chunks.add(chunk(0, 2, b"from one"))
    assert chunks.add(chunk(1, 2, b", from another")) == b"from one, from another"


@pytest.mark.parametrize("datagram", [chunk(3, 3), chunk(0, 0), MAGIC + b"short"])
def test_an_impossible_chunk_is_discarded(chunks: Chunks, datagram: bytes) -> None:
    assert chunks.add(datagram) is None
    assert len(chunks.lost) == 1


def test_a_message_waits_five_seconds_for_its_chunks(chunks: Chunks, clock: Clock) -> None:
    chunks.add(chunk(0, 2, b"late", b"in-time-"))
    chunks.add(chunk(0, 2, b"lost", b"too-late"))
    clock.now += 5.0
    assert chunks.add(chunk(1, 2, b"!", b"in-time-")) == b"late!"
    clock.now += 0.1
    assert chunks.add(chunk(1, 2, b"!", b"too-late")) is None
    assert chunks.lost == ["1 of 2 chunks came in time"]
