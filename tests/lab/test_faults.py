"""Receivers that die, stall and come back: nothing accepted is lost, little is repeated."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.lab.lab import Outcome, lab
from tests.lab.scenarios import SCENARIOS

pytestmark = pytest.mark.timeout(300)

RATE = 1000
SCALE = 0.6
CONFIRM_SECONDS = 0.5
HOLD_BACK_SECONDS = 0.5
OPTIONS = f", hold_back_seconds: {HOLD_BACK_SECONDS}"
CONFIRM = f", confirm_seconds: {CONFIRM_SECONDS}"

CASES = {
    "tcp": ("crash", "behind", "stop", "freeze", "proxy"),
    "tls": ("crash", "freeze", "proxy"),
    "http": ("crash", "proxy"),
}


async def play(scenario: str, transport: str, folder: Path) -> Outcome:
    """One scenario in a folder of its own."""
    folder.mkdir()
    options = OPTIONS + (", bulk: true" if transport == "http" else CONFIRM)
    async with lab(folder, transport, options) as own:
        faults = await SCENARIOS[scenario](own, RATE, SCALE)
        outcome = await own.outcome()
    assert outcome.delivered == outcome.accepted > RATE * SCALE
    assert outcome.repeated <= faults * RATE * (2 * CONFIRM_SECONDS + HOLD_BACK_SECONDS + 2)
    return outcome


@pytest.mark.parametrize("transport", CASES)
async def test_nothing_accepted_is_lost(transport: str, tmp_path: Path) -> None:
    """The scenarios of a transport run at the same time: they mostly wait."""
    names = CASES[transport]
    outcomes = await asyncio.gather(*(play(name, transport, tmp_path / name) for name in names))
    lost = {name: outcome.lost for name, outcome in zip(names, outcomes, strict=True)}
    assert lost == dict.fromkeys(names, 0)
