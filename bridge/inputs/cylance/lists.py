"""Asking for pages of the lists and for details of their rows."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import quote

from bridge.errors import Denied, Retryable
from bridge.inputs import Context
from bridge.inputs.cylance.client import Client, Unfit
from bridge.inputs.cylance.normalize import Item
from bridge.inputs.cylance.streams import Stream, raw_key
from bridge.inputs.cylance.walk import Envelope, Walk, envelope

T = TypeVar("T")

PAGE_SIZES: Final = (200, 100, 50, 20, 10)
"""Tried in this order: what a list takes at most is not published for all of them."""
DETAIL_ATTEMPTS: Final = 3
GONE: Final = (400, 404, 501)
"""What says that details cannot be had, however often they are asked for."""
REST_SECONDS: Final = 3600.0
"""How long details are not asked for that we may not read."""


class Patience(Protocol):
    """What `Poller` does with failures."""

    async def patiently(self, part: str, attempt: Callable[[], Awaitable[T]]) -> T: ...

    def failed(self, part: str, error: BaseException, pause: float) -> None: ...


class Lists:
    """The lists of one tenant, as one client reads them."""

    def __init__(self, client: Client, context: Context, patience: Patience) -> None:
        self._client = client
        self._context = context
        self._patience = patience
        self._sizes: dict[str, int] = {}
        self._resting: dict[str, float] = {}
        self.login_failed = partial(patience.failed, "login")

    def walk(self, stream: Stream, overlap: float, row: Item | None = None) -> Walk:
        """A walk of a list; `row` is the one that a list of lists is about."""

        async def ask(page: int, low: float | None, high: float | None) -> Envelope:
            attempt = partial(self.page, stream, page, low, high, row)
            return await self._patience.patiently(f"{stream.name} page", attempt)

        return Walk(stream, ask, self._context.clock, self._client.now, overlap)

    async def page(
        self,
        stream: Stream,
        page: int,
        low: float | None = None,
        high: float | None = None,
        row: Item | None = None,
        size: int | None = None,
    ) -> Envelope:
        """One page between two times. Raises Denied or Retryable."""
        path = stream.path.format(_quoted(stream, row)) if row else stream.path
        step = self._sizes.get(stream.path, 0)
        params: dict[str, str | int] = {"page": page, "page_size": size or PAGE_SIZES[step]}
        if low is not None and stream.since:
            params[stream.since] = _zulu(math.floor(low))
        if high is not None and stream.until:
            params[stream.until] = _zulu(math.ceil(high))
        try:
            found = await self._client.get(path, params, stream.scope, self.login_failed)
            return envelope(found, page)
        except Unfit as error:
            if error.status == 400 and page == 1 and "page size" in str(error).lower():
                self._sizes[stream.path] = min(step + 1, len(PAGE_SIZES) - 1)
            if error.status == 404 and row:
                return Envelope(page, 0, 0, 0, [])  # the list of this row has gone with it
            raise
        except Retryable:
            self._client.hold()
            raise

    async def detail(self, stream: Stream, item: Item) -> Mapping[str, Any] | None:
        """What only the details of a row say, or None: they are never worth losing the row for.

        Three attempts, not counting those that the rate limit turned away.
        """
        attempts = 0
        while attempts < DETAIL_ATTEMPTS and raw_key(stream, item) and self._may_ask(stream):
            try:
                found = await self.ask_detail(stream, item)
            except Denied as error:
                self._rest(stream, error)
                return None
            except Unfit as error:
                if error.status in GONE:
                    return None
                attempts += error.status != 429
            except Retryable:
                attempts += 1
            else:
                return found if isinstance(found, Mapping) else None
        return None

    async def ask_detail(self, stream: Stream, item: Item) -> Any:
        """Ask for the details of a row once. Raises Denied or Retryable."""
        path = stream.detail.format(_quoted(stream, item))
        return await self._client.get(path, {}, stream.detail_scope, self.login_failed)

    def _may_ask(self, stream: Stream) -> bool:
        until = self._resting.get(stream.name, -math.inf)
        return self._context.clock.monotonic() >= until

    def _rest(self, stream: Stream, error: Denied) -> None:
        self._resting[stream.name] = self._context.clock.monotonic() + REST_SECONDS
        self._context.log.warning("%s: going on without details: %s", stream.name, error)


def _quoted(stream: Stream, item: Item) -> str:
    return quote(raw_key(stream, item), safe="")


def _zulu(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.000Z"
