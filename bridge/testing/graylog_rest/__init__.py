"""A Graylog REST server to test against: the shapes of 6.x or 7.x, over real HTTP.

It follows recorded answers of Graylog 6.3.7 and 7.0.1: changes need `X-Requested-By`, unknown
properties are refused, 7.x wants shared things inside `entity`, titles of rules and pipelines are
unique (500, E11000) and those of streams are not, streams are created paused, connections are
replaced. What a handler does not know is 404, as an unknown path is.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from bridge.config import Address
from bridge.httpd import Abort, HttpServer, Limits, Request, Response, as_json
from bridge.testing.graylog_rest.answers import (
    Call,
    Json,
    Problem,
    Route,
    api_error,
    json_body,
    matched,
    properties,
    request_error,
)
from bridge.testing.graylog_rest.content import ContentArea
from bridge.testing.graylog_rest.indices import IndexArea
from bridge.testing.graylog_rest.pipelines import PipelineArea
from bridge.testing.graylog_rest.state import DEFAULT_STREAM, State
from bridge.testing.graylog_rest.streams import StreamArea
from bridge.testing.graylog_rest.system import SystemArea

_WRAPPED: Final = {
    *(("POST", "/streams"), ("POST", "/views"), ("PUT", "/views/{}")),
    ("POST", "/events/definitions"),
}
"""What 7.0 wants inside `entity` (CreateEntityRequest)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that changed something, or tried to, and its answer's status."""

    method: str
    path: str
    query: dict[str, str]
    body: Json
    status: int


class FakeGraylogApi:
    """`async with FakeGraylogApi("7.0.1") as server:` listens on `server.url`.

    `pipelines_first` is the order of clusters upgraded from 4.x; `permissions` are those of the
    user of the only token, `server.token`. What it holds is in `server.state`.
    """

    def __init__(
        self,
        version: str = "7.0.1",
        *,
        pipelines_first: bool = False,
        permissions: Sequence[str] = ("*",),
    ) -> None:
        self.version = version
        self.token = "0123456789abcdef0123456789abcdef0123456789abcdef"  # noqa: S105 - a fake's
        major, minor = version.split(".")[:2]
        self.state = State((int(major), int(minor)))
        self.permissions = list(permissions)
        self.asked: list[Asked] = []
        self.fail_after: int | None = None
        """How many more changes are taken before connections are cut."""
        self.system = SystemArea(self.state, version, "admin", self.permissions, pipelines_first)
        areas = (
            self.system,
            PipelineArea(self.state),
            StreamArea(self.state),
            IndexArea(self.state),
            ContentArea(self.state),
        )
        self._routes = [(area, each) for area in areas for each in _routes(area)]
        self._server = HttpServer(self._answer, Limits(body_bytes=8 << 20))

    async def __aenter__(self) -> Self:
        await self._server.listen(Address("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    @property
    def url(self) -> str:
        """Where it listens, without `/api`."""
        host, port = self._server.addresses[0]
        return f"http://{host}:{port}"

    async def _answer(self, request: Request) -> Response:
        if not request.path.startswith("/api/") and request.path != "/api":
            return Response(200, b"<!DOCTYPE html><title>Graylog</title>", "text/html")
        changes = request.method != "GET"
        if changes and self.fail_after is not None:
            if self.fail_after == 0:
                raise Abort
            self.fail_after -= 1
        try:
            status, answer = self._handled(request)
        except Problem as problem:
            status, answer = problem.status, problem.body
        if changes:
            path = request.path.removeprefix("/api")
            body = json_body(request)
            self.asked.append(Asked(request.method, path, request.query, body, status))
        return Response(status) if answer is None else as_json(answer, status)

    def _handled(self, request: Request) -> tuple[int, Json]:
        path = request.path.removeprefix("/api") or "/"
        if path != "/":
            self._authenticate(request)
        if request.method != "GET" and "x-requested-by" not in request.headers:
            header = 'Please add a "X-Requested-By" header to your request.'
            raise api_error(400, f"CSRF protection header is missing. {header}")
        found = sorted(self._found(request.method, path), key=lambda each: len(each[2]))
        if not found:
            raise api_error(404, "HTTP 404 Not Found")
        area, route, arguments = found[0]
        self._authorise(route)
        body = json_body(request)
        if (route.method, route.pattern) in _WRAPPED:
            body = self._unwrapped(body)
        call = Call(request.method, path, request.query, body, arguments)
        return route.handler(area, call)

    def _found(self, method: str, path: str) -> list[tuple[Any, Route, tuple[str, ...]]]:
        """Routes of this path, those with words of their own before those with any."""
        return [
            (area, route, arguments)
            for area, route in self._routes
            if route.method == method and (arguments := matched(route.pattern, path)) is not None
        ]

    def _authenticate(self, request: Request) -> None:
        """Basic, with the token as name; a Bearer header is refused as on real servers."""
        expected = base64.b64encode(f"{self.token}:token".encode()).decode()
        if request.headers.get("authorization") != f"Basic {expected}":
            raise Problem(401, None)

    def _authorise(self, route: Route) -> None:
        wanted = route.right
        kind = wanted.partition(":")[0]
        if wanted and not {"*", wanted, f"{kind}:*", kind} & set(self.permissions):
            raise api_error(403, "Not authorized")

    def _unwrapped(self, body: Json) -> Json:
        """The entity of a request for something that can be shared."""
        shared = ("share_request",)
        if self.state.major < 7:
            return {key: each for key, each in (body or {}).items() if key not in shared}
        if not isinstance(body, dict) or body.get("entity") is None:
            raise request_error('Error at "" [1, 1]: entity cannot be null')
        return properties(body, ("entity",), shared)["entity"]


def _routes(area: object) -> list[Route]:
    return [
        route
        for name in dir(type(area))
        for route in getattr(getattr(type(area), name), "routes", [])
    ]


__all__ = ["DEFAULT_STREAM", "Asked", "FakeGraylogApi", "State"]
