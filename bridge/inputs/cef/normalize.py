"""From a parsed CEF record to an event: names, types, labels, times. Pure.

Names and types are those of the bridge's contract: `cef_` and the dictionary's full name for what
the CEF guide knows, the vendor's slug for labels and for every other key. Nothing of the record is
lost: a value that does not have its field's kind goes to a sibling (`_text`), pairs that find no
name go to `cef_unnamed_pairs`, earlier values of a repeated key to `cef_duplicates`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Final, NamedTuple

from bridge import times
from bridge.cef import CefRecord
from bridge.event import Event, Value, snake_case
from bridge.inputs.cef import convert, summary, tables
from bridge.inputs.cef.keys import HEADER_KINDS, Key, key_of
from bridge.inputs.cef.names import Names, slug

_ENVELOPE_TEXTS: Final = ("host", "app_name", "proc_id", "msg_id", "structured_data")
_MESSAGE_KEYS: Final = ("msg",)


@dataclass(frozen=True, slots=True)
class Options:
    """How the records of one input are read."""

    timezone: tzinfo | None = None
    """For times without a zone; None means UTC, and ambiguous zone names are not read."""
    keep_short_keys: bool = False
    """Keep `cs1` and its label as they came beside the field that the label names."""
    tables: Mapping[str, tables.VendorTable] = field(default_factory=tables.builtin)
    """Vendor tables by slug."""
    names: Names = field(default_factory=lambda: Names({}))
    """The bound on new names."""


def normalize(
    record: CefRecord,
    frame: str,
    *,
    now: float,
    sender: str = "",
    flags: Iterable[str] = (),
    options: Options | None = None,
) -> Event:
    """The event of a record.

    `frame` is the text that was parsed, `now` (seconds since the epoch) the time of arrival,
    `sender` the peer's address, `flags` what was repaired before parsing.
    """
    reading = _Reading(record, now, options or Options())
    timestamp, source = reading.time()
    event: Event = {
        "event_type": reading.slug,
        "timestamp": timestamp,
        "host": record.envelope.host or record.extensions.get("dvchost") or sender or "unknown",
        "level": summary.level(record),
        "message": reading.line() or record.envelope.message or frame,
        "full_message": frame,
        "bridge_timestamp_from": source,
    }
    if sender:
        event["bridge_sender"] = sender
    event |= reading.fields()
    if found := {*record.flags, *flags, *reading.flags}:
        event["bridge_flags"] = ",".join(sorted(found))
    return event


class Pair(NamedTuple):
    """A key, as it is known and as it was written, and its value."""

    key: Key
    written: str
    value: str


class _Reading:
    """One record on its way to an event."""

    def __init__(self, record: CefRecord, now: float, options: Options) -> None:
        self.slug = slug(record.header.get("device_vendor") or "")
        self.flags: set[str] = set()
        self._record = record
        self._now = datetime.fromtimestamp(now, UTC)
        self._options = options
        self._table = options.tables.get(self.slug)
        self._event: Event = {}
        self._unnamed: list[str] = []

    def time(self) -> tuple[float, str]:
        """The event's time in seconds since the epoch, and where it comes from."""
        found = self._record.event_reading(self._now, self._options.timezone)
        self.flags |= found.flags
        if found.time is None:
            return self._now.timestamp(), "arrival"
        return found.time.timestamp(), found.source

    def line(self) -> str:
        """The human line; empty when there is no CEF header."""
        keys = self._table.message if self._table else ()
        return summary.line(self._record, keys or _MESSAGE_KEYS)

    def fields(self) -> Event:
        """Everything of the record under its name."""
        self._header()
        self._envelope()
        self._extensions()
        record, event = self._record, self._event
        if record.duplicates:
            event["cef_duplicates"] = _list(f"{key}={value}" for key, value in record.duplicates)
        if self._unnamed:
            event["cef_unnamed_pairs"] = _list(self._unnamed)
        if record.leftover:
            event["bridge_leftover"] = record.leftover
        return event

    def _header(self) -> None:
        for name, value in self._record.header.items():
            if value is not None:
                self._put(f"cef_{name}", value, HEADER_KINDS.get(name, "text"))

    def _envelope(self) -> None:
        envelope = self._record.envelope
        for name in _ENVELOPE_TEXTS:
            if text := getattr(envelope, name):
                self._event[f"syslog_{name}"] = text
        if envelope.priority is not None:
            self._event["syslog_facility"] = envelope.facility
            self._event["syslog_severity"] = envelope.severity
        if envelope.timestamp:
            self._put("syslog_timestamp", envelope.timestamp, "time")
        if self._record.prefix:
            self._event["syslog_prefix"] = self._record.prefix

    def _extensions(self) -> None:
        """Plain pairs first, so that a label can never take the name of a key."""
        pairs = [Pair(key_of(key), key, value) for key, value in self._record.extensions.items()]
        values = {pair.key.folded for pair in pairs if pair.key.family}
        labels = {pair.key.label_of: pair for pair in pairs if pair.key.label_of in values}
        labelled = []
        for pair in pairs:
            if pair.key.family and pair.key.folded in labels:
                labelled.append(pair)
            elif labels.get(pair.key.label_of) is not pair:
                self._plain(pair)
        for pair in labelled:
            self._labelled(pair, labels[pair.key.folded])

    def _plain(self, pair: Pair) -> None:
        """A pair under its dictionary name, or else under the vendor's."""
        key, written, value = pair
        if key.field and key.field not in self._event:
            self._put(key.field, value, key.kind)
            return
        named = self._vendor_name(written)
        if named and named[0] not in self._event:
            self._put(named[0], value, named[1] or "text")
        else:
            self._leave(written, value)

    def _labelled(self, pair: Pair, label: Pair) -> None:
        """A value under its label, or, where the label gives no name, under its own key."""
        named = self._vendor_name(label.value)
        if named and named[0] not in self._event:
            self._put(named[0], pair.value, named[1] or pair.key.family)
            if not self._options.keep_short_keys:
                return
        self._plain(pair)
        self._plain(label)

    def _vendor_name(self, name: str) -> tuple[str, str] | None:
        """Field and, where a table says it, kind; None when no name can be had."""
        if self._table:
            if found := self._table.find(name):
                return found
            name = self._table.without_prefix(name)
        snake = snake_case(name)
        field_name = f"{self.slug}_{snake}"
        if not snake or not self._options.names.admit(self.slug, field_name):
            return None
        return field_name, ""

    def _put(self, name: str, value: str, kind: str) -> None:
        """The value under `name` if it has the kind, and its text beside it where need be."""
        if kind == "text":
            self._event[name] = value
            return
        if kind == "time":
            moment = self._moment(value)
            read: Value = convert.iso(moment) if moment else None
            keep = not (moment and convert.is_plain_time(value))
        else:
            read = convert.READERS[kind](value.strip())
            keep = read is None
            if keep and value.strip():
                self.flags.add(f"{convert.WORDS[kind]}_unreadable")
        if read is not None:
            self._event[name] = read
        if keep and (sibling := f"{name}_text") in self._event:
            self._leave(sibling, value)
        elif keep:
            self._event[sibling] = value

    def _leave(self, name: str, value: str) -> None:
        """Keep a value for which there is no field."""
        self._unnamed.append(f"{name}={value}")
        self.flags.add("unnamed_pairs")

    def _moment(self, value: str) -> datetime | None:
        zone = self._record.extensions.get("dtz")
        reading = times.read(value, self._now, self._options.timezone, zone)
        self.flags |= reading.flags
        return reading.time


def _list(items: Iterable[str]) -> str:
    """Compact JSON, the form of a list in an event."""
    return json.dumps(list(items), ensure_ascii=False, separators=(",", ":"))
