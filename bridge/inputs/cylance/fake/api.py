"""The Cylance User API of one tenant as an HTTP handler: strict, and hostile by a seed.

Strict: logins, scopes, names and values of parameters are what the guide says, anything else is an
error. Where the guide is silent, both readings can be set (`end_inclusive`, `by_occurrence`).
"""

from __future__ import annotations

import asyncio
import random
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Final

from bridge.httpd import Refusal, Request, Response, as_json, refused
from bridge.inputs.cylance.fake.faults import Faults, spoil
from bridge.inputs.cylance.fake.login import Login
from bridge.inputs.cylance.fake.world import Body, Row, World

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z?")
_HEX = re.compile(r"[0-9A-Fa-f]{64}")


@dataclass(frozen=True, slots=True)
class Resource:
    """One path: who may read it, and how its list is asked."""

    name: str
    pattern: re.Pattern[str]
    scope: str
    params: frozenset[str] = frozenset()
    default_size: int = 10
    times: tuple[str, str] = ("", "")


def _resource(name: str, path: str, scope: str, params: str = "", size: int = 10) -> Resource:
    names = params.split()
    times = ("start_time", "end_time") if "start_time" in names else ("start", "end")
    allowed = frozenset(names)
    return Resource(name, re.compile(path), scope, allowed, size, times)


