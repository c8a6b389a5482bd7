"""The wall clock jumps, by years; delivery does not care."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge import config as configuration
from bridge.health import State
from bridge.plugins import EntryPoints
from bridge.service import Service
from bridge.testing import FakeGraylog
from tests.bridges import CONFIG
from tests.clocks import JumpingClock
from tests.lab.load import Load

YEAR = 365 * 24 * 3600


@pytest.mark.parametrize("jumps", [(YEAR, -2 * YEAR, 0), (-YEAR, -0.5, 3600)])
async def test_a_clock_that_jumps_costs_nothing(jumps: tuple[float, ...], tmp_path: Path) -> None:
    clock = JumpingClock()
    async with FakeGraylog() as graylog:
        source = str(tmp_path / "bridge.yaml")
        registry = EntryPoints()
        config = configuration.load(CONFIG % graylog.port, source, {}, registry)
        service = Service(config, registry, clock)
        running = asyncio.create_task(service.run())
        await service.started.wait()
        while (status := service.health.status("malops")) is None or status.state != State.OK:
            await asyncio.sleep(0.01)
        port = service.inputs["malops"].addresses[0][1]  # type: ignore[attr-defined]
        load = Load(500)
        loading = asyncio.create_task(load.run(port, 1.2))
        for jump in jumps:
            await asyncio.sleep(0.3)
            clock.ahead = jump
        await loading
        async with asyncio.timeout(20):
            while (await service.spool.balance()).inputs["malops"].accepted < load.written:
                await asyncio.sleep(0.01)
            await service.emptied()
        balance = await service.spool.balance()
        service.stop()
        await running
    assert balance.holds
    assert balance.outputs["graylog"].delivered == load.written > 100
    assert len({message.fields["event_uid"] for message in graylog.messages}) == load.written
