"""What Graylog's REST resources say when they refuse, and what they check before."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from bridge.httpd import Request

Json = Any


class Problem(Exception):
    """An answer other than success; `body` is what Graylog sends with it."""

    def __init__(self, status: int, body: Json) -> None:
        self.status = status
        self.body = body
        super().__init__(f"{status} {body}")


def api_error(status: int, message: str) -> Problem:
    """What most refusals look like."""
    return Problem(status, {"type": "ApiError", "message": message})


def not_found(what: str) -> Problem:
    """404."""
    return api_error(404, f"{what} not found")


def request_error(message: str, path: str = "") -> Problem:
    """What Jackson's complaints look like."""
    place = {"line": 1, "column": 1, "reference_path": ""}
    body = {"type": "RequestError", "message": message, **place}
    return Problem(400, body | ({"path": path} if path else {}))


@dataclass(frozen=True, slots=True)
class Call:
    """A request as a handler gets it: without `/api`, its body read."""

    method: str
    path: str
    query: dict[str, str]
    body: Json
    arguments: tuple[str, ...]
    """What stands in the path for `{…}`."""

    def checked(self, required: Collection[str], optional: Collection[str] = ()) -> Json:
        """The body, if it has these properties and no others."""
        return properties(self.body, required, optional)


def properties(body: Json, required: Collection[str], optional: Collection[str] = ()) -> Json:
    """An object with these properties and no others, as Graylog's request classes want it."""
    if not isinstance(body, dict):
        raise request_error("Cannot deserialize value: an object is needed")
    known = [*required, *optional]
    for name in body:
        if name not in known:
            listed = ", ".join(known)
            raise request_error(
                f"Unable to map property {name}.\nKnown properties include: {listed}", name
            )
    if missing := [name for name in required if body.get(name) is None]:
        raise request_error(f"Missing required properties: {' '.join(missing)}")
    return body


Handler = Callable[[Any, Call], tuple[int, Json]]


@dataclass(frozen=True, slots=True)
class Route:
    """A handler for a method and a pattern such as `/streams/{}`."""

    method: str
    pattern: str
    right: str
    handler: Handler


def route(method: str, pattern: str, right: str = "") -> Callable[[Handler], Handler]:
    """Marks a method of an area of the API; `right` is the permission that it takes."""

    def mark(handler: Handler) -> Handler:
        routes: list[Route] = getattr(handler, "routes", [])
        handler.routes = [*routes, Route(method, pattern, right, handler)]  # type: ignore[attr-defined]
        return handler

    return mark


def matched(pattern: str, path: str) -> tuple[str, ...] | None:
    """The arguments of a path, if it fits the pattern."""
    wanted, found = pattern.split("/"), path.split("/")
    if len(wanted) != len(found):
        return None
    arguments = []
    for want, have in zip(wanted, found, strict=True):
        if want == "{}":
            arguments.append(have)
        elif want != have:
            return None
    return tuple(arguments)


def json_body(request: Request) -> Json:
    """The body of a request, or None."""
    return request.json() if request.body else None
