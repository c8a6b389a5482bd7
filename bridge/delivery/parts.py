"""What the loop works with: rows under way, rows held back, and one connection's worth of state."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bridge.errors import Rejected
from bridge.spool import Batch, Buried, Progress

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sent:
    """A row under way: what of it is sent (None: nothing was selected), its send, and since when.

    `at` is a time of the monotonic clock.
    """

    row: Batch
    batch: Batch | None
    send: asyncio.Future[float | None]
    at: float

    @property
    def size(self) -> int:
        return len(self.batch.data) if self.batch else 0

    @property
    def lived_at(self) -> float:
        """When the destination certainly still lived, if a finished send was confirmed."""
        rejected = self.send.exception()
        return self.at if rejected else self.send.result() or self.at

    def progress(self) -> Progress:
        """What a finished send means for the cursor; raises what the send raised."""
        sent = self.batch.count if self.batch else 0
        buried: tuple[Buried, ...] = ()
        try:
            self.send.result()
        except Rejected as rejected:
            buried = self._buried(rejected)
        return Progress(self.row.id, sent - len(buried), self.row.count - sent, buried)

    def _buried(self, rejected: Rejected) -> tuple[Buried, ...]:
        messages = self.batch.messages() if self.batch else []
        return tuple(
            Buried(messages[index], rejected.reason, self.row.input)
            for index in sorted(set(rejected.indexes))
        )


@dataclass(frozen=True, slots=True)
class Held:
    """Confirmed, to be committed at `due` on the monotonic clock."""

    due: float
    progress: Progress


@dataclass(slots=True)
class Session:
    """What lives as long as one connection."""

    wake: asyncio.Event = field(default_factory=asyncio.Event)
    broken: asyncio.Task[str] | None = None
    reading: asyncio.Task[list[Batch]] | None = None
    alarm: asyncio.Task[None] | None = None
    asking: asyncio.Task[float] | None = None
    rows: deque[Batch] = field(default_factory=deque)
    flying: deque[Sent] = field(default_factory=deque)
    flying_bytes: int = 0

    def watch(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run `work`; its end wakes the loop."""
        task = asyncio.ensure_future(work)
        task.add_done_callback(lambda _: self.wake.set())
        return task

    async def cancel(self) -> None:
        """Cancel everything that still runs and wait for it."""
        sends = [sent.send for sent in self.flying]
        tasks = [
            task for task in (self.broken, self.reading, self.alarm, self.asking, *sends) if task
        ]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def united(parts: Sequence[Progress]) -> Progress:
    """Consecutive steps as one."""
    return Progress(
        position=parts[-1].position,
        delivered=sum(part.delivered for part in parts),
        filtered=sum(part.filtered for part in parts),
        buried=tuple(buried for part in parts for buried in part.buried),
    )
