"""Which endpoint is next, and connections to it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from bridge.clock import Clock
from bridge.config import Endpoint
from bridge.net.client_tls import ClientTls, client_context
from bridge.net.dial import dial
from bridge.outputs.gelf_tcp.connection import Connection
from bridge.outputs.gelf_tcp.tls import TlsConnection

AVOID_SECONDS: Final = 30.0
"""How long an endpoint that failed is tried only after the others."""

Ended = Callable[[Connection, str], None]


class Dialer:
    """Opens connections; remembers which endpoints failed lately."""

    def __init__(
        self,
        endpoints: list[Endpoint],
        in_turn: bool,
        tls: ClientTls | None,
        timeout: float,
        clock: Clock,
    ) -> None:
        self._endpoints = endpoints
        self._in_turn = in_turn
        self._tls = tls
        self._timeout = timeout
        self._clock = clock
        self._context: ssl.SSLContext | None = None
        self._failed_at: dict[Endpoint, float] = {}
        self._turn = 0

    def prepare(self) -> None:
        """Read the files of the TLS section (again); raises BridgeError."""
        self._context = client_context(self._tls) if self._tls else None

    def candidates(self) -> list[Endpoint]:
        """All endpoints, the one whose turn it is first, those that failed lately last."""
        around = self._endpoints[self._turn :] + self._endpoints[: self._turn]
        return sorted(around, key=self._is_avoided)

    def taken(self, endpoint: Endpoint) -> None:
        """The endpoint gets what comes next; in round robin it is then another one's turn."""
        if self._in_turn:
            self._turn = (self._endpoints.index(endpoint) + 1) % len(self._endpoints)

    def failed(self, endpoint: Endpoint) -> None:
        """Try the other endpoints first for a while."""
        self._failed_at[endpoint] = self._clock.monotonic()

    async def open(self, endpoint: Endpoint, ended: Ended) -> Connection:
        """A connection that is ready to be written to; raises OSError."""

        def make() -> Connection:
            now = self._clock.monotonic()
            if self._context is None or self._tls is None:
                return Connection(endpoint, ended, now)
            name = self._tls.server_name or endpoint.host
            return TlsConnection(endpoint, ended, now, self._context, name)

        connection = await dial(endpoint, make, self._timeout)
        with ExitStack() as undo:
            undo.callback(connection.abort)
            async with asyncio.timeout(self._timeout):
                await connection.handshake()
            undo.pop_all()
        return connection

    def _is_avoided(self, endpoint: Endpoint) -> bool:
        failed_at = self._failed_at.get(endpoint)
        return failed_at is not None and self._clock.monotonic() - failed_at < AVOID_SECONDS
