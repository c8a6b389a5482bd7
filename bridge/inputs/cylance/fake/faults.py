"""What goes wrong on the way to an API, and what wrong answers look like; by a seed."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Final

from bridge.httpd import Abort, Response, as_json

ANSWERS: Final = {
    "refused": as_json({"message": "Invalid JWT payload"}, 401),
    "429": as_json({"message": "Too Many Requests"}, 429),
    "429 seconds": as_json({"message": "Too Many Requests"}, 429, {"Retry-After": "7"}),
    "500": as_json({"message": "Internal Server Error"}, 500),
    "502": Response(502, b"<html><h1>Bad Gateway</h1></html>", "text/html"),
    "503": Response(503),
    "504": Response(504, b"<html><h1>Gateway Timeout</h1></html>", "text/html"),
    "html": Response(200, b"<html><h1>Sign in</h1></html>", "text/html"),
    "no envelope": as_json({"message": "try again"}),
    "null": as_json(None),
    "list": as_json([]),
}
"""Kind → what is answered in place of the truth."""

KINDS: Final = (*ANSWERS, "429 date", "text", "half", "truncated", "cut", "401")
LIST_KINDS: Final = ("empty page", "nothing", "first page")
"""Kinds that only lists know: no rows; no rows and a total of 0; page 1 whatever was asked for."""


@dataclass(slots=True)
class Faults:
    """Each request meets one of `kinds` with the probability `rate`; `script` comes first."""

    seed: int = 0
    rate: float = 0.0
    kinds: tuple[str, ...] = (*KINDS, *LIST_KINDS)
    script: list[str] = field(default_factory=list)
    """Kinds of the next requests, in order; an empty text lets one pass."""
    met: int = 0
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def next(self) -> str:
        """The kind that this request meets, or empty."""
        if self.script:
            kind = self.script.pop(0)
        else:
            kind = self._random.choice(self.kinds) if self._random.random() < self.rate else ""
        self.met += bool(kind)
        return kind


def spoil(kind: str, answer: Response, now: float) -> Response:
    """What arrives in place of the right answer; raises Abort where nothing does."""
    body = answer.body if isinstance(answer.body, bytes) else b""
    match kind:
        case "cut":
            raise Abort
        case "429 date":
            return as_json({}, 429, {"Retry-After": formatdate(now + 9, usegmt=True)})
        case "text":
            return Response(answer.status, body, "text/plain")
        case "half":
            return Response(answer.status, body[: len(body) // 2], answer.content_type)
        case "truncated":
            length = {"Content-Length": str(len(body) + 1)}
            return Response(answer.status, _part(body), answer.content_type, length)
        case "empty page" | "nothing":
            return _emptied(answer, body, kind == "nothing")
        case _:
            return ANSWERS.get(kind, answer)


async def _part(body: bytes) -> AsyncIterator[bytes]:
    yield body
    raise Abort


def _emptied(answer: Response, body: bytes, wholly: bool) -> Response:
    page = json.loads(body)
    if "page_items" not in page:
        return answer
    nothing = {"total_pages": 0, "total_number_of_items": 0} if wholly else {}
    return as_json(page | {"page_items": []} | nothing)
