"""Asking a running bridge all the time whether its accounts hold."""

from __future__ import annotations

import asyncio
import bisect
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bridge.errors import BridgeError

PAUSE_SECONDS = 0.05
PARTS = {
    "received": ("accepted", "repeated", "in_flight"),
    "accepted": ("delivered", "spooled", "buried", "filtered", "dropped"),
}
"""The two lines of the balance: of an input, and of an output."""
ONLY_GROW = ("accepted", "delivered", "repeated", "buried", "filtered", "dropped")

Components = Mapping[str, Mapping[str, Any]]


class Sampler:
    """Looks at every component's balance until cancelled; fails at the first one that is wrong.

    What was once committed stays so, whatever is killed: none of these numbers ever gets smaller.
    `written` says how many bytes the receiver has written; from that comes how fast it can be.
    """

    def __init__(
        self, components: Callable[[], Awaitable[Components]], written: Callable[[], int]
    ) -> None:
        self.checks = 0
        self._components = components
        self._written = written
        self._seen: dict[str, Mapping[str, Any]] = {}
        self._amounts: list[tuple[float, int]] = []
        self._faults: list[tuple[float, float]] = []

    async def run(self) -> None:
        """Sample; a bridge that does not answer is asked again."""
        while True:
            self._look()
            try:
                found = await self._components()
            except BridgeError:
                found = {}
            for name, one in found.items():
                if one["balance"] is not None:
                    self._check(name, one["balance"])
            await asyncio.sleep(PAUSE_SECONDS)

    def fault(self) -> None:
        """Now something breaks."""
        now = self._look()
        self._faults.append((now, now))

    def gone(self) -> None:
        """What began to break at the last fault is gone now; meanwhile it may have read more."""
        self._faults[-1] = self._faults[-1][0], self._look()

    @property
    def faults(self) -> int:
        """How often something broke."""
        return len(self._faults)

    def doubtful(self, seconds: float) -> int:
        """How many bytes the receiver had written during so many seconds before each fault."""
        return sum(self._until(end) - self._until(start - seconds) for start, end in self._faults)

    def _look(self) -> float:
        now = time.monotonic()
        self._amounts.append((now, self._written()))
        return now

    def _until(self, moment: float) -> int:
        """The last amount that was seen by then."""
        place = bisect.bisect_right(self._amounts, (moment, sys.maxsize))
        return self._amounts[place - 1][1] if place else 0

    def _check(self, name: str, balance: Mapping[str, Any]) -> None:
        whole = "received" if "received" in balance else "accepted"
        parts = sum(balance[part] for part in PARTS[whole])
        assert balance[whole] == parts, (name, balance)
        before = self._seen.get(name, {})
        for counter in ONLY_GROW:
            assert balance.get(counter, 0) >= before.get(counter, 0), (name, before, balance)
        self._seen[name] = balance
        self.checks += 1
