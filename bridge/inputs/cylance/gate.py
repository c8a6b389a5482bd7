"""Whose turn it is to ask: one request at a time for each tenant, whichever input makes it.

The API's limit on requests is not published, so nothing here is ever fast after a failure: at most
one request a second until one succeeds, and none at all while the server asked us to wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar, Final
from weakref import WeakValueDictionary

from bridge.clock import Clock

SECONDS_AFTER_FAILURE: Final = 1.0


class Gate:
    """The turns of one tenant; `Gate.of` gives the same one to all its inputs."""

    _all: ClassVar[WeakValueDictionary[tuple[str, str], Gate]] = WeakValueDictionary()

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._not_before = float("-inf")

    @classmethod
    def of(cls, base_url: str, tenant_id: str) -> Gate:
        """The gate of a tenant."""
        found = cls._all.get((base_url, tenant_id))
        if found is None:
            found = cls._all[base_url, tenant_id] = cls()
        return found

    @asynccontextmanager
    async def turn(self, clock: Clock) -> AsyncIterator[None]:
        """Wait until a request may be made, and keep the others out meanwhile."""
        async with self._turn:
            while (wait := self._not_before - clock.monotonic()) > 0:
                await clock.sleep(wait)
            yield

    def hold(self, clock: Clock, seconds: float = SECONDS_AFTER_FAILURE) -> None:
        """Let nobody ask for so long."""
        self._not_before = max(self._not_before, clock.monotonic() + seconds)

    def release(self) -> None:
        """A request succeeded: the next one may come at once."""
        self._not_before = float("-inf")
