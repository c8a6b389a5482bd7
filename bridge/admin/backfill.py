"""The past of an input, asked for while the bridge runs."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from bridge.admin.server import Admin
from bridge.admin.snapshot import Backfill, Running
from bridge.config.moment import Moment
from bridge.errors import BridgeError
from bridge.httpd import Refusal, Request, Response
from bridge.inputs.poller import Progress

log = logging.getLogger(__name__)

QUEUE_LINES = 100
"""So many lines wait for a slow reader; of more, only how it ends is kept."""


async def backfill(admin: Admin[Running], request: Request) -> Response:
    """Give the past of the input `input` from `since` to `until`: a line of JSON for each step.

    The last line has `done` or `error`. When the client goes away, the backfill stops; it goes on
    where it was when it is asked for in the same words, or without `since`.
    """
    name = request.query.get("input", "")
    if name not in admin.running.inputs:
        raise Refusal(422, f"there is no input {name}")
    try:
        bounds = [_moment(request.query.get(one)) for one in ("since", "until")]
    except ValueError as error:
        raise Refusal(422, str(error)) from None
    lines = _lines(admin.running.backfill, name, *bounds)
    return Response(200, lines, "application/x-ndjson")


def _moment(text: str | None) -> Moment | None:
    return Moment(text) if text else None


async def _lines(
    backfill: Backfill, name: str, since: Moment | None, until: Moment | None
) -> AsyncIterator[bytes]:
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def tell(progress: Progress) -> None:
        if told.qsize() < QUEUE_LINES:
            told.put_nowait(asdict(progress))

    working = asyncio.ensure_future(backfill(name, since, until, tell))
    working.add_done_callback(lambda task: told.put_nowait(_end(task)))
    try:
        while True:
            line = await told.get()
            yield json.dumps(line).encode() + b"\n"
            if "stream" not in line:
                return
    finally:
        working.cancel()
        await asyncio.wait([working])


def _end(task: asyncio.Task[None]) -> dict[str, Any]:
    """How it ended, as the last line."""
    if task.cancelled():
        return {"error": "it was stopped"}
    if (error := task.exception()) is None:
        return {"done": True}
    if not isinstance(error, BridgeError):
        log.error("a backfill failed: %s", error, exc_info=error)
    return {"error": str(error) or type(error).__name__}
