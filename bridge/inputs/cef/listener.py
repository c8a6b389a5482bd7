"""CEF over TCP and TLS: connections, back-pressure and an end that loses nothing that was read."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from bridge.inputs import Context, Event
from bridge.inputs.cef.handover import Handover
from bridge.net import Allowed, accepted, keep_alive, plain
from bridge.net.proxy import ProxyError, receive
from bridge.syslog import Framer

Read = Callable[[Sequence[bytes], Mapping[int, frozenset[str]], str], Sequence[Event | bytes]]
"""Frames, their repairs by index, the sender's address → events or documents; never raises."""

CONNECTION_BYTES: Final = 1 << 20
"""How much of one connection may be under way; then it is not read until half is durable."""
READ_BYTES: Final = 128 * 1024
MIN_READ_BYTES: Final = 2 * 1024
TURN_SECONDS: Final = 0.02
"""How long reading may take in one turn of the loop: everything else, the outputs first of all,
must get its turn soon."""
MAX_TURN_BYTES: Final = 1024 * 1024
MIN_TURN_BYTES: Final = 64 * 1024
BACKLOG: Final = 1024
ACCEPT_PAUSE_SECONDS: Final = 1.0
HANDSHAKE_SECONDS: Final = 10.0
"""How long a PROXY header and the TLS handshake may take, each."""
TLS_CLOSE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What a listener takes; times in seconds, sizes in bytes."""

    max_frame_bytes: int = 1 << 20
    max_connections: int = 1000
    idle_seconds: float | None = None
    join_lines: bool = False
    proxy_protocol: bool = False
    allowed: Allowed = field(default_factory=lambda: Allowed(()))


class Listener:
    """Accepts connections and reads them as fast as events become durable, no faster.

    A connection with too much under way is not read, and none is while the handover is full; so
    memory is bounded, and a sender blocks instead of losing. `tls` may be replaced at any time and
    counts for new connections.
    """

    def __init__(
        self,
        context: Context,
        read: Read,
        handover: Handover,
        limits: Limits,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.context = context
        self.read = read
        self.handover = handover
        self.limits = limits
        self.tls = tls
        self.connections: set[Connection] = set()
        self.portions = Portions(context.clock.monotonic)
        handover.on_change.append(self._adjust)
        self._bound: list[socket.socket] = []
        self._accepting: set[asyncio.Task[None]] = set()
        self._opening: set[asyncio.Task[None]] = set()

    def start(self, bound: Sequence[socket.socket]) -> None:
        """Accept on sockets that are bound already; they are closed by `end`."""
        for listening in bound:
            listening.listen(BACKLOG)
            self._bound.append(listening)
            _spawn(self._accept(listening), self._accepting)
        if self.limits.idle_seconds:
            _spawn(self._close_idle(self.limits.idle_seconds), self._accepting)

    async def end(self) -> None:
        """Accept and read no more; hand over what was read."""
        tasks = self._accepting | self._opening
        for task in tasks:
            task.cancel()
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            for listening in self._bound:
                listening.close()
            for connection in list(self.connections):
                connection.end()

    def close(self) -> None:
        """Close the connections."""
        for connection in list(self.connections):
            connection.close()

    def _adjust(self) -> None:
        for connection in list(self.connections):
            connection.adjust()

    async def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                async for opened, peer in accepted(listening, self._held):
                    self._accepted(opened, plain(peer[0]))
                    # A flood of connections must not keep others from being read.
                    await asyncio.sleep(0)
            except OSError as error:
                self.context.count("accept_failed")
                self.context.log.warning("cannot accept a connection: %s", error.strerror)
                await self.context.clock.sleep(ACCEPT_PAUSE_SECONDS)

    def _accepted(self, opened: socket.socket, sender: str) -> None:
        if reason := self._refusal(sender):
            self.context.count("refused", 1, reason)
            opened.close()
        else:
            _spawn(self._open(opened, sender), self._opening)

    def _held(self) -> int:
        return len(self.connections) + len(self._opening)

    def _refusal(self, sender: str) -> str:
        if sender not in self.limits.allowed:
            return "allow_from"
        if self._held() >= self.limits.max_connections:
            return "max_connections"
        return ""

    async def _open(self, opened: socket.socket, sender: str) -> None:
        """From an accepted socket to a connection: PROXY header, then TLS, then frames."""
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {}
        if self.tls:
            options = {
                "ssl": self.tls,
                "ssl_handshake_timeout": HANDSHAKE_SECONDS,
                "ssl_shutdown_timeout": TLS_CLOSE_SECONDS,
            }
        try:
            keep_alive(opened)
            if self.limits.proxy_protocol:
                async with asyncio.timeout(HANDSHAKE_SECONDS):
                    sender = await receive(opened) or sender
            await loop.connect_accepted_socket(lambda: Connection(self, sender), opened, **options)
        except (ProxyError, OSError) as error:
            reason = "proxy_protocol" if isinstance(error, ProxyError) else "handshake"
            self.context.count("refused", 1, reason)
            self.context.log.debug("a connection from %s failed: %s", sender, error)
            opened.close()
        except asyncio.CancelledError:
            opened.close()
            raise

    async def _close_idle(self, idle_seconds: float) -> None:
        clock = self.context.clock
        while True:
            await clock.sleep(idle_seconds / 4)
            for connection in list(self.connections):
                if connection.idle_since(clock.monotonic()) >= idle_seconds:
                    self.context.count("idle_closed")
                    connection.end()
                    connection.close()


class Portions:
    """One buffer for all connections, and how much of it each may fill at a time.

    That is less the more of them read in a turn of the loop, and the longer it took.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._size = MIN_READ_BYTES
        self._turn_bytes = float(MIN_TURN_BYTES)
        self._began = 0.0
        self._reads = self._read_bytes = 0

    def next(self) -> memoryview:
        """Where to read into; what was read there before must have been used."""
        if not self._reads:
            self._began = self._monotonic()
            asyncio.get_running_loop().call_soon(self._end_turn)
        self._reads += 1
        return self._buffer[: self._size]

    def read(self, size: int) -> bytes:
        """The first octets of the buffer."""
        self._read_bytes += size
        return bytes(self._buffer[:size])

    def _end_turn(self) -> None:
        seconds = max(self._monotonic() - self._began, 1e-6)
        fitting = self._read_bytes / seconds * TURN_SECONDS
        if self._read_bytes >= MIN_TURN_BYTES // 2:  # from less nothing can be learned
            fitting = (fitting + self._turn_bytes) / 2
            self._turn_bytes = min(max(fitting, MIN_TURN_BYTES), MAX_TURN_BYTES)
        share = int(self._turn_bytes) // self._reads
        self._size = min(max(share, MIN_READ_BYTES), READ_BYTES)
        self._reads = self._read_bytes = 0


