"""An outage of an hour, simulated by rate: memory stays flat, and the backlog drains quickly."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.lab.lab import lab
from tests.long.conftest import Table

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

HOUR = 3600
LIVE_RATE = 100
SPEED_UP = 60
"""The hour takes a minute, at sixty times the rate."""
WARM_UP_SECONDS = 10
SLACK_BYTES = 16 * 1024 * 1024


async def test_memory_is_flat_over_an_outage_of_an_hour(tmp_path: Path, table: Table) -> None:
    async with lab(tmp_path) as own:
        await own.start()
        await own.receiver.kill()
        own.send(LIVE_RATE * SPEED_UP, HOUR / SPEED_UP)
        await asyncio.sleep(WARM_UP_SECONDS)
        warm = own.bridge.memory()
        most = warm
        for _ in range(HOUR // SPEED_UP - WARM_UP_SECONDS):
            await asyncio.sleep(1)
            most = max(most, own.bridge.memory())
        await own.sent()
        backlog = await own.accepted()
        loop = asyncio.get_running_loop()
        start = loop.time()
        await own.receiver.start()
        own.send(LIVE_RATE, 10)
        outcome = await own.outcome(timeout=400)
        seconds = loop.time() - start
    table.add(f"an hour away at {LIVE_RATE}/s", "tcp, fake Graylog", outcome, 1)
    assert outcome.lost == 0
    assert backlog > 0.9 * LIVE_RATE * HOUR
    assert most - warm < SLACK_BYTES
    assert backlog / seconds > LIVE_RATE * SPEED_UP / 2
