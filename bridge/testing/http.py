"""Graylog's GELF HTTP input (`HttpTransport`, `HttpHandler`), as far as a sender can tell."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final

from bridge.config import Address
from bridge.httpd import HttpServer, Limits, Request, Response, refused

MAX_BODY: Final = 65_536
"""`max_chunk_size`: a larger body is answered with 413 and not taken."""


class HttpInput:
    """Answers 202 to every body at `/gelf`, good or bad, and hands over what is not empty."""

    def __init__(
        self, take: Callable[[bytes, str], None], host: str, bulk: bool, tls: ssl.SSLContext | None
    ) -> None:
        self._take = take
        self._host = host
        self._bulk = bulk
        self._tls = tls
        self._reading = asyncio.Event()
        self._reading.set()
        self._server: HttpServer | None = None

    async def start(self, port: int) -> int:
        """Listen; the port that was taken."""
        limits = Limits(body_bytes=MAX_BODY, connections=2000, idle_seconds=60.0)
        self._server = HttpServer(self._answer, limits)
        await self._server.listen(Address(self._host, port), self._tls)
        return self._server.addresses[0][1]

    async def stop(self) -> None:
        """Close port and connections; safe twice."""
        server, self._server = self._server, None
        if server:
            await server.close()

    def pause(self) -> None:
        """Answer no more requests for the time being."""
        self._reading.clear()

    def resume(self) -> None:
        """Answer again."""
        self._reading.set()

    async def _answer(self, request: Request) -> Response:
        await self._reading.wait()
        if request.method == "OPTIONS":
            return Response(200)
        if request.method != "POST":
            return refused(405, "Method Not Allowed")
        if request.path != "/gelf" or request.query:
            return refused(404, "Not Found")
        lines = request.body.split(b"\n") if self._bulk else [request.body]
        for line in lines:
            if len(line.strip()) > 1:
                self._take(line, request.peer)
        return Response(202)
