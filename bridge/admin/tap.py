"""`/tap`: live events, a JSON object a line, for as long as somebody listens."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson

from bridge import gelf
from bridge.admin.server import Admin
from bridge.admin.snapshot import Running
from bridge.event import Event
from bridge.httpd import Refusal, Request, Response
from bridge.tap import Seen, Tap, Wants

IDLE_SECONDS: Final = 10.0
"""After so long without an event comes an empty line, so that both sides notice a dead peer."""
STORED_NAMES: Final = {"source": "host"}
"""What Graylog stores under another name than an event has it."""


async def tap(admin: Admin[Running], request: Request) -> Response:
    """Events from now on.

    `input` and `event_type` select by equality; `field` is a name or `name=pattern`, with `*` for
    anything, several of them separated by line feeds; all must hold. A line has `input`,
    `event_type`, `received` (the source's record, or null), `sent` (the GELF document), `stored`
    (what Graylog keeps of it) and `lost` (what it does not). `{"missed": n}` says how many events
    passed unseen since the last line, because they came too fast.
    """
    wants = wanted(request.query)
    return Response(body=_lines(admin, wants), content_type="application/x-ndjson")


def wanted(query: dict[str, str]) -> Wants:
    """A predicate of the settled event; raises Refusal for what is no filter."""
    unknown = query.keys() - {"input", "event_type", "field"}
    if unknown:
        raise Refusal(400, f"no such filter: {', '.join(sorted(unknown))}")
    pairs = [_pair(line) for line in query.get("field", "").splitlines() if line]
    pairs += [
        (name, re.compile(re.escape(query[key])))
        for key, name in (("input", "bridge_input"), ("event_type", "event_type"))
        if query.get(key)
    ]

    def wants(event: Event) -> bool:
        return all(_matches(event.get(name), pattern) for name, pattern in pairs)

    return wants


def _pair(line: str) -> tuple[str, re.Pattern[str]]:
    name, equals, pattern = line.partition("=")
    parts = [re.escape(part) for part in pattern.split("*")] if equals else ["", ""]
    return STORED_NAMES.get(name, name), re.compile(".*".join(parts), re.DOTALL)


def _matches(value: Any, pattern: re.Pattern[str]) -> bool:
    return value is not None and pattern.fullmatch(str(value)) is not None


async def _lines(admin: Admin[Running], wants: Wants) -> AsyncIterator[bytes]:
    with admin.running.taps.open(wants) as opened:
        yield b"\n"
        while True:
            yield await _line(opened)


async def _line(opened: Tap) -> bytes:
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            seen = await opened.take()
    except TimeoutError:
        return b"\n"
    missed, opened.missed = opened.missed, 0
    warning = orjson.dumps({"missed": missed}) + b"\n" if missed else b""
    return warning + orjson.dumps(shown(seen)) + b"\n"


def shown(seen: Seen) -> dict[str, Any]:
    """The three views of one event."""
    decoded = gelf.decode(seen.document)
    lost = [str(dropped) for dropped in decoded.dropped]
    return {
        "input": seen.input,
        "event_type": seen.event_type,
        "received": seen.original,
        "sent": seen.document.decode("utf-8", "replace"),
        "stored": decoded.fields,
        "lost": [decoded.rejection, *lost] if decoded.rejection else lost,
    }
