"""Octet streams for the differential tests: frames in every framing, cut anywhere."""

from __future__ import annotations

import random
from unittest import mock

from bridge.syslog import Framer, framing

MAX_FRAME_BYTES = 400
"""Small, so that many frames of the tests are over-long."""

Cut = list[tuple[bytes, frozenset[str]]]


def stream(frames: list[bytes], rng: random.Random) -> bytes:
    """The frames behind each other, each with an end or a count of its own."""
    return b"".join(framed(frame, rng) for frame in frames)


def framed(frame: bytes, rng: random.Random) -> bytes:
    """A frame as one kind of sender or another writes it; one of ten counts wrongly."""
    kind = rng.randrange(10)
    if kind < 4:
        return frame + b"\n"
    if kind < 8:
        return frame + [b"\r\n", b"\0", b"\n\n", b""][kind - 4]
    wrong = rng.choice([-3, 1, 5000]) if kind == 9 else 0
    return b"%d %s" % (max(0, len(frame) + wrong), frame)


def cuts(octets: bytes, rng: random.Random) -> list[int]:
    """Where the stream is cut into reads."""
    return sorted(rng.randrange(len(octets) + 1) for _ in range(rng.randrange(5)))


def frames_of(octets: bytes, places: list[int], max_bytes: int = MAX_FRAME_BYTES) -> Cut:
    """The frames of a stream that arrives in pieces, each with its repairs."""
    framer = Framer(max_bytes)
    found: Cut = []
    for start, end in zip([0, *places], [*places, len(octets)], strict=True):
        found += flagged(framer, framer.feed(octets[start:end]))
    return found + flagged(framer, framer.finish())


def flagged(framer: Framer, frames: list[bytes]) -> Cut:
    return [(frame, framer.flags.get(i, frozenset())) for i, frame in enumerate(frames)]


def both_ways(octets: bytes, places: list[int]) -> tuple[Cut, Cut]:
    """What the compiled cutter makes of it, and what Python does."""
    compiled = frames_of(octets, places)
    with mock.patch.object(framing, "core", None):
        return compiled, frames_of(octets, places)
