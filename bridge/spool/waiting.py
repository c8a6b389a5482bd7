"""What waits to be committed, and how much of it there is room for."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bridge.errors import SpoolError
from bridge.spool.model import Taken
from bridge.spool.schema import PAGE_BYTES, WAL_PAGES
from bridge.spool.segments import SEGMENT_BYTES
from bridge.spool.store import Done, Draft, Order
from bridge.spool.transaction import Append

GROUP_BYTES: Final = 2 * 1024 * 1024
WAL_BYTES: Final = 2 * WAL_PAGES * PAGE_BYTES


@dataclass(frozen=True, slots=True)
class Limits:
    """When the spool in `directory` counts as full, and whether the oldest rows go then."""

    directory: Path
    max_bytes: int
    min_free_bytes: int
    drop_oldest: bool

    def free(self) -> float:
        """Bytes of the disk that may still be used; negative below the reserve.

        That is `min_free_bytes`, at least what the WAL and a segment take (or the spool could
        neither grow nor shrink any more), and at most a quarter of the disk.
        """
        try:
            disk = os.statvfs(self.directory)
        except OSError:
            return float("inf")  # the commit itself will say what is wrong with the disk
        least = max(self.min_free_bytes, WAL_BYTES + SEGMENT_BYTES)
        reserve = min(least, disk.f_blocks * disk.f_frsize // 4)
        return disk.f_bavail * disk.f_frsize - reserve


@dataclass(slots=True)
class Group:
    """What is committed together; before the appends the spool shrinks to `ceiling` bytes.

    `size` is that of the appends. With `index` the database is told of all rows, as it is whenever
    there are orders. A `draft` is written without it.
    """

    orders: list[tuple[Order, asyncio.Future[Any]]] = field(default_factory=list)
    appends: list[tuple[Append, asyncio.Future[Taken]]] = field(default_factory=list)
    size: int = 0
    ceiling: float = float("inf")
    index: bool = False
    draft: Draft | None = None

    def __bool__(self) -> bool:
        return bool(self.orders or self.appends or self.index)

    @property
    def is_plain(self) -> bool:
        """Whether its appends are nothing but rows."""
        return all(append.is_plain for append, _ in self.appends)

    @property
    def is_rows(self) -> bool:
        """Whether it is nothing but rows."""
        return bool(self.appends) and self.is_plain and not (self.orders or self.index)

    def resolve(self, done: Done) -> None:
        """Tell everybody who waits what became of it."""
        for (_, future), result in zip(self.orders, done.results, strict=True):
            if not future.done() and isinstance(result, SpoolError):
                future.set_exception(result)
            elif not future.done():
                future.set_result(result)
        for (_, taken), outcome in zip(self.appends, done.taken, strict=True):
            if not taken.done():
                taken.set_result(outcome)


class Waiting:
    """Appends, `bytes` in all, and orders, in the order in which they came.

    Orders in `later` have time. `full` says why appends wait for room, or is empty.
    """

    def __init__(self, limits: Limits) -> None:
        self.orders: deque[tuple[Order, asyncio.Future[Any]]] = deque()
        self.later: deque[tuple[Order, asyncio.Future[Any]]] = deque()
        self.appends: deque[tuple[Append, asyncio.Future[Taken]]] = deque()
        self.bytes = 0
        self.full = ""
        self._limits = limits

    def __bool__(self) -> bool:
        return bool(self.orders or self.later or self.appends)

    def has_room(self) -> bool:
        """Whether the disk has room for one more segment."""
        return self._limits.free() >= SEGMENT_BYTES

    def refuse(self, reason: str) -> None:
        """Let go of everything; the futures fail with SpoolError."""
        for _, future in (*self.orders, *self.later, *self.appends):
            if not future.done():
                future.set_exception(SpoolError(reason))
                future.exception()  # nobody may be left to look at it
        for waiting in (self.orders, self.later, self.appends):
            waiting.clear()
        self.bytes = 0

    def add(self, append: Append, future: asyncio.Future[Taken]) -> None:
        """Put an append behind the others."""
        self.appends.append((append, future))
        self.bytes += append.size

    def put_back(self, group: Group) -> None:
        """Put what was taken last before everything else."""
        self.orders.extendleft(reversed(group.orders))
        self.appends.extendleft(reversed(group.appends))
        self.bytes += group.size

    def take_orders(self, group: Group) -> None:
        """Move all orders into a group."""
        group.orders.extend(self.orders)
        group.orders.extend(self.later)
        self.orders.clear()
        self.later.clear()

    def take_appends(self, group: Group, live: int, reusable: int) -> None:
        """Move appends into a group, in order, as long as there is room.

        `live` bytes will be in the spool before them; `reusable` ones need no more of the disk.
        """
        droppable = live if self._limits.drop_oldest else 0
        room = self._limits.max_bytes - live
        self.full = ""

        def disk() -> float:
            """What can be written; the system is asked only when that may matter."""
            return max(0, self._limits.free()) + reusable

        while self.appends and group.size < GROUP_BYTES:
            more = self.appends[0][0].size
            size = group.size + more
            # Larger than everything, it gets through when it would be alone.
            alone = not group.size and live == droppable
            if more and size > room + droppable and not alone:
                self.full = f"it holds {live} bytes of at most {self._limits.max_bytes}"
            elif more and size > reusable + droppable and size > disk() + droppable:
                self.full = "its disk is nearly full"
            if self.full:
                break
            group.appends.append(self.appends.popleft())
            group.size += more
        self.bytes -= group.size
        if group.size and self._limits.drop_oldest:
            group.ceiling = max(0, live + min(room, disk()) - group.size)
