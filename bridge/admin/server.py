"""The admin server itself: where it listens, who may ask what, and who answers."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any, Final, Generic, TypeVar

from bridge.admin.guard import Guard
from bridge.admin.history import History
from bridge.admin.snapshot import Speaker
from bridge.config import AdminConfig
from bridge.errors import BridgeError
from bridge.httpd import HttpServer, Limits, Refusal, Request, Response, refused
from bridge.net import written

log = logging.getLogger(__name__)

SOCKET: Final = "admin.sock"
"""Its name in the spool directory."""
LIMITS: Final = Limits(body_bytes=4 << 20, request_seconds=30.0)
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

S = TypeVar("S", bound=Speaker)
Answer = Callable[[Any, Request], Awaitable[Response]]
"""A function of the `Admin` and what it was asked."""


@dataclass(frozen=True, slots=True)
class Route:
    """Who answers; `open` routes need no token over TCP."""

    answer: Answer
    open: bool = False


Routes = dict[tuple[str, str], Route]
"""Method and path → route."""


class Admin(Generic[S]):
    """Answers for a running bridge until `close`; `name` is that of its socket."""

    def __init__(self, running: S, routes: Routes, name: str = SOCKET) -> None:
        self.running = running
        self.history = History(running)
        self._routes = routes
        self._name = name
        self._socket = HttpServer(partial(self._handle, Guard(None)), LIMITS)
        self._tcp: HttpServer | None = None
        self._config: AdminConfig | None = None
        self._guard: Guard | None = None

    async def start(self) -> None:
        """Listen on the socket, and on the address if there is one.

        What cannot be listened on is an error in the log: events are worth more than looking on.
        """
        try:
            await self._socket.listen_unix(self.running.config.spool.directory / self._name)
        except BridgeError as error:
            log.error("status, tap and reload by command do not work: %s", error)
        await self.listen(self.running.config.admin)
        self.history.start()

    async def listen(self, config: AdminConfig | None) -> None:
        """Serve the TCP address of this configuration in place of the one before."""
        before, self._config = self._config, config
        self._guard = Guard(config) if config else None
        if self._tcp and before and config and before.address == config.address:
            return
        if self._tcp:
            await self._tcp.close()
            self._tcp = None
        if config is None:
            return
        server = HttpServer(self._handle_tcp, LIMITS)
        try:
            await server.listen(config.address)
        except BridgeError as error:
            log.error("the admin server has no address: %s", error)
            return
        self._tcp = server
        log.info("the admin server listens on http://%s/", written(*server.addresses[0]))

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens over TCP."""
        return self._tcp.addresses if self._tcp else []

    async def close(self) -> None:
        """Stop listening, end every answer that is under way."""
        self.history.stop()
        await self.listen(None)
        await self._socket.close()

    async def _handle_tcp(self, request: Request) -> Response:
        if self._guard is None:
            return refused(503, "this address is being closed")
        return await self._handle(self._guard, request)

    async def _handle(self, guard: Guard, request: Request) -> Response:
        try:
            response = await self._answer(guard, request)
        except Refusal as refusal:
            response = refused(refusal.status, refusal.reason)
        asked = {"WWW-Authenticate": "Bearer"} if response.status == HTTPStatus.UNAUTHORIZED else {}
        return replace(response, headers={**HEADERS, **asked, **response.headers})

    async def _answer(self, guard: Guard, request: Request) -> Response:
        guard.check_names(request)
        method = "GET" if request.method == "HEAD" else request.method
        route = self._routes.get((method, request.path))
        if route is None:
            if any(path == request.path for _, path in self._routes):
                raise Refusal(405, f"{request.method} is not for {request.path}")
            raise Refusal(404, f"there is no {request.path} here")
        if not route.open:
            guard.check_token(request)
        return await route.answer(self, request)
