"""What lives between `connect` and `close`: connections, one generation after the other.

::

    connection 1   write ········ FIN ── confirmed
    connection 2      open ············· write ······· FIN ── confirmed
    connection 3                            open ············ write ···

The next connection is opened before the one in use is half-closed, so that there is always an open
one: it is the first to notice when the peer goes away. At most two carry what is not confirmed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from bridge.clock import Clock
from bridge.config import Endpoint
from bridge.errors import Retryable
from bridge.net.reasons import reason
from bridge.outputs.gelf_tcp.connection import Connection
from bridge.outputs.gelf_tcp.dialer import Dialer

SHORT_LIFE_SECONDS: Final = 5.0
"""An unused connection that the peer closes sooner is a failure; later it is an idle time-out."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When a generation ends, and whether what it confirmed stays in doubt until a sign of life."""

    confirms: bool
    max_bytes: int
    max_seconds: float
    holds_back: bool


class Sending:
    """Takes batches, writes them, resolves their futures when the peer has confirmed them.

    Ends by itself when a connection ends uncleanly: `broken` then holds the reason, and all futures
    fail with Retryable. `confirmed` is called with each connection that the peer confirmed.
    """

    def __init__(
        self,
        dialer: Dialer,
        pace: Pace,
        clock: Clock,
        confirmed: Callable[[Connection], None],
        opened: Callable[[Connection], None],
    ) -> None:
        self.broken: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._dialer = dialer
        self._pace = pace
        self._clock = clock
        self._confirmed = confirmed
        self._opened = opened
        self._queue: deque[tuple[bytes, asyncio.Future[float]]] = deque()
        self._changed = asyncio.Event()
        self._hurried = False
        self._all: set[Connection] = set()
        self._idle: dict[Endpoint, Connection] = {}
        self._current: Connection | None = None
        self._closing: Connection | None = None
        self._confirmed_at: dict[Endpoint, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Open the first connection; raises Retryable."""
        connection = await self._next()
        self._idle[connection.endpoint] = connection
        self._start(self._write())

    def submit(self, data: bytes) -> asyncio.Future[float]:
        """Queue documents joined by NUL; when they are confirmed the future holds the time, by the
        monotonic clock, at which that was asked for."""
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        if self.broken.done():
            future.set_exception(Retryable(self.broken.result()))
        self._queue.append((data, future))
        self._changed.set()
        return future

    def hurry(self) -> None:
        """Have everything confirmed that was submitted; nothing more will come for the moment."""
        self._hurried = True
        self._changed.set()

    def unconfirmed(self) -> list[Connection]:
        """The connections that carry something not confirmed."""
        return [one for one in (self._closing, self._current) if one and one.written]

    def give_up(self, connection: Connection, failure: str) -> None:
        """End everything, because this connection will not get on."""
        self._dialer.failed(connection.endpoint)
        self._break(f"{connection.endpoint}: {failure}")

    async def alive(self) -> None:
        """Return when every endpoint that has confirmed something has answered FIN once more.

        Raises Retryable and OSError. What it confirmed before this was called is no longer in doubt
        then.
        """
        for endpoint, confirmed_at in list(self._confirmed_at.items()):
            if self._pace.confirms:
                connection = await self._open(endpoint)
                connection.finish()
                await asyncio.wait([connection.end])
                if connection.failure:
                    raise Retryable(f"{endpoint}: {connection.failure}")
            if self._confirmed_at.get(endpoint) == confirmed_at:
                del self._confirmed_at[endpoint]

    async def close(self) -> None:
        """Let go of every connection; what is not confirmed is not sent any further."""
        for task in self._tasks:
            task.cancel()
        for connection in self._all:
            if connection in (self._current, self._closing):
                connection.abort()
            else:
                connection.close()
        waiting = [*self._tasks, *(connection.lost for connection in self._all)]
        if waiting:
            await asyncio.wait(waiting, timeout=1)

    # Writing

    async def _write(self) -> None:
        try:
            while True:
                while not self._queue:
                    self._hurried = False
                    await self._change()
                self._current = await self._next()
                await (self._generation if self._pace.confirms else self._burst)(self._current)
        except Retryable as error:
            self._break(error.reason)

    async def _generation(self, connection: Connection) -> None:
        """Fill a connection, have the next one ready, then ask for the confirmation."""
        standing_by = self._start(self._stand_by(connection.endpoint))
        await self._fill(connection)
        await asyncio.wait([standing_by])
        await self._settled()
        self._closing, self._current = connection, None
        connection.asked_at = self._clock.monotonic()
        connection.finish()

    async def _fill(self, connection: Connection) -> None:
        """Write until there is enough, or it is time."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._pace.max_seconds
        while connection.written < self._pace.max_bytes:
            if self._queue:
                data, future = self._queue.popleft()
                if not future.done():
                    connection.write(data)
                    connection.sends.append(future)
            elif self._hurried or not await self._change(due - loop.time()):
                return

    async def _burst(self, connection: Connection) -> None:
        """Without confirmation: what the kernel has taken is done."""
        while self._queue:
            data, future = self._queue.popleft()
            if not future.done():
                connection.write(data)
                await connection.flushed()
                self._note(connection)
                future.set_result(self._clock.monotonic())
        self._current, self._idle[connection.endpoint] = None, connection

    async def _change(self, seconds: float | None = None) -> bool:
        """Wait until something was submitted or hurried; False when it took too long."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True

    async def _settled(self) -> None:
        """Wait until the generation before is confirmed (if it is not, this task is cancelled)."""
        while self._closing:
            await asyncio.wait([self._closing.end])

    # Connections

    async def _next(self) -> Connection:
        """A connection to the endpoint whose turn it is; raises Retryable."""
        reasons = []
        for endpoint in self._dialer.candidates():
            try:
                connection = self._idle.pop(endpoint, None) or await self._open(endpoint)
            except OSError as error:
                reasons.append(f"{endpoint}: {reason(error)}")
            else:
                self._dialer.taken(endpoint)
                return connection
        await self._settled()
        raise Retryable(f"cannot connect to {'; '.join(reasons)}")

    async def _open(self, endpoint: Endpoint) -> Connection:
        try:
            connection = await self._dialer.open(endpoint, self._ended)
            if connection.end.done():
                raise ConnectionResetError("it closed the connection at once")
        except OSError:
            self._dialer.failed(endpoint)
            raise
        self._all.add(connection)
        self._opened(connection)
        return connection

    async def _stand_by(self, endpoint: Endpoint) -> None:
        """Have an unused connection to an endpoint, if it can be had."""
        if endpoint not in self._idle:
            try:
                self._idle[endpoint] = await self._open(endpoint)
            except OSError:
                return  # the next generation will see what else there is

    def _ended(self, connection: Connection, failure: str) -> None:
        if connection not in self._all:
            return  # whoever opens it hears of it in another way
        if self._idle.get(connection.endpoint) is connection:
            del self._idle[connection.endpoint]
        in_use = connection is self._current or bool(connection.written)
        if connection is self._closing:
            self._closing = None
        if not failure:
            if connection.written:
                self._note(connection)
            self._confirmed(connection)
            for future in connection.sends:
                if not future.done():
                    future.set_result(connection.asked_at)
        elif in_use or self._is_in_doubt(connection.endpoint):
            self.give_up(connection, failure)
        else:
            self._start(self._renew(connection, failure))
        self._all.discard(connection)

    def _note(self, connection: Connection) -> None:
        self._confirmed_at[connection.endpoint] = self._clock.monotonic()

    def _is_in_doubt(self, endpoint: Endpoint) -> bool:
        """Whether something that an endpoint got might be lost if it goes away now."""
        held_back = self._pace.holds_back and endpoint in self._confirmed_at
        return held_back or any(one.endpoint == endpoint for one in self.unconfirmed())

    async def _renew(self, connection: Connection, failure: str) -> None:
        """Open an unused connection again that timed out; without any it is a failure."""
        if self._clock.monotonic() - connection.opened_at >= SHORT_LIFE_SECONDS:
            await self._stand_by(connection.endpoint)
        if not (self._idle or self._current or self._closing):
            self.give_up(connection, failure)

    def _break(self, why: str) -> None:
        """Fail everything; `broken` comes first, as the delivery loop wants it."""
        if self.broken.done():
            return
        self.broken.set_result(why)
        waiting = [future for one in self._all for future in one.sends]
        for future in (*waiting, *(future for _, future in self._queue)):
            if not future.done():
                future.set_exception(Retryable(why))
        for task in self._tasks:
            task.cancel()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        """A task that fails is a bug; the delivery loop must see it."""
        self._tasks.discard(task)
        if not task.cancelled() and (bug := task.exception()) and not self.broken.done():
            self.broken.set_exception(bug)
