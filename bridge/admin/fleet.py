"""What the parent of workers answers, by asking them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol

import httpx

from bridge.admin import checkpoints, control, page, spread, status
from bridge.admin.dead import Query
from bridge.admin.routes import metrics
from bridge.admin.server import Admin, Answer, Route, Routes
from bridge.admin.snapshot import Speaker
from bridge.admin.tap import wanted
from bridge.httpd import Refusal, Request, Response, as_json

AGAIN_SECONDS: Final = 0.5
WAITING_LINES: Final = 1000
"""So many lines of all workers wait for one onlooker; then the workers count what is missed."""


class Fleet(Speaker, Protocol):
    """A bridge with workers; `clients` ask them over their sockets."""

    @property
    def clients(self) -> Mapping[int, httpx.AsyncClient]: ...


async def forward(admin: Admin[Fleet], request: Request) -> Response:
    """Let worker 0 answer, which has the pollers and their checkpoints."""
    client = admin.running.clients[0]
    asked = client.build_request(
        request.method, request.path, params=request.query, content=request.body, timeout=None
    )
    try:
        answer = await client.send(asked, stream=True)
    except httpx.HTTPError:
        raise Refusal(503, "worker 0 is being started: try again") from None
    kind = answer.headers.get("content-type", "text/plain")
    return Response(answer.status_code, _pieces(answer), kind)


async def _pieces(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_raw():
            yield piece
    finally:
        await answer.aclose()


async def tap(admin: Admin[Fleet], request: Request) -> Response:
    """The events of all workers; see `bridge.admin.tap`."""
    wanted(request.query)
    lines = _merged(admin.running.clients, request.query)
    return Response(body=lines, content_type="application/x-ndjson")


async def _merged(clients: Mapping[int, httpx.AsyncClient], query: Query) -> AsyncIterator[bytes]:
    lines: asyncio.Queue[bytes] = asyncio.Queue(WAITING_LINES)
    tasks = [asyncio.create_task(_follow(one, query, lines)) for one in clients.values()]
    try:
        while True:
            yield await lines.get()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _follow(client: httpx.AsyncClient, query: Query, lines: asyncio.Queue[bytes]) -> None:
    """One worker, and after it its successor."""
    while True:
        try:
            async with client.stream("GET", "/tap", params=query, timeout=None) as answer:
                async for line in answer.aiter_lines():
                    await lines.put(line.encode() + b"\n")
        except httpx.HTTPError:
            await asyncio.sleep(AGAIN_SECONDS)


def asks(clients: Mapping[int, httpx.AsyncClient]) -> spread.Asks:
    """The workers as somebody to ask."""
    return {worker: partial(_ask, worker, client) for worker, client in clients.items()}


async def _ask(worker: int, client: httpx.AsyncClient, method: str, path: str, query: Query) -> Any:
    try:
        answer = await client.request(method, path, params=query)
    except httpx.HTTPError:
        raise Refusal(503, f"worker {worker} is being started: try again") from None
    if answer.is_error:
        raise Refusal(answer.status_code, answer.text.strip())
    return answer.json()


def _spread(work: Callable[..., Any]) -> Answer:
    async def answer(admin: Admin[Fleet], request: Request) -> Response:
        return as_json(await work(asks(admin.running.clients), request.query))

    return answer


FLEET_ROUTES: Final[Routes] = {
    ("GET", "/"): Route(page.page, open=True),
    ("GET", "/healthz"): Route(status.healthz, open=True),
    ("GET", "/readyz"): Route(status.readyz, open=True),
    ("GET", "/status"): Route(status.status, open=True),
    ("GET", "/history"): Route(status.history, open=True),
    ("GET", "/metrics"): Route(metrics, open=True),
    ("GET", "/tap"): Route(tap),
    ("POST", "/reload"): Route(control.reload),
    ("POST", "/replay"): Route(forward),
    ("POST", "/backfill"): Route(forward),
    **{way: Route(forward) for way in checkpoints.WORK},
    **{way: Route(_spread(work)) for way, work in spread.WORK.items()},
}
