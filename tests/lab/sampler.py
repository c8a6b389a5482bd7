"""Asking a running bridge all the time whether its accounts hold."""

from __future__ import annotations

import asyncio
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

    async def run(self) -> None:
        """Sample; a bridge that does not answer is asked again."""
        while True:
            self._amounts.append((time.monotonic(), self._written()))
            try:
                found = await self._components()
            except BridgeError:
                found = {}
            for name, one in found.items():
                if one["balance"] is not None:
                    self._check(name, one["balance"])
            await asyncio.sleep(PAUSE_SECONDS)

    def most(self, seconds: float) -> int:
        """The most bytes that the receiver has written during so many seconds, seen so far."""
        most = first = 0
        for at, amount in self._amounts:
            while self._amounts[first][0] < at - seconds:
                first += 1
            most = max(most, amount - self._amounts[first][1])
        return most

    def _check(self, name: str, balance: Mapping[str, Any]) -> None:
        whole = "received" if "received" in balance else "accepted"
        parts = sum(balance[part] for part in PARTS[whole])
        assert balance[whole] == parts, (name, balance)
        before = self._seen.get(name, {})
        for counter in ONLY_GROW:
            assert balance.get(counter, 0) >= before.get(counter, 0), (name, before, balance)
        self._seen[name] = balance
        self.checks += 1
