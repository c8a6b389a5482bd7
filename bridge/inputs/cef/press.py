"""Documents of ordinary records, written at once.

A sender writes few shapes of records and repeats them for ever. For each shape the compiled press
gets a stencil: the members of the document, and which part of the frame becomes the value of which.
It then writes what the way through `Reader` and `emit` would write, only many times as fast, and
gives back every frame in which anything is not ordinary. What it knows it has learned from what
that way did, and a stencil is used only after it has written the same document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar

import orjson

from bridge import times
from bridge.cef import CefRecord
from bridge.event import Event
from bridge.inputs import Express
from bridge.inputs.cef import convert, stencils, summary
from bridge.inputs.cef.names import slug
from bridge.inputs.cef.normalize import MESSAGE_KEYS, normalize
from bridge.inputs.cef.reader import Reader
from bridge.native import core

T = TypeVar("T")
Item = Event | bytes
"""What frames become: an event, or documents, joined by NUL."""

MAX_SHAPES: Final = 1024
MAX_HEADS: Final = 4096
MAX_MOMENTS: Final = 4096
MAX_SEVERITIES: Final = 64
LESSONS_PER_READ: Final = 16
"""From so many frames of one read is learned at most: it takes longer than reading them."""
PERIOD_SECONDS: Final = 60.0
"""How long the meaning of a time without a year is kept."""
LESSONS_PER_PERIOD: Final = 4096
"""A sender from whom nothing can be learned must not cost much."""
MAX_TRIES: Final = 8
"""A shape for which so many records gave no stencil is left to Python."""
YEAR_SAFE: Final = timedelta(days=360)
DAY: Final = timedelta(days=1)
TIMES: Final = frozenset({"_syslog_timestamp", "_syslog_timestamp_text"})


class Looked(NamedTuple):
    """What must be known to press a frame: the keys of the tables."""

    shape: bytes
    head: bytes
    time: bytes
    severity: bytes

    @property
    def has_year(self) -> bool:
        """Whether the time of the syslog header is ISO 8601."""
        return self.time[:1].isdigit()


class Press:
    """Reads frames into documents where it can, and into events where it cannot."""

    def __init__(self, reader: Reader, emit: Express) -> None:
        self._reader = reader
        self._emit = emit
        # Values are texts of JSON; the compiled press looks things up here.
        self._heads: dict[bytes, tuple[bytes, bytes]] = {}
        self._moments: dict[bytes, tuple[bytes, bytes]] = {}
        self._severities: dict[bytes, tuple[bytes, bytes]] = {}
        self._shapes: dict[bytes, Any] = {}
        self._unfinished: set[bytes] = set()
        self._tries: Counter[bytes] = Counter()
        self._period_from = float("-inf")
        self.lessons = 0
        nothing = tuple(word.encode() for word in summary.NOTHING)
        self.tables = (self._heads, self._moments, self._severities, self._shapes)
        self._core = core.Press(*self.tables, nothing, summary.tidy)

    def read(
        self, frames: Sequence[bytes], repairs: Mapping[int, frozenset[str]], sender: str
    ) -> Sequence[Item]:
        """The documents of frames, and events for the others, in order. Never raises."""
        now = self._reader.now()
        if repairs or not sender or not self._emit.is_open:
            return self._reader.read(frames, repairs, sender)
        if not 0 <= now - self._period_from < PERIOD_SECONDS:
            self._period_from = now
            self.lessons = LESSONS_PER_PERIOD
            self._moments.clear()
        _, first = self._emit.numbers(len(frames))
        items, missed = self._press(list(frames), sender, now, first)
        if missed:
            events = iter(self._reader.read([frames[index] for index in missed], {}, sender))
            items = [next(events) if item is None else item for item in items]
            for index in missed[: min(LESSONS_PER_READ, self.lessons)]:
                self._learn(frames[index], sender, now)
        return items

    def _press(
        self, frames: list[bytes], sender: str, now: float, first: int
    ) -> tuple[list[Any], list[int]]:
        """Documents, joined by NUL, and None for each frame that has none; and which these are."""
        received = convert.iso(datetime.fromtimestamp(now, UTC)).encode()
        arrival = orjson.dumps(now)
        made: tuple[list[Any], list[int]] = self._core.press(
            frames, sender.encode(), received, arrival, first
        )
        return made

    def _learn(self, frame: bytes, sender: str, now: float) -> None:
        """Take down what is missing to press a frame like this one."""
        keys = self._core.look(frame)
        if keys is None or self._is_known(looked := Looked(*keys)):
            return
        self.lessons -= 1
        if not self._take_down(looked, frame, sender, now) and looked.shape not in self._shapes:
            _keep(self._tries, MAX_SHAPES, looked.shape, self._tries[looked.shape] + 1)
            if self._tries[looked.shape] >= MAX_TRIES:
                _keep(self._shapes, MAX_SHAPES, looked.shape, None)

    def _take_down(self, looked: Looked, frame: bytes, sender: str, now: float) -> bool:
        """Fill the tables from what a frame becomes in the usual way; False: it is not ordinary."""
        text = frame.decode()
        record = self._reader.record(text)
        has_its_time = (record.envelope.timestamp or "") == looked.time.decode()
        # A value that begins with a blank has its member at the end of the document.
        is_usual = looked.severity[:1] > b" "
        if record.flags or record.prefix or not has_its_time or not is_usual:
            return False
        event = normalize(record, text, now=now, sender=sender, options=self._reader.options)
        if "bridge_flags" in event:
            return False
        uid, number = self._emit.numbers(1)
        time_from = str(event["bridge_timestamp_from"])
        document = self._emit.document(event, now, number)
        self._add_severity(looked, record, orjson.loads(document))
        if looked.time:
            self._add_head(looked, record, orjson.loads(document), now)
        if looked.shape not in self._shapes or looked.shape in self._unfinished:
            self._add_shape(looked, record, time_from, uid)
        (made,), _ = self._press([frame], sender, now, number)
        if made not in (None, document):
            self._reader.log.error("a stencil is wrong; records like this one go the usual way")
            self._shapes[looked.shape] = None
        return bool(made == document)

    def _is_known(self, looked: Looked) -> bool:
        """Whether nothing can be learned from a frame with these keys."""
        if self._shapes.get(looked.shape, self) is None:
            return True
        return (
            looked.shape in self._shapes
            and looked.shape not in self._unfinished
            and looked.severity in self._severities
            and (not looked.time or looked.head in self._heads)
            and (looked.has_year or not looked.time or looked.time in self._moments)
        )

    def _add_severity(self, looked: Looked, record: CefRecord, document: Mapping[str, Any]) -> None:
        if record.severity_band() in summary.LEVELS:
            level = orjson.dumps(document["level"])
            members = _members(document, {"_cef_severity", "_cef_severity_text"})
            _keep(self._severities, MAX_SEVERITIES, looked.severity, (level, members))

    def _add_head(
        self, looked: Looked, record: CefRecord, document: Mapping[str, Any], now: float
    ) -> None:
        """What a syslog header becomes, and its time if it has no year."""
        own = {name for name in document if name.startswith("_syslog_")}
        host = orjson.dumps(record.envelope.host or "")[1:-1]
        _keep(self._heads, MAX_HEADS, looked.head, (host, _members(document, own - TIMES)))
        if not looked.has_year and not has_zone(record) and (epoch := self._epoch(record, now)):
            _keep(self._moments, MAX_MOMENTS, looked.time, (_members(document, TIMES), epoch))

    def _epoch(self, record: CefRecord, now: float) -> bytes:
        """The time of a syslog header without a year; empty when it could soon mean another."""
        arrival = datetime.fromtimestamp(now, UTC)
        zone = self._reader.options.timezone
        moment = times.read(record.envelope.timestamp or "", arrival, zone).time
        if moment is None or not -YEAR_SAFE < moment - arrival < DAY:
            return b""
        return orjson.dumps(moment.timestamp())

    def _add_shape(self, looked: Looked, record: CefRecord, time_from: str, uid: str) -> None:
        if looked.time and not looked.has_year and has_zone(record):
            return
        options = self._reader.options
        vendor = slug(record.header["device_vendor"] or "")
        plan = options.planner.plan(vendor, record.extensions)
        if plan.unnamed:
            return
        time_key, passed_over = stencils.time_keys(record, time_from)
        whole = stencils.example(record, plan, passed_over)
        event = normalize(whole, "x", now=1.7e9, sender="192.0.2.1", options=options)
        members = self._emit.members(event)
        if members is None:
            return
        table = options.tables.get(vendor)
        lesson = stencils.Lesson(
            record=record,
            plan=plan,
            members=members,
            time_key=time_key,
            passed_over=passed_over,
            text_keys=table.message if table and table.message else MESSAGE_KEYS,
            uid=uid,
        )
        if made := stencils.stencil(lesson):
            _keep(self._shapes, MAX_SHAPES, looked.shape, made)
            self._unfinished.discard(looked.shape)
            if not all(member.is_known for member in members):
                self._unfinished.add(looked.shape)


def has_zone(record: CefRecord) -> bool:
    """Whether the record says in which zone its times without one are."""
    return any(key.lower() == "dtz" for key in record.extensions)


def _members(document: Mapping[str, Any], names: Collection[str]) -> bytes:
    """These members of a document as they stand in it, each with a comma in front."""
    return b"".join(
        b",%b:%b" % (orjson.dumps(name), orjson.dumps(value))
        for name, value in document.items()
        if name in names
    )


def _keep(table: dict[bytes, T], limit: int, key: bytes, value: T) -> None:
    """Put something into a table; a full one begins anew."""
    if len(table) >= limit and key not in table:
        table.clear()
    table[key] = value
