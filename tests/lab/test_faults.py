"""Receivers that die, stall and come back: nothing accepted is lost, little is repeated."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.lab.play import Way, judge, play
from tests.lab.scenarios import SCENARIOS, killed

pytestmark = pytest.mark.timeout(300)

RATE = 1000
SCALE = 0.6
HOLD_BACK = {"hold_back_seconds": 0.5}
OPTIONS = {
    "tcp": {"confirm_seconds": 0.5, **HOLD_BACK},
    "tls": {"confirm_seconds": 0.5, **HOLD_BACK},
    "http": {"connections": 32, **HOLD_BACK},
}
CASES = {
    "tcp": ("crash", "behind", "stop", "freeze", "proxy", "jumps"),
    "tls": ("crash", "freeze", "proxy"),
    "http": ("crash", "freeze", "proxy"),
}
KILLS = 10


@pytest.mark.parametrize("transport", CASES)
async def test_nothing_accepted_is_lost(transport: str, tmp_path: Path) -> None:
    """The scenarios of a transport run at the same time: they mostly wait."""
    way = Way(transport, options=OPTIONS[transport])
    plays = (play(SCENARIOS[name], way, tmp_path / name, RATE, SCALE) for name in CASES[transport])
    for outcome in await asyncio.gather(*plays):
        judge(outcome, RATE * SCALE)


async def test_kill_9_at_any_moment_loses_nothing_accepted(tmp_path: Path) -> None:
    """The bridge is killed; its receiver goes away and comes back meanwhile."""
    way = Way(options={"confirm_seconds": 0.2, "hold_back_seconds": 0.2})
    outcome = await play(killed(KILLS, seed=1), way, tmp_path, 3 * RATE, 1)
    judge(outcome, RATE)
    assert outcome.faults == KILLS


async def test_udp_takes_part(tmp_path: Path) -> None:
    """Nothing is promised there; what is paced arrives all the same."""
    outcome = await play(SCENARIOS["steady"], Way("udp"), tmp_path, RATE, SCALE)
    assert outcome.delivered == outcome.accepted > RATE * SCALE
    assert outcome.repeated == 0
    assert outcome.lost < outcome.accepted / 10
