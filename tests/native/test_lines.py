"""The compiled cutting of lines gives the frames that Python's gives."""

from __future__ import annotations

import random

import pytest

from bridge.native import core
from tests.native.streams import both_ways, cuts

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


@pytest.mark.parametrize("seed", range(300))
def test_frames_are_the_same(seed: int) -> None:
    rng = random.Random(seed)
    octets = b"".join(rng.choices(PIECES, k=rng.randrange(12)))
    compiled, usual = both_ways(octets, cuts(octets, rng))
    assert compiled == usual
