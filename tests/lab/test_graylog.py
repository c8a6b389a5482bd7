"""Graylog's real inputs stopped and killed under load lose nothing that the bridge accepted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.graylog.judge import Judge
from tests.lab.play import Way, play
from tests.lab.play import judge as judged
from tests.lab.scenarios import SCENARIOS

pytestmark = pytest.mark.timeout(300)

RATE = 1000
SCALE = 0.6
CASES: dict[str, tuple[str, dict[str, object]]] = {
    "tcp": ("behind", {"confirm_seconds": 0.5}),
    "tls": ("stop", {"confirm_seconds": 0.5, "confirm": "close_notify"}),
    "http": ("behind", {}),
}


async def test_graylogs_own_inputs_lose_nothing(judge: Judge, tmp_path: Path) -> None:
    """The judge of the session is only needed to know whether there can be others."""
    plays = (
        play(
            SCENARIOS[scenario],
            Way(transport, judge.version, options={"hold_back_seconds": 1, **options}),
            tmp_path / transport,
            RATE,
            SCALE,
        )
        for transport, (scenario, options) in CASES.items()
    )
    for outcome in await asyncio.gather(*plays):
        judged(outcome, RATE)
