"""The same over TLS: close_notify and FIN go out, the peer's close_notify and FIN come back.

Only the process that holds the keys can send close_notify, after it has read everything before
ours, so it is a proof through every proxy that passes TLS through. Graylog does not close on
close_notify alone, and Python's `SSLSocket` cannot half-close: hence `ssl.MemoryBIO`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final

from bridge.config import Endpoint
from bridge.net.certificates import described
from bridge.net.reasons import reason
from bridge.outputs.gelf_tcp.connection import Connection

_READ_BYTES: Final = 64 * 1024


class TlsConnection(Connection):
    """A connection inside TLS; with `strict` only close_notify confirms."""

    def __init__(
        self,
        endpoint: Endpoint,
        ended: Callable[[Connection, str], None],
        now: float,
        context: ssl.SSLContext,
        server_name: str,
    ) -> None:
        super().__init__(endpoint, ended, now)
        self.strict = False
        self.notified = False
        """Whether the peer's close_notify has come after ours."""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def handshake(self) -> None:
        """Return when both sides have agreed on keys; raises OSError."""
        await self._ready

    def write(self, data: bytes) -> None:
        """Encrypt and write; no blanks are needed, the handshake has shown who is there."""
        self._tls.write(data + b"\0")
        self.written += len(data) + 1
        self._flush()

    def finish(self) -> None:
        """Send close_notify and FIN."""
        if not self.transport.is_closing():
            try:
                self._tls.unwrap()
            except ssl.SSLWantReadError:
                pass  # the answer has not come yet, of course
            except ssl.SSLError as error:
                self.report(reason(error))
                return
            self._flush()
        super().finish()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._advance()

    def data_received(self, data: bytes) -> None:
        self._incoming.write(data)
        self._advance()

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        if not self._ready.done():
            self._ready.set_exception(error or ConnectionResetError("closed in the handshake"))

    def verdict(self) -> str:
        failure = super().verdict()
        if not failure and self.strict and not self.notified:
            return (
                "it ended TLS without close_notify: it was killed, or a proxy in between closed "
                "the connection itself"
            )
        return failure

    def described(self) -> str:
        """TLS version, days left of the certificate, and whether close_notify is answered."""
        answers = "answers" if self.notified else "does not answer"
        return f"{described(self._tls)}, {answers} close_notify"

    def _advance(self) -> None:
        """Handle what has come; TLS answers by itself."""
        try:
            if not self._ready.done():
                self._tls.do_handshake()
                self._ready.set_result(None)
            self._read()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self._flush()
            if not self._ready.done():
                self._ready.set_exception(error)
            self.report(reason(error))
            return
        self._flush()

    def _read(self) -> None:
        """Take session tickets and the like; ends with SSLWantReadError or close_notify."""
        try:
            data = self._tls.read(_READ_BYTES)
        except ssl.SSLZeroReturnError:
            data = b""
        if data:
            super().data_received(data)
        elif self.finished:
            self.notified = True
        else:
            self.report("it closed the connection")

    def _flush(self) -> None:
        if self._outgoing.pending and not self.transport.is_closing():
            self.transport.write(self._outgoing.read())
