"""A clock for tests: time passes only when somebody sleeps."""

from __future__ import annotations

import asyncio
import time

from bridge.clock import SystemClock


class VirtualClock:
    """`sleep` moves the time at once and lets the other tasks run."""

    def __init__(self, epoch: float = 1_700_000_000.0) -> None:
        self._epoch = epoch
        self._passed = 0.0

    def now(self) -> float:
        return self._epoch + self._passed

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        self._passed += seconds
        await asyncio.sleep(0)


class JumpingClock(SystemClock):
    """Its wall clock can be set, as a time server or an administrator does."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


class HastyClock:
    """The clock of this machine, fifty times as fast."""

    speed = 50.0

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic() * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)
