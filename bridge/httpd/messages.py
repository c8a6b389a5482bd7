"""What is asked and what is answered."""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


class Refusal(Exception):
    """What a handler raises to answer with an error: status and one sentence."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(f"{status} {reason}")


class Abort(Exception):
    """What a handler, or the body of its answer, raises to cut the connection there."""


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request; names of headers are in small letters, repeated ones joined by commas."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes
    peer: str
    """The client's address, or `local` on a unix socket."""

    def json(self) -> Any:
        """The body as JSON; raises Refusal (400)."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Refusal(400, "the body is not JSON") from None


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; a body that comes in pieces is streamed until it ends or the client goes away."""

    status: int = 200
    body: bytes | AsyncIterable[bytes] = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A value as compact JSON."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, body, "application/json", headers or {})


def refused(status: int, reason: str) -> Response:
    """An error as text."""
    return Response(status, f"{reason}\n".encode("utf-8", "replace"))


Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may cost."""

    body_bytes: int = 1 << 20
    connections: int = 64
    request_seconds: float = 15.0
    """From the first byte of a request to its last."""
    idle_seconds: float = 75.0
    """How long a connection may wait for its next request."""
