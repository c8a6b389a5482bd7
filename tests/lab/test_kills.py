"""The bridge killed at random moments under load loses nothing that it had accepted."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from tests.lab.lab import Outcome, lab

pytestmark = pytest.mark.timeout(300)

RATE = 3000


async def kill(folder: Path, times: int, rate: float, options: str = "") -> Outcome:
    """Kill the bridge so often; the receiver goes away and comes back meanwhile."""
    chance = random.Random(times)
    async with lab(folder, options=options) as own:
        await own.start()
        own.send(rate, 3600)
        for number in range(times):
            await asyncio.sleep(chance.uniform(0.05, 0.4))
            if number % 3 == 1:
                await own.receiver.kill()
            await own.bridge.kill()
            if not own.receiver.is_running:
                await own.receiver.start()
            await own.bridge.start()
        own.stop_sending()
        return await own.outcome()


async def test_kill_9_at_any_moment_loses_nothing_accepted(tmp_path: Path) -> None:
    outcome = await kill(tmp_path, 10, RATE, ", confirm_seconds: 0.2, hold_back_seconds: 0.2")
    assert outcome.accepted > RATE
    assert outcome.lost == 0
