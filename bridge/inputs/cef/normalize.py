"""From a parsed CEF record to an event: names, types, labels, times. Pure.

Names and types are those of the bridge's contract: `cef_` and the dictionary's full name for what
the CEF guide knows, the vendor's slug for labels and for every other key. Nothing of the record is
lost: a value that does not have its field's kind goes to a sibling (`_text`), pairs that find no
name go to `cef_unnamed_pairs`, earlier values of a repeated key to `cef_duplicates`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final

from bridge import times
from bridge.cef import CefRecord
from bridge.event import Event, Value
from bridge.inputs.cef import convert, summary, tables
from bridge.inputs.cef.keys import HEADER_KINDS
from bridge.inputs.cef.names import Names, slug
from bridge.inputs.cef.plan import Planner

MESSAGE_KEYS: Final = ("msg",)
"""The keys of a text that ends the human line, where no vendor table names others."""
_HEADER_FIELDS: Final = {name: f"cef_{name}" for name in HEADER_KINDS if name != "severity"}
_NO_FLAGS: Final[frozenset[str]] = frozenset()


def _default_planner() -> Planner:
    return Planner(tables.builtin(), Names({}))


@dataclass(frozen=True, slots=True)
class Options:
    """How the records of one input are read."""

    timezone: tzinfo | None = None
    """For times without a zone; None means UTC, and ambiguous zone names are not read."""
    tables: Mapping[str, tables.VendorTable] = field(default_factory=tables.builtin)
    """Vendor tables by slug."""
    planner: Planner = field(default_factory=_default_planner)
    """Who names the fields."""


def normalize(
    record: CefRecord,
    frame: str,
    *,
    now: float,
    sender: str = "",
    flags: Collection[str] = _NO_FLAGS,
    options: Options | None = None,
) -> Event:
    """The event of a record.

    `frame` is the text that was parsed, `now` (seconds since the epoch) the time of arrival,
    `sender` the peer's address, `flags` what was repaired before parsing.
    """
    options = options or Options()
    reading = _Reading(record, now, options.timezone)
    vendor = slug(record.header["device_vendor"] or "")
    table = options.tables.get(vendor)
    event = reading.event
    event["event_type"] = vendor
    event["timestamp"], event["bridge_timestamp_from"] = reading.time()
    event["host"] = record.envelope.host or record.extensions.get("dvchost") or sender or "unknown"
    event["level"] = summary.level(record)
    line = summary.line(record, table.message if table and table.message else MESSAGE_KEYS)
    event["message"] = line or record.envelope.message or frame
    event["full_message"] = frame
    if sender:
        event["bridge_sender"] = sender
    reading.header()
    reading.envelope()
    reading.extensions(options.planner, vendor)
    reading.remainder()
    if found := record.flags.union(flags, reading.flags):
        event["bridge_flags"] = ",".join(sorted(found))
    return event


class _Reading:
    """One record on its way to an event."""

    def __init__(self, record: CefRecord, now: float, timezone: tzinfo | None) -> None:
        self.event: Event = {}
        self.flags: set[str] = set()
        self._record = record
        self._arrival = now
        self._now = _in_utc(now)
        self._known: tuple[str, datetime | None] = ("", None)
        self._timezone = timezone
        self._unnamed: list[str] = []

    def time(self) -> tuple[float, str]:
        """The event's time in seconds since the epoch, and where it comes from."""
        found = self._record.event_reading(self._now, self._timezone)
        if found.time is None:
            self.flags |= found.flags
            return self._arrival, "arrival"
        if found.flags:
            self.flags |= found.flags
        elif found.source != "envelope" and (text := self._record.extensions.get(found.source)):
            self._known = (text, found.time)
        return found.time.timestamp(), found.source

    def header(self) -> None:
        """The seven fields of the header, as far as they are there."""
        header, event = self._record.header, self.event
        for name, place in _HEADER_FIELDS.items():
            if (value := header[name]) is not None:
                event[place] = value
        if severity := header["severity"]:
            number = convert.long(severity)
            if number is None:
                event["cef_severity_text"] = severity
            else:
                event["cef_severity"] = number

    def envelope(self) -> None:
        """The syslog header, and text before the record that is none."""
        envelope, event = self._record.envelope, self.event
        if envelope.priority is not None:
            event["syslog_facility"] = envelope.facility
            event["syslog_severity"] = envelope.severity
        if envelope.host:
            event["syslog_host"] = envelope.host
        if envelope.app_name:
            event["syslog_app_name"] = envelope.app_name
        if envelope.proc_id:
            event["syslog_proc_id"] = envelope.proc_id
        if envelope.msg_id:
            event["syslog_msg_id"] = envelope.msg_id
        if envelope.structured_data:
            event["syslog_structured_data"] = envelope.structured_data
        if envelope.timestamp:
            self._put("syslog_timestamp", envelope.timestamp, "time")
        if self._record.prefix:
            event["syslog_prefix"] = self._record.prefix

    def extensions(self, planner: Planner, vendor: str) -> None:
        """The pairs under their names."""
        pairs, event = self._record.extensions, self.event
        plan = planner.plan(vendor, pairs)
        for key, name in plan.texts:
            event[name] = pairs[key]
        for key, name, kind in plan.others:
            self._put(name, pairs[key], kind)
        for key in plan.unnamed:
            self._leave(key, pairs[key])

    def remainder(self) -> None:
        """What has no field of its own."""
        record, event = self._record, self.event
        if record.duplicates:
            event["cef_duplicates"] = _list(f"{key}={value}" for key, value in record.duplicates)
        if self._unnamed:
            event["cef_unnamed_pairs"] = _list(self._unnamed)
        if record.leftover:
            event["bridge_leftover"] = record.leftover

    def _put(self, name: str, value: str, kind: str) -> None:
        """The value under `name` if it has the kind, and its text beside it where need be."""
        read, keep = self._time(value) if kind == "time" else self._number(value, kind)
        if name in self.event:  # a sibling of another field is called so
            read, keep = None, True
        if read is not None:
            self.event[name] = read
        if keep and (sibling := f"{name}_text") in self.event:
            self._leave(sibling, value)
        elif keep:
            self.event[sibling] = value

    def _number(self, value: str, kind: str) -> tuple[Value, bool]:
        read = convert.READERS[kind](value)
        if read is None and value.strip():
            self.flags.add(f"{convert.WORDS[kind]}_unreadable")
        return read, read is None

    def _time(self, value: str) -> tuple[Value, bool]:
        text, moment = self._known
        flags = _NO_FLAGS
        if value != text:
            zone = self._record.extensions.get("dtz")
            moment, flags = times.read(value, self._now, self._timezone, zone)
            self.flags |= flags
        if moment is None:
            return None, True
        return convert.iso(moment), bool(flags) or not convert.is_plain_time(value)

    def _leave(self, name: str, value: str) -> None:
        """Keep a value for which there is no field."""
        self._unnamed.append(f"{name}={value}")
        self.flags.add("unnamed_pairs")


@lru_cache(maxsize=4)
def _in_utc(now: float) -> datetime:
    """All frames of one read arrive at the same time."""
    return datetime.fromtimestamp(now, UTC)


def _list(items: Iterable[str]) -> str:
    """Compact JSON, the form of a list in an event."""
    return json.dumps(list(items), ensure_ascii=False, separators=(",", ":"))
