"""One connection: written to, half-closed, and confirmed by the way in which the peer ends it.

TCP carries one signal that every peer gives without knowing it: when we send FIN and it answers
with a clean FIN, its process has read every byte up to ours. A process that ends with unread data
causes RST, a vanished one silence. The peer's FIN counts only if ours was acknowledged when it
came (`TIOCOUTQ` is zero), or it is one that crossed ours on the way.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import sys
import termios
from collections.abc import Callable
from typing import Final

from bridge.config import Endpoint
from bridge.net.reasons import reason

BLANKS: Final = b" " * 4096
"""In front of the first frame: a TLS input answers so much nonsense with RST, where it would
swallow a small frame and answer FIN. A plain input skips blanks before a document."""

TLS_ALERT: Final = b"\x15\x03"
"""How the answer of a TLS server to plain text begins (RFC 8446, section 5.1)."""

_NO_LINGER: Final = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """A plain connection; `ended` is called once, with what went wrong or an empty text.

    An empty text means: finished by us and confirmed by the peer.
    """

    transport: asyncio.Transport

    def __init__(
        self, endpoint: Endpoint, ended: Callable[[Connection, str], None], now: float
    ) -> None:
        self.endpoint = endpoint
        self.opened_at = now
        self.sends: list[asyncio.Future[float]] = []
        """Those who wait for the confirmation of what was written: when it was asked for."""
        self.asked_at = now
        self.written = 0
        """Bytes of documents."""
        self.finished = False
        self.failure = ""
        """What went wrong, once it has ended; nothing if the peer confirmed it."""
        self.end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the connection has ended, in whatever way."""
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when its socket is closed, too."""
        self._ended = ended
        self._flushed = asyncio.Event()
        self._flushed.set()

    # What the output calls

    async def handshake(self) -> None:
        """Return when documents can be written; raises OSError."""

    def write(self, data: bytes) -> None:
        """Write one or more documents, joined by NUL, and the NUL behind them."""
        if not self.written:
            self.transport.write(BLANKS)
        # One by one: joined, the documents would be copied.
        self.transport.write(data)
        self.transport.write(b"\0")
        self.written += len(data) + 1

    def finish(self) -> None:
        """Say that no more will come; the peer's answer is the confirmation."""
        self.finished = True
        if not self.transport.is_closing():
            self.transport.write_eof()

    async def flushed(self) -> None:
        """Return when the kernel has taken everything that was written."""
        await self._flushed.wait()

    @property
    def pending(self) -> int:
        """Bytes that the peer's kernel has not acknowledged; our FIN counts as one."""
        queued = struct.pack("i", 0)
        opened: socket.socket = self.transport.get_extra_info("socket")
        if opened.fileno() < 0:
            return sys.maxsize
        (queued_bytes,) = struct.unpack("i", fcntl.ioctl(opened, termios.TIOCOUTQ, queued))
        return int(queued_bytes) + self.transport.get_write_buffer_size()

    def close(self) -> None:
        """End it in order; what was written is still sent by the kernel. Nothing is reported."""
        self._settle()
        self.transport.close()

    def abort(self) -> None:
        """End it at once with RST; what the peer has not got is not sent. Nothing is reported."""
        self._settle()
        opened: socket.socket = self.transport.get_extra_info("socket")
        if opened.fileno() >= 0:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self.transport = transport
        transport.set_write_buffer_limits(high=0)

    def data_received(self, data: bytes) -> None:
        """No GELF input ever answers."""
        self.report(
            "it wants TLS: add `tls: true`"
            if data.startswith(TLS_ALERT)
            else f"it answered {len(data)} bytes, which a GELF TCP input never does"
        )

    def eof_received(self) -> bool:
        self.report(self.verdict())
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._flushed.set()
        self.lost.set_result(None)
        self.report(reason(error) if error else "the connection was closed")

    def pause_writing(self) -> None:
        self._flushed.clear()

    def resume_writing(self) -> None:
        self._flushed.set()

    # What both have in common

    def verdict(self) -> str:
        """What the peer's FIN, which has just come, means for all that was written."""
        if not self.finished:
            return "it closed the connection"
        if self.pending:
            return "it closed the connection while the last bytes were on their way"
        return ""

    def described(self) -> str:
        """What there is to say about it; nothing of a plain one."""
        return ""

    def report(self, failure: str) -> None:
        """Tell the end, once, and let go."""
        if not self.end.done():
            self.failure = failure
            self._settle()
            self._ended(self, failure)
            self.transport.close()

    def _settle(self) -> None:
        if not self.end.done():
            self.end.set_result(None)
