"""Between the sockets and `emit`: what is handed over and not yet durable is bounded in bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from bridge.inputs import Emit, Event

MAX_BYTES: Final = 3 << 20
"""With so much under way nothing more is read, until half of it is durable."""


class Handover:
    """Hands events to `emit` without waiting and counts the bytes that are under way.

    `full` says that reading must stop; `on_change` are called when that changes. `failed` ends with
    the error when an emit fails; whoever runs the sockets awaits it.
    """

    def __init__(self, emit: Emit) -> None:
        self.full = False
        self.on_change: list[Callable[[], None]] = []
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.failed.add_done_callback(lambda failed: failed.cancelled() or failed.exception())
        self._emit = emit
        self._in_flight = 0
        self._under_way: set[asyncio.Future[object]] = set()

    def give(
        self, events: Sequence[Event | bytes], size: int, done: Callable[[], None] | None = None
    ) -> None:
        """Emit now; `done` is called when the events, `size` bytes as they came, are durable.

        Documents may be four times as long as what they were made of: they count half.
        """
        size = max(size, sum(len(one) for one in events if isinstance(one, bytes)) // 2)

        def settle(future: asyncio.Future[object]) -> None:
            self._under_way.discard(future)
            self._count(-size)
            if not future.cancelled() and (error := future.exception()) and not self.failed.done():
                self.failed.set_exception(error)
            if done:
                done()

        waiting: asyncio.Future[object] = asyncio.ensure_future(self._emit(events))
        self._under_way.add(waiting)
        self._count(size)
        waiting.add_done_callback(settle)

    def _count(self, size: int) -> None:
        self._in_flight += size
        full = self._in_flight >= (MAX_BYTES // 2 if self.full else MAX_BYTES)
        if full != self.full:
            self.full = full
            for changed in self.on_change:
                changed()

    async def settled(self) -> None:
        """Wait until nothing is under way; failures are in `failed`."""
        while self._under_way:
            await asyncio.wait(self._under_way)
