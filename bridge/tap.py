"""Looking at live events without touching them: whoever looks too slowly misses some, counted."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from bridge.event import Event, Value

MAX_WAITING: Final = 1000
"""How many events wait for one onlooker; further ones pass unseen."""

Wants = Callable[[Event], bool]


@dataclass(frozen=True, slots=True)
class Seen:
    """One event as it passed: the source's own record (if it has one), and the GELF document."""

    input: str
    event_type: str
    original: str | None
    document: bytes


class Tap:
    """One onlooker; `missed` counts the events that passed while too many waited."""

    def __init__(self, wants: Wants) -> None:
        self.missed = 0
        self._wants = wants
        self._waiting: deque[Seen] = deque()
        self._arrived = asyncio.Event()

    def offer(self, event: Event, original: Value, document: bytes) -> None:
        """Keep the event for the onlooker if it wants it and has room."""
        if not self._wants(event):
            return
        if len(self._waiting) >= MAX_WAITING:
            self.missed += 1
            return
        names = str(event.get("bridge_input", "")), str(event.get("event_type", ""))
        text = None if original is None else str(original)
        self._waiting.append(Seen(*names, text, document))
        self._arrived.set()

    async def take(self) -> Seen:
        """The next event, which is waited for."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()


class Taps:
    """All onlookers."""

    def __init__(self) -> None:
        self._open: list[Tap] = []

    @property
    def active(self) -> bool:
        """Whether anybody looks on; if not, nothing need be offered."""
        return bool(self._open)

    def offer(self, event: Event, original: Value, document: bytes) -> None:
        """Show an event to everybody."""
        for tap in self._open:
            tap.offer(event, original, document)

    @contextmanager
    def open(self, wants: Wants) -> Iterator[Tap]:
        """Look on for as long as the block lasts."""
        tap = Tap(wants)
        self._open.append(tap)
        try:
            yield tap
        finally:
            self._open.remove(tap)
