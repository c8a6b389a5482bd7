"""CEF over TCP: connections, back-pressure and an end that loses nothing that was read."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Final, cast

from bridge.inputs import Context, Event
from bridge.inputs.cef.handover import Handover
from bridge.net import plain
from bridge.syslog import Framer

Read = Callable[[Sequence[bytes], Mapping[int, frozenset[str]], str], list[Event]]
"""Frames, their repairs by index, the sender's address → events; never raises."""

CONNECTION_BYTES: Final = 1 << 20
LISTENER_BYTES: Final = 16 << 20
BACKLOG: Final = 1024
ACCEPT_PAUSE_SECONDS: Final = 1.0


class Listener:
    """Accepts connections and reads them as fast as events become durable, no faster.

    A connection with 1 MiB under way is not read until half of it is durable; with 16 MiB under way
    none is. So memory is bounded, and a sender blocks instead of losing.
    """

    def __init__(
        self, context: Context, read: Read, handover: Handover, max_frame_bytes: int
    ) -> None:
        self.read = read
        self.handover = handover
        self.max_frame_bytes = max_frame_bytes
        self.connections: set[Connection] = set()
        self.paused = False
        self._context = context
        self._tasks: set[asyncio.Task[None]] = set()
        self._bound: list[socket.socket] = []

    def start(self, bound: Sequence[socket.socket]) -> None:
        """Accept on sockets that are bound already; they are closed by `stop`."""
        for listening in bound:
            listening.listen(BACKLOG)
            self._bound.append(listening)
            self._spawn(self._accept(listening))

    async def stop(self) -> None:
        """Accept no more, hand over what was read, wait until it is durable, close."""
        for task in self._tasks:
            task.cancel()
        for listening in self._bound:
            listening.close()
        for connection in list(self.connections):
            connection.end()
        try:
            await self.handover.settled()
        finally:
            for connection in list(self.connections):
                connection.close()

    def balance(self, connection: Connection) -> None:
        """Pause or resume reading after something was handed over or became durable."""
        total = self.handover.in_flight
        if not self.paused and total >= LISTENER_BYTES:
            self.paused = True
            for other in self.connections:
                other.pause()
        elif self.paused and total <= LISTENER_BYTES // 2:
            self.paused = False
            for other in self.connections:
                other.resume()
        elif connection.in_flight >= CONNECTION_BYTES:
            connection.pause()
        elif not self.paused:
            connection.resume()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                opened, _ = await loop.sock_accept(listening)
            except OSError as error:
                self._context.count("accept_failed")
                self._context.log.warning("cannot accept a connection: %s", error)
                await self._context.clock.sleep(ACCEPT_PAUSE_SECONDS)
                continue
            self._spawn(self._open(opened))

    async def _open(self, opened: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            await loop.connect_accepted_socket(lambda: Connection(self), opened)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Connection(asyncio.Protocol):
    """One sender: its framer, its bytes under way."""

    def __init__(self, listener: Listener) -> None:
        self.in_flight = 0
        self._listener = listener
        self._framer = Framer(listener.max_frame_bytes)
        self._ended = False
        self._sender = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._sender = plain(peer[0]) if peer else ""
        self._listener.connections.add(self)
        if self._listener.paused:
            self.pause()

    def data_received(self, data: bytes) -> None:
        self._hand_over(self._framer.feed(data))

    def connection_lost(self, error: Exception | None) -> None:
        self.end()
        self._listener.connections.discard(self)

    def end(self) -> None:
        """Read no more; what has no delimiter yet is a frame now."""
        if not self._ended:
            self._ended = True
            self.pause()
            self._hand_over(self._framer.finish())

    def close(self) -> None:
        self._transport.close()

    def pause(self) -> None:
        self._transport.pause_reading()

    def resume(self) -> None:
        """Read on, unless this connection has ended or still has too much under way."""
        if not self._ended and self.in_flight <= CONNECTION_BYTES // 2:
            self._transport.resume_reading()

    def _hand_over(self, frames: list[bytes]) -> None:
        if not frames:
            return
        events = self._listener.read(frames, self._framer.flags, self._sender)
        size = sum(map(len, frames))
        self.in_flight += size

        def done() -> None:
            self.in_flight -= size
            self._listener.balance(self)

        self._listener.handover.give(events, size, done)
        self._listener.balance(self)
