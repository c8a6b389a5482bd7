"""Graylog's real inputs stopped and killed under load lose nothing that the bridge accepted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.graylog.judge import Judge
from tests.lab.graylog import GraylogReceiver
from tests.lab.lab import Outcome, lab
from tests.lab.scenarios import SCENARIOS

pytestmark = pytest.mark.timeout(300)

RATE = 1000
CASES = {
    "tcp": ("behind", ", confirm_seconds: 0.5, hold_back_seconds: 1"),
    "tls": ("stop", ", confirm: close_notify, confirm_seconds: 0.5, hold_back_seconds: 1"),
    "http": ("behind", ", bulk: true, hold_back_seconds: 1"),
}


async def play(transport: str, folder: Path, version: str) -> Outcome:
    folder.mkdir()
    scenario, options = CASES[transport]
    async with lab(folder, transport, options) as own:
        own.receiver = GraylogReceiver(folder, transport == "tls", version)
        await SCENARIOS[scenario](own, RATE, 0.6)
        return await own.outcome()


async def test_graylogs_own_inputs_lose_nothing(judge: Judge, tmp_path: Path) -> None:
    """The judge of the session is only needed to know whether there can be others."""
    plays = (play(transport, tmp_path / transport, judge.version) for transport in CASES)
    outcomes = dict(zip(CASES, await asyncio.gather(*plays), strict=True))
    assert {name: outcome.lost for name, outcome in outcomes.items()} == dict.fromkeys(CASES, 0)
    assert all(outcome.accepted > RATE for outcome in outcomes.values())