PAGED: Final = "page page_size "
RESOURCES: Final = (
    _resource("threats", "/threats/v2", "threat:list", PAGED + "start_time end_time"),
    _resource("threat", "/threats/v2/([^/]+)", "threat:read"),
    _resource("threat_devices", "/threats/v2/([^/]+)/devices", "threat:devicelist", PAGED),
    _resource(
        "detections",
        "/detections/v2",
        "opticsdetect:list",
        PAGED + "start end severity status detection_type event_number device sort",
        20,
    ),
    _resource("detection", "/detections/v2/([^/]+)/details", "opticsdetect:read"),
    _resource(
        "memory_protection",
        "/memoryprotection/v2",
        "memoryprotection:list",
        PAGED + "start_time end_time device_id",
    ),
    _resource("devices", "/devices/v2", "device:list", PAGED, 100),
    _resource("device", "/devices/v2/([^/]+)", "device:read"),
)
SCOPES: Final = frozenset(resource.scope for resource in RESOURCES)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came, and how it was answered."""

    at: float
    path: str
    query: Mapping[str, str]
    status: int
    fault: str


class Api:
    """The handler; `now()` is the server's clock, `on_request` runs before each answer."""

    def __init__(self, world: World, login: Login, now: Callable[[], float]) -> None:
        self.world = world
        self.login = login
        self.now = now
        self.faults = Faults()
        self.scopes = set(SCOPES)
        self.max_page_size = 200
        self.end_inclusive = True
        self.by_occurrence = False
        """Whether detections are bounded by OccurrenceTime instead of ReceivedTime."""
        self.delay_seconds = 0.0
        """How long each answer takes."""
        self.on_request: Callable[[str], None] = lambda path: None
        self.asked: list[Asked] = []
        self._views: dict[str, tuple[int, list[float], list[Row]]] = {}

    async def __call__(self, request: Request) -> Response:
        self.on_request(request.path)
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        now = self.now()
        fault = self.faults.next()
        if fault == "401":
            self.login.revoke()
        if fault == "first page" and "page" in request.query:
            request.query["page"] = "1"
        status = 0
        try:
            answer = self._answer(request, now)
            answer = spoil(fault, answer, now) if fault else answer
            status = answer.status
        finally:
            self.asked.append(Asked(now, request.path, dict(request.query), status, fault))
        dated = {"Date": formatdate(now, usegmt=True)} | dict(answer.headers)
        return Response(answer.status, answer.body, answer.content_type, dated)

    def _answer(self, request: Request, now: float) -> Response:
        try:
            if request.path == "/auth/v2/token" and request.method == "POST":
                return self.login.exchange(request, now)
            self.login.check(request, now)
            return self._read(request)
        except Refusal as refusal:
            if refusal.status == 404:
                return refused(404, "")
            return as_json({"message": refusal.reason}, refusal.status)

    def _read(self, request: Request) -> Response:
        for resource in RESOURCES:
            if match := resource.pattern.fullmatch(request.path):
                break
        else:
            raise Refusal(404, "")
        if resource.scope not in self.scopes:
            if resource.scope.startswith("optics"):
                denied = {"status": "ACCESS_DENIED", "message": "insufficient privileges"}
                return as_json(denied, 403)
            raise Refusal(403, "Forbidden")
        if unknown := set(request.query) - resource.params:
            raise Refusal(400, f"unknown parameter {min(unknown)}")
        if "page" in resource.params:
            return self._list(resource, request.query, match.groups())
        return self._one(resource.name, match[1])

    # Lists

    def _list(
        self, resource: Resource, query: Mapping[str, str], path: tuple[str, ...]
    ) -> Response:
        page = _whole(query.get("page", "1"), 1, 10**9)
        try:
            size = _whole(query.get("page_size", str(resource.default_size)), 1, self.max_page_size)
        except Refusal:
            raise Refusal(400, "The page size requested is not supported.") from None
        if resource.name == "threat_devices":
            rows: list[Row] = self._sightings(path[0])
        else:
            rows = self._between(resource, query)
        shown = rows[(page - 1) * size : page * size]
        return as_json(
            {
                "page_number": page,
                "page_size": size,
                "total_pages": -(-len(rows) // size),
                "total_number_of_items": len(rows),
                "page_items": [_written(resource.name, row.body) for row in shown],
            }
        )

    def _between(self, resource: Resource, query: Mapping[str, str]) -> list[Row]:
        """The rows of a list between two times, newest first, ties in any order."""
        stamps, rows = self._view(resource.name)
        start_name, end_name = resource.times
        if end_name in query and start_name not in query:
            raise Refusal(400, f"{end_name} without {start_name}")
        first, last = 0, len(rows)
        if start_name in query:
            first = bisect_left(stamps, _time(query[start_name]))
        if end_name in query:
            cut = bisect_right if self.end_inclusive else bisect_left
            last = cut(stamps, _time(query[end_name]))
        return rows[first:last][::-1]

    def _view(self, name: str) -> tuple[list[float], list[Row]]:
        """The rows of a list by time; ties are shuffled anew after each change."""
        changes, stamps, rows = self._views.get(name, (-1, [], []))
        if changes != self.world.changes:
            rows = list(getattr(self.world, name).values())
            random.Random(self.world.changes).shuffle(rows)
            rows.sort(key=self._bound(name))
            stamps = [self._bound(name)(row) for row in rows]
            self._views[name] = self.world.changes, stamps, rows
        return stamps, rows

    def _bound(self, name: str) -> Callable[[Row], float]:
        if name == "detections" and self.by_occurrence:
            return lambda row: float(row.body["OccurrenceTime"])
        return lambda row: row.stamp

    def _sightings(self, sha256: str) -> list[Row]:
        if not _HEX.fullmatch(sha256):
            raise Refusal(400, "Bad Request")
        threat = self.world.threats.get(sha256.upper())
        return threat.sightings[::-1] if threat else []

    # Details

    def _one(self, name: str, key: str) -> Response:
        rows: dict[str, Row] = getattr(self.world, name + "s")
        row = rows.get(key.upper() if name == "threat" else key.lower())
        if row is None:
            raise Refusal(404, "")
        body = _written(name + "s", row.body)
        return as_json(_DETAILS[name] | body)


_DETAILS: Final[dict[str, Body]] = {
    "threat": {
        "signed": False,
        "cert_publisher": "",
        "cert_issuer": "",
        "cert_timestamp": "0001-01-01T00:00:00",
        "auto_run": False,
        "running": False,
        "detected_by": "File Watcher",
    },
    "detection": {
        "DetectionRule": {"Category": "Custom", "Name": "example-rule", "Version": 3},
        "Detector": {"Name": "CylanceOPTICS", "Version": "3.3.2"},
        "ArtifactsOfInterest": {"StateA": [{"Artifact": {"Type": "Process", "Uid": "p-1"}}]},
        "SchemaVersion": 1,
    },
    "device": {
        "host_name": "laptop.example.org",
        "os_version": "Microsoft Windows 11 Pro",
        "last_logged_in_user": r"EXAMPLE\zoe",
        "is_safe": True,
        "date_offline": None,
    },
}


def _whole(text: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise Refusal(400, "Bad Request")
    return int(text)


def _time(text: str) -> float:
    if not _TIME.fullmatch(text):
        raise Refusal(400, "Bad Request")
    return datetime.fromisoformat(text.rstrip("Z")).replace(tzinfo=UTC).timestamp()


def _written(name: str, body: Body) -> Body:
    """A body with its times as the API writes them: without a zone, but for Optics."""
    return {
        key: _stamp(value, name) if isinstance(value, float) and key in _TIMES else value
        for key, value in body.items()
    }


_TIMES: Final = frozenset(
    "last_found date_found created date_first_registered OccurrenceTime ReceivedTime".split()
)


def _stamp(seconds: float, name: str) -> str:
    when = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    if name == "detections":
        return when.isoformat(timespec="milliseconds") + "Z"
    return when.isoformat(timespec="seconds")
