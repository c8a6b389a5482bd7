"""The compiled cutting of lines gives the frames that Python's gives."""

from __future__ import annotations

import random

import pytest

from bridge.native import core
from bridge.syslog import Framer, framing

pytestmark = pytest.mark.skipif(core is None, reason="the compiled parts are not installed")

PIECES = [
    *(b"<134>Jan  2 03:04:05 fw-1 app: CEF:0|A|B|1|2|C|5|src=x\n", b"CEF:0|A|B|1|2|C|5|\r\n"),
    *(b"CEF:0|A|B|1|2|C|5|msg=one\ntwo\n", b"37 CEF:0|A|B|1|2|C|5|src=192.0.2.7 spt=12", b"<1>x\n"),
    *(
        b"CEF:0|A|\0",
        b"\n",
        b"\r\n",
        b"no record\n",
        b"CEF:0|A|B|1|2|C|5|" + b"x" * 200 + b"\n",
        b"C",
    ),
]


def frames(stream: bytes, cuts: list[int]) -> list[tuple[bytes, frozenset[str]]]:
    """The frames of a stream that arrives in pieces, each with its repairs."""
    framer = Framer(100)
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        new = framer.feed(stream[start:end])
        found += [(frame, framer.flags.get(i, frozenset())) for i, frame in enumerate(new)]
    new = framer.finish()
    return found + [(frame, framer.flags.get(i, frozenset())) for i, frame in enumerate(new)]


@pytest.mark.parametrize("seed", range(300))
def test_frames_are_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    stream = b"".join(rng.choices(PIECES, k=rng.randrange(12)))
    cuts = sorted(rng.randrange(len(stream) + 1) for _ in range(rng.randrange(4)))
    compiled = frames(stream, cuts)
    monkeypatch.setattr(framing, "core", None)
    assert frames(stream, cuts) == compiled
