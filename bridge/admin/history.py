"""The last quarter of an hour: events a second of each component, and what waits in the spool."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from bridge.admin.snapshot import Speaker
from bridge.spool import Balance

INTERVAL_SECONDS: Final = 5.0
SAMPLES: Final = 181


@dataclass(frozen=True, slots=True)
class Sample:
    """Totals at a moment (`at` on the monotonic clock): events by component, bytes in the spool."""

    at: float
    events: dict[str, int]
    bytes: int


def sample(at: float, balance: Balance) -> Sample:
    """What counts as done: received by an input, delivered by an output."""
    events = {name: one.received for name, one in balance.inputs.items()}
    events |= {name: one.delivered for name, one in balance.outputs.items()}
    return Sample(at, events, balance.bytes)


class History:
    """Samples of a running bridge, one every five seconds."""

    def __init__(self, running: Speaker) -> None:
        self._running = running
        self._samples: deque[Sample] = deque(maxlen=SAMPLES)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Take samples from now on."""
        self._task = asyncio.get_running_loop().create_task(self._take_samples())

    def stop(self) -> None:
        """Take no more."""
        if self._task:
            self._task.cancel()

    async def _take_samples(self) -> None:
        while True:
            await self.take()
            await asyncio.sleep(INTERVAL_SECONDS)

    async def take(self) -> None:
        """Take one sample."""
        balance = await self._running.balance()
        self._samples.append(sample(self._running.clock.monotonic(), balance))

    def rates(self) -> dict[str, Any]:
        """Rates between the samples, oldest first; 0 where a component was not there yet."""
        samples = list(self._samples)
        steps = list(pairwise(samples))
        names = samples[-1].events if samples else {}
        return {
            "interval_seconds": INTERVAL_SECONDS,
            "rates": {name: [_rate(name, *step) for step in steps] for name in names},
            "bytes": [one.bytes for one in samples],
        }


def _rate(name: str, before: Sample, after: Sample) -> float:
    new = after.events.get(name, 0) - before.events.get(name, 0)
    return round(max(0, new) / max(after.at - before.at, 1e-9), 3)
