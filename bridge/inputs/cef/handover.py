"""Between the sockets and `emit`: what is handed over and not yet durable is bounded in bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from bridge.inputs import Emit, Event


class Handover:
    """Hands events to `emit` without waiting and counts the bytes that are under way.

    `failed` ends with the error when an emit fails; whoever runs the sockets awaits it.
    """

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._under_way: set[asyncio.Future[object]] = set()
        self.in_flight = 0
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def give(self, events: Sequence[Event], size: int, done: Callable[[], None]) -> None:
        """Emit now; `done` is called when the events, `size` bytes as they came, are durable."""
        self.in_flight += size

        def settle(future: asyncio.Future[object]) -> None:
            self.in_flight -= size
            self._under_way.discard(future)
            if not future.cancelled() and (error := future.exception()) and not self.failed.done():
                self.failed.set_exception(error)
            done()

        waiting: asyncio.Future[object] = asyncio.ensure_future(self._emit(events))
        self._under_way.add(waiting)
        waiting.add_done_callback(settle)

    async def settled(self) -> None:
        """Wait until nothing is under way; failures are in `failed`."""
        while self._under_way:
            await asyncio.wait(self._under_way)
