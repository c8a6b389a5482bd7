"""Walking a list that changes meanwhile, so that no row can slip past.

The API pages by offset over a live list. So a range of time is cut into slices that fit one page,
which one reply shows whole. Where a slice does not (many rows in one second), its pages are walked
until a walk was consistent (the same total in every reply, and that many rows) and showed nothing
new.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from bridge.clock import Clock
from bridge.errors import Retryable
from bridge.inputs.cylance.normalize import Item
from bridge.inputs.cylance.streams import Stream, content, objects, stamps

FILL: Final = 0.8
"""How full of rows a slice is meant to be, as a part of a page."""
MIN_SECONDS: Final = 2.0
EDGE_SECONDS: Final = 1.0
"""Slices overlap by this, so that it does not matter which of their ends are inclusive."""
TOLERANCE_SECONDS: Final = 5.0
DAY: Final = 86_400.0
PAUSES: Final = (0.0, 1.0, 2.0, 4.0, 8.0)
"""Before each walk of the same slice."""

_NUMBERS: Final = ("page_number", "total_pages", "page_size", "total_number_of_items")


@dataclass(frozen=True, slots=True)
class Envelope:
    """One page as the API sends it."""

    number: int
    pages: int
    size: int
    total: int
    items: list[Item]


def envelope(value: Any, asked: int) -> Envelope:
    """Check the shape of a reply to page `asked`; raises Retryable."""
    value = value if isinstance(value, dict) else {}
    numbers: list[Any] = [value.get(name) for name in _NUMBERS]
    items = value.get("page_items")
    if not isinstance(items, list) or not all(type(n) is int and n >= 0 for n in numbers):
        raise Retryable("the answer is not a page of a list")
    number, pages, size, total = numbers
    if number != asked:
        raise Retryable(f"page {asked} was asked for and page {number} was sent")
    return Envelope(number, pages, size, total, objects(items))


@dataclass(frozen=True, slots=True)
class Found:
    """Rows, oldest first; `reached` as in `bridge.inputs.position.Page`."""

    items: list[Item]
    reached: float | None = None


Ask = Callable[[int, float | None, float | None], Awaitable[Envelope]]
"""`ask(page, low, high)`: one page of the list between two times; None: no bound."""


class Walk:
    """One walk of one list; `now` is the server's clock, `overlap` how late a list may show rows.

    Everything may raise Retryable: then the walk has to be taken again from where it began.
    """

    def __init__(
        self, stream: Stream, ask: Ask, clock: Clock, now: Callable[[], float], overlap: float
    ) -> None:
        self._stream = stream
        self._ask = ask
        self._clock = clock
        self._now = now
        self._overlap = overlap

    async def between(self, since: float, until: float | None) -> AsyncIterator[Found]:
        """Everything from `since` to `until` (default: the end of the list), slice by slice."""
        low = math.floor(since) - EDGE_SECONDS
        span = math.inf
        while True:
            now = self._now()
            left = math.ceil(now if until is None else until) - low
            high = until if span >= left else low + span
            first = await self._ask(1, low, high)
            if self._ignores(first, low, high):
                high, span = until, math.inf
            elif _is_full(first) and min(span, left) > MIN_SECONDS:
                span = _fitting(min(span, left), first)
                continue
            async for found in self._slice(first, low, high, now):
                yield found
            if span >= left:
                return
            low += span - EDGE_SECONDS
            span = _fitting(span, first)

    async def everything(self) -> AsyncIterator[list[Item]]:
        """The whole of a list that knows no time, page by page."""
        first = await self._ask(1, None, None)
        async for items in self._pages(first, None, None, believes_nothing=False):
            yield items

    async def _slice(
        self, first: Envelope, low: float, high: float | None, now: float
    ) -> AsyncIterator[Found]:
        """One slice; its last rows say how far it reaches."""
        newest = -math.inf
        held: list[Item] = []
        # What a short window up to now wrongly shows as nothing, the next round asks for again.
        is_asked_again = high is None and now - low <= 2 * self._overlap
        async for items in self._pages(first, low, high, believes_nothing=is_asked_again):
            if held:
                yield Found(held)
            held = sorted(items, key=self._newest)
            newest = max(newest, self._newest(held[-1]))
        if high is None:
            # Rows may still be on their way; and a row's own clock may be ahead.
            high = max(now - self._overlap, min(newest, now))
        yield Found(held, high)

    async def _pages(
        self, first: Envelope, low: float | None, high: float | None, *, believes_nothing: bool
    ) -> AsyncIterator[list[Item]]:
        """The rows of a slice, each once; walked again until a walk was consistent.

        That there is nothing at all is believed when it is said twice.
        """
        known: set[str] = set()
        for pause in PAUSES:
            if pause:
                await self._clock.sleep(pause)
                first = await self._ask(1, low, high)
            count, news, totals, reply = 0, 0, set[int](), first
            while True:
                fresh = _fresh(reply, known)
                count, news = count + len(reply.items), news + len(fresh)
                totals.add(reply.total)
                if fresh:
                    yield fresh
                if reply.number >= reply.pages:
                    break
                reply = await self._ask(reply.number + 1, low, high)
            # One page is one view of the list. Between several replies rows may have slipped past
            # even if the numbers agree (one went, one came), so a second walk has to show the same.
            is_whole = totals == {count} and (first.pages <= 1 or not news)
            if is_whole and (count or pause or believes_nothing):
                return
        raise Retryable(f"the list does not hold still: {count} rows of {max(totals)}")

    def _newest(self, item: Item) -> float:
        return max(stamps(self._stream, item), default=-math.inf)

    def _ignores(self, reply: Envelope, low: float, high: float | None) -> bool:
        """Whether the server shows rows that it was not asked for, so that slices are of no use."""
        times = [found for item in reply.items if (found := stamps(self._stream, item))]
        return any(
            max(found) < low - TOLERANCE_SECONDS
            or (high is not None and min(found) > high + TOLERANCE_SECONDS)
            for found in times
        )


def _fresh(reply: Envelope, known: set[str]) -> list[Item]:
    """The rows of a page that are not known; from then on they are."""
    if reply.pages <= 1 and not known and len(reply.items) == reply.total:
        return list(reply.items)  # nothing else will come
    fresh = {content(item): item for item in reply.items}
    fresh = {name: item for name, item in fresh.items() if name not in known}
    known.update(fresh)
    return list(fresh.values())


def _is_full(reply: Envelope) -> bool:
    return reply.pages > 1 and len(reply.items) >= reply.size


def _fitting(span: float, reply: Envelope) -> float:
    """Seconds in which about as many rows as fit one page are to be expected."""
    wanted = span * FILL * reply.size / max(reply.total, 1)
    return float(max(MIN_SECONDS, min(math.floor(wanted), 4 * span)))
