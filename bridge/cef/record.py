"""What `parse` returns: the parts of one record, and the readings that can be asked of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from bridge import times
from bridge.cef.dictionary import custom
from bridge.cef.values import typed
from bridge.syslog import Envelope

HEADER: Final = (
    "version",
    "device_vendor",
    "device_product",
    "device_version",
    "device_event_class_id",
    "name",
    "severity",
)
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,99})?")
_BANDS: Final = ("Low",) * 4 + ("Medium",) * 3 + ("High",) * 2 + ("Very-High",) * 2
_WORDS: Final = {
    "unknown": "Unknown",
    "low": "Low",
    "medium": "Medium",
    "high": "High",
    "veryhigh": "Very-High",
}
_BETWEEN = re.compile(r"(?<=very)[ _-]?(?=high)")
_EVENT_TIMES: Final = ("rt", "end", "start")


class EventTime(NamedTuple):
    """The event's time and its source: `rt`, `end`, `start`, `envelope`, or empty for none."""

    time: datetime | None
    source: str
    flags: frozenset[str]


class CefRecord(NamedTuple):
    """One CEF record in its parts; texts are the sender's own, unescaped once.

    `frame` is what was given to `parse`, unchanged. `prefix` is text before `CEF:` that is no
    syslog header. `duplicates` are the earlier pairs of keys that came again. `leftover` is text
    of the extension that belongs to no pair. `flags` are named in `bridge.cef`.
    """

    frame: str | bytes
    envelope: Envelope
    prefix: str
    header: Mapping[str, str | None]
    extensions: dict[str, str]
    duplicates: list[tuple[str, str]]
    leftover: str
    flags: frozenset[str]

    def labels(self) -> dict[str, str]:
        """Key of a custom field → its label, for those that can be renamed without a loss.

        A label that is empty, taken by an earlier field or equal to another key renames nothing.
        """
        found: dict[str, str] = {}
        for label_key, label in self.extensions.items():
            if label_key[-5:].lower() != "label" or not label.strip():
                continue
            key = self._value_key(label_key)
            if key and label not in self.extensions and label not in found.values():
                found[key] = label
        return found

    def labelled(self) -> dict[str, str]:
        """The texts under their labels: `cs1=x cs1Label=MalopId` → `MalopId: x`.

        Every other pair stays as it is, also labels without a value.
        """
        labels = self.labels()
        if not labels:
            return dict(self.extensions)
        used = {
            key
            for key in self.extensions
            if key[-5:].lower() == "label" and self._value_key(key) in labels
        }
        return {
            labels.get(key, key): value for key, value in self.extensions.items() if key not in used
        }

    def typed(self) -> dict[str, int | float | str]:
        """The pairs with numbers where the dictionary has numbers; all else is text."""
        return {key: typed(key, value) for key, value in self.extensions.items()}

    def reading(
        self, key: str, now: datetime | None = None, timezone: times.Zone | None = None
    ) -> times.Reading:
        """The pair `key` read as a time, with the flags of its text; see `bridge.times.read`."""
        text = self.extensions.get(key, "")
        return times.read(text, now, timezone, self.extensions.get("dtz"))

    def timestamp(
        self, key: str, now: datetime | None = None, timezone: times.Zone | None = None
    ) -> datetime | None:
        """The pair `key` as a time in UTC; None when there is none or it cannot be read."""
        return self.reading(key, now, timezone).time

    def event_reading(
        self, now: datetime | None = None, timezone: times.Zone | None = None
    ) -> EventTime:
        """When it happened: `rt`, else `end`, else `start`, else the envelope's time."""
        flags: frozenset[str] = frozenset()
        for key in _EVENT_TIMES:
            if key in self.extensions:
                reading = self.reading(key, now, timezone)
                flags |= reading.flags
                if reading.time:
                    return EventTime(reading.time, key, flags)
        text = self.envelope.timestamp or ""
        reading = times.read(text, now, timezone, self.extensions.get("dtz"))
        source = "envelope" if reading.time else ""
        return EventTime(reading.time, source, flags | reading.flags)

    def event_time(
        self, now: datetime | None = None, timezone: times.Zone | None = None
    ) -> datetime | None:
        """When it happened, in UTC; None: only the time of arrival is known."""
        return self.event_reading(now, timezone).time

    def severity_band(self) -> str:
        """`Low`, `Medium`, `High`, `Very-High` or `Unknown`, from the number 0-10 or the word."""
        return band(self.header["severity"] or "") or "Unknown"

    def _value_key(self, label_key: str) -> str | None:
        """The key of the value that a label belongs to, if the record has one."""
        parts = custom(label_key)
        if parts is None or not parts.is_label:
            return None
        if label_key[:-5] in self.extensions:
            return label_key[:-5]
        wanted = label_key[:-5].lower()
        return next((key for key in self.extensions if key.lower() == wanted), None)


def band(severity: str) -> str | None:
    """The band of a severity text, None when it is no severity (CEF guide, header fields)."""
    text = severity.strip()
    if _NUMBER.fullmatch(text):
        return _BANDS[int(float(text))] if float(text) <= 10 else None
    return _WORDS.get(_BETWEEN.sub("", text.lower())) if len(text) <= 9 else None
