"""An outage of an hour, simulated by rate: memory stays flat, and the backlog drains quickly."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.lab.lab import Lab
from tests.lab.play import Way, judge, play
from tests.long.delivery.conftest import Table

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

HOUR = 3600
LIVE_RATE = 100
SPEED_UP = 60
"""The hour takes a minute, at sixty times the rate."""
PARTS = 10
SLACK_MIB = 16
DRAINED_MIB = 73
"""What a worker may take that delivers as fast as it can."""
MIB = 1024 * 1024


@dataclass(slots=True)
class Outage:
    """What was measured: memory and spool at the beginning and after each tenth, in MiB."""

    memory: list[float] = field(default_factory=list)
    spool: list[float] = field(default_factory=list)
    backlog: int = 0
    payload: float = 0
    drained_seconds: float = 0

    async def play(self, lab: Lab, rate: float, seconds: float) -> None:
        """A receiver that is away for so long, and then takes what has come meanwhile."""
        await lab.start()
        lab.fault()
        await lab.receiver.kill()
        lab.send(rate, seconds)
        for part in range(PARTS + 1):
            self._measure(lab)
            await asyncio.sleep(seconds / PARTS if part < PARTS else 0)
        await lab.sent()
        self.backlog = await lab.accepted()
        self.payload = await lab.bridge.payload() / MIB
        loop = asyncio.get_running_loop()
        start = loop.time()
        await lab.receiver.start()
        lab.send(LIVE_RATE, 10)
        await lab.sent()
        await lab.bridge.drained(timeout=400)
        self.drained_seconds = loop.time() - start
        self._measure(lab)

    def _measure(self, lab: Lab) -> None:
        self.memory.append(lab.bridge.memory() / MIB)
        files = (one for one in lab.bridge.spool.rglob("*") if one.is_file())
        self.spool.append(sum(one.stat().st_size for one in files) / MIB)

    @property
    def slope(self) -> float:
        """How much memory grows from one tenth to the next, in MiB, after the first one."""
        grown = self.memory[1 : PARTS + 1]
        middle = (len(grown) - 1) / 2
        products = [(place - middle) * one for place, one in enumerate(grown)]
        return sum(products) / sum((place - middle) ** 2 for place in range(len(grown)))


async def test_memory_is_flat_over_an_outage_of_an_hour(tmp_path: Path, table: Table) -> None:
    outage, way = Outage(), Way()
    outcome = await play(outage.play, way, tmp_path, LIVE_RATE * SPEED_UP, HOUR / SPEED_UP)
    table.add(f"away for an hour at {LIVE_RATE}/s", way, outcome)
    table.remark(
        f"The outage: memory at its beginning, after each tenth and when all had drained: "
        f"{', '.join(f'{one:.1f}' for one in outage.memory)} MiB "
        f"({outage.slope:+.2f} MiB a tenth); spool: {outage.spool[0]:.1f} to "
        f"{outage.spool[PARTS]:.1f} MiB for {outage.backlog:,} events "
        f"({outage.payload:.1f} MiB); drained in "
        f"{outage.drained_seconds:.0f} s, {outage.backlog / outage.drained_seconds:,.0f}/s."
    )
    judge(outcome, 0.9 * LIVE_RATE * HOUR)
    assert outage.backlog > 0.9 * LIVE_RATE * HOUR
    assert max(outage.memory[1 : PARTS + 1]) - outage.memory[1] < SLACK_MIB / 2
    assert outage.memory[-1] < DRAINED_MIB
    assert outage.slope * PARTS < SLACK_MIB / 2
    assert 0.9 < outage.spool[PARTS] / outage.payload < 1.2
    assert outage.backlog / outage.drained_seconds > 10 * LIVE_RATE