class Connection(asyncio.BufferedProtocol):
    """One sender: its framer, its bytes under way."""

    def __init__(self, listener: Listener, sender: str) -> None:
        self._in_flight = 0
        self._listener = listener
        self._sender = sender
        limits = listener.limits
        self._framer = Framer(limits.max_frame_bytes, join_lines=limits.join_lines)
        self._monotonic = listener.context.clock.monotonic
        self._last = self._monotonic()
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._listener.connections.add(self)
        self.adjust()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._listener.portions.next()

    def buffer_updated(self, nbytes: int) -> None:
        self._last = self._monotonic()
        self._hand_over(self._framer.feed(self._listener.portions.read(nbytes)))

    def connection_lost(self, error: Exception | None) -> None:
        self.end()
        self._listener.connections.discard(self)

    def idle_since(self, now: float) -> float:
        """Seconds since the last octet; 0 while it is the bridge that does not read."""
        return 0.0 if self._in_flight or not self._transport.is_reading() else now - self._last

    def end(self) -> None:
        """Read no more; what has no delimiter yet is a frame now."""
        if not self._ended:
            self._ended = True
            self.adjust()
            self._hand_over(self._framer.finish())

    def close(self) -> None:
        self._transport.close()

    def adjust(self) -> None:
        """Read, or do not read, by how much is under way; after the end never again."""
        limit = CONNECTION_BYTES if self._transport.is_reading() else CONNECTION_BYTES // 2
        if self._ended or self._listener.handover.full or self._in_flight >= limit:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _hand_over(self, frames: list[bytes]) -> None:
        if not frames:
            return
        events = self._listener.read(frames, self._framer.flags, self._sender)
        size = sum(map(len, frames))
        self._in_flight += size

        def done() -> None:
            self._in_flight -= size
            self.adjust()

        self._listener.handover.give(events, size, done)
        self.adjust()


def _spawn(work: Coroutine[None, None, None], tasks: set[asyncio.Task[None]]) -> None:
    task = asyncio.get_running_loop().create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
