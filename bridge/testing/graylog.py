"""A Graylog to test against: GELF inputs on loopback ports with Graylog's decoder behind them.

It answers as Graylog's inputs do (`AbstractTcpTransport` with a NUL as delimiter, `UdpTransport`
with `GelfChunkAggregator`), keeps what Graylog keeps, and says of every message what Graylog would
lose. Outages can be played: closed and opened again on the same ports, no longer reading, killed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import struct
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Self

from bridge import gelf
from bridge.gelf import Decoded, Stored
from bridge.testing.chunks import Chunks
from bridge.testing.http import HttpInput

MAX_FRAME: Final = 2_097_152
"""`max_message_size` of Graylog's TCP input, in bytes without the NUL."""

_LINGER_NOT_AT_ALL: Final = struct.pack("ii", 1, 0)


class FakeGraylog:
    """GELF inputs (TCP, UDP and HTTP) that keep what Graylog keeps.

    `async with FakeGraylog() as graylog` listens on `graylog.port` (TCP), `graylog.udp_port` and
    `graylog.http_port` of the loopback address `host`; 0 lets the system choose. With `tls` the
    inputs for TCP and HTTP speak TLS, with `bulk` the one for HTTP takes one message a line. The
    ports stay the same until the end of the block, whatever outage is played.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        udp_port: int = 0,
        http_port: int = 0,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
        bulk: bool = False,
    ) -> None:
        self.host = host
        self.port = port
        self.udp_port = udp_port
        self.http_port = http_port
        self.documents: list[bytes] = []
        """Every message as it came, in order of arrival."""
        self.messages: list[Decoded] = []
        """What Graylog makes of those that it keeps, with `timestamp` and `source` always set."""
        self.rejected: list[Decoded] = []
        """Those that it refuses as a whole; `rejection` says why."""
        self.connections = 0
        """How many TCP connections were accepted since the beginning."""
        self._tls = tls
        self._paused = False
        self._reserved: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._datagrams: asyncio.DatagramTransport | None = None
        self._http = HttpInput(self._take, host, bulk, tls)
        self._open: set[_Connection] = set()
        self._chunks = Chunks(time.monotonic)
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        if self._reserved:
            self._reserved.close()
            self._reserved = None

    async def start(self) -> None:
        """Listen, after `stop` and `kill` on the same ports as before."""
        if self._server:
            return
        loop = asyncio.get_running_loop()
        listening, self._reserved = self._reserved or self._bound(), None
        self._server = await loop.create_server(
            lambda: _Connection(self), sock=listening, ssl=self._tls
        )
        self._datagrams, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self), (self.host, self.udp_port)
        )
        self.udp_port = self._datagrams.get_extra_info("sockname")[1]
        self.http_port = await self._http.start(self.http_port)

    async def stop(self) -> None:
        """Close ports and connections in order; safe twice."""
        await self._end(_Connection.close)

    async def kill(self) -> None:
        """Close the ports and reset the connections, as when a busy process is killed."""
        await self._end(_Connection.reset)

    def reset(self) -> None:
        """Reset every open connection (RST) and go on listening."""
        for connection in list(self._open):
            connection.reset()

    def pause(self) -> None:
        """Stop reading from TCP connections, also from new ones, so that the sender's fill up, and
        answering HTTP requests."""
        self._paused = True
        self._http.pause()
        for connection in self._open:
            connection.pause()

    def resume(self) -> None:
        """Read again."""
        self._paused = False
        self._http.resume()
        for connection in self._open:
            connection.resume()

    async def received(self, count: int, timeout: float = 5.0) -> list[Decoded]:
        """The messages, as soon as `count` of them are kept; raises TimeoutError with the score."""
        done = asyncio.get_running_loop().create_future()
        self._waiters.append((count, done))
        self._wake()
        try:
            async with asyncio.timeout(timeout):
                await done
        except TimeoutError:
            raise TimeoutError(
                f"{len(self.messages)} of {count} messages came within {timeout} s; "
                f"rejected: {[each.rejection for each in self.rejected] or 'none'}"
            ) from None
        finally:
            self._waiters.remove((count, done))
        return self.messages

    def losses(self) -> list[str]:
        """Everything that did not arrive as it was sent, one sentence each; empty when all is well.

        Rejected messages, dropped fields, chunks that never became a message, and what an index
        with Graylog's default mapping would refuse.
        """
        found = [f"rejected: {message.rejection}" for message in self.rejected]
        found += [f"discarded: {reason}" for reason in self._chunks.lost]
        for number, message in enumerate(self.messages, 1):
            problems = [*message.dropped, *message.warnings, *gelf.index_problems(message.fields)]
            found += [f"message {number}: {problem}" for problem in problems]
        return found

    def _bound(self) -> socket.socket:
        """A socket that has the port but does not listen.

        During an outage it keeps the system from giving the port to a client, even to one that
        tries to reach this very port and would then talk to itself.
        """
        bound = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((self.host, self.port))
        self.port = bound.getsockname()[1]
        return bound

    def _take(self, document: bytes, peer: str) -> None:
        """One message from whatever transport."""
        self.documents.append(document)
        decoded = gelf.decode(document, peer)
        if decoded.rejection is not None:
            self.rejected.append(decoded)
        else:
            arrived: dict[str, Stored] = {"timestamp": round(time.time(), 3), "source": "unknown"}
            self.messages.append(replace(decoded, fields=arrived | decoded.fields))
        self._wake()

    def _take_datagram(self, datagram: bytes, peer: str) -> None:
        if len(datagram) >= 2 and (document := self._chunks.add(datagram)) is not None:
            self._take(document, peer)

    def _wake(self) -> None:
        for count, done in self._waiters:
            if len(self.messages) >= count and not done.done():
                done.set_result(None)

    async def _end(self, end: Any) -> None:
        server, self._server = self._server, None
        datagrams, self._datagrams = self._datagrams, None
        if server is None or datagrams is None:
            return
        server.close()
        self._reserved = self._bound()
        datagrams.abort()
        await self._http.stop()
        closed = [connection.closed for connection in self._open]
        for connection in list(self._open):
            end(connection)
        await asyncio.gather(*closed)


class _Connection(asyncio.Protocol):
    """One sender on the TCP input."""

    transport: asyncio.Transport

    def __init__(self, graylog: FakeGraylog) -> None:
        self._graylog = graylog
        self._buffer = bytearray()
        self._searched = 0
        self._discarding = False
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._peer = address(transport.get_extra_info("peername"))
        self._graylog.connections += 1
        self._graylog._open.add(self)
        if self._graylog._paused:
            self.pause()

    def data_received(self, data: bytes) -> None:
        """Hand over every whole frame of this read, then close if one of them was bad."""
        self._buffer += data
        bad = False
        while (end := self._buffer.find(b"\0", self._searched)) >= 0:
            frame = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            self._searched = 0
            bad |= not self._frame(frame)
        self._searched = len(self._buffer)
        if self._searched > MAX_FRAME:
            self._buffer.clear()
            self._searched = 0
            bad |= not self._discarding
            self._discarding = True
        if bad:
            self.close()

    def eof_received(self) -> bool:
        """What stands at the end without a NUL is a frame too; then answer FIN with FIN."""
        if self._buffer:
            self._frame(bytes(self._buffer))
            self._buffer.clear()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._graylog._open.discard(self)
        if not self.closed.done():
            self.closed.set_result(None)

    def close(self) -> None:
        self.transport.close()

    def reset(self) -> None:
        raw: socket.socket | None = self.transport.get_extra_info("socket")
        if raw is not None and raw.fileno() >= 0:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT_AT_ALL)
        self.transport.abort()

    def pause(self) -> None:
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def resume(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def _frame(self, frame: bytes) -> bool:
        """False for a frame after which Graylog closes the connection."""
        if self._discarding:
            self._discarding = False
            return True
        if not 2 <= len(frame) <= MAX_FRAME:
            return False
        self._graylog._take(frame, self._peer)
        return True


class _Datagrams(asyncio.DatagramProtocol):
    """The UDP input."""

    def __init__(self, graylog: FakeGraylog) -> None:
        self._graylog = graylog

    def datagram_received(self, data: bytes, addr: Sequence[Any]) -> None:
        self._graylog._take_datagram(data, address(addr))


def address(peer: Sequence[Any] | None) -> str:
    """The address of a peer as Graylog writes it into `gl2_remote_ip`."""
    return str(ipaddress.ip_address(peer[0])) if peer else "unknown"
