"""What `parse` returns: the parts of one record, and the readings that can be asked of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from bridge import times
from bridge.cef.plans import Plan, plan_for
from bridge.cef.values import number
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
_MAX_SEVERITY: Final = 32
_BANDS: Final = ("Low",) * 4 + ("Medium",) * 3 + ("High",) * 2 + ("Very-High",) * 2
_WORDS: Final = {
    "unknown": "Unknown",
    "low": "Low",
    "medium": "Medium",
    "high": "High",
    "veryhigh": "Very-High",
}
_BETWEEN = re.compile(r"(?<=very)[ _-]?(?=high)")


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
        return {key: label for key, label, _ in self._renamed()}

    def labelled(self) -> dict[str, str]:
        """The texts under their labels: `cs1=x cs1Label=MalopId` → `MalopId: x`.

        Every other pair stays as it is, also labels without a value.
        """
        renamed = self._renamed()
        names = {key: label for key, label, _ in renamed}
        used = {label_key for _, _, label_key in renamed}
        return {
            names.get(key, key): value for key, value in self.extensions.items() if key not in used
        }

    def typed(self) -> dict[str, int | float | str]:
        """The pairs with numbers where the dictionary has numbers; all else is text."""
        values: dict[str, int | float | str] = {**self.extensions}
        for key, kind in self._plan().numbers:
            if (value := number(kind, self.extensions[key])) is not None:
                values[key] = value
        return values

    def reading(
        self, key: str, now: datetime | None = None, timezone: times.Zone | None = None
    ) -> times.Reading:
        """The pair `key` (in any case) read as a time; see `bridge.times.read`."""
        return times.read(self._value(key), now, timezone, self._value("dtz"))

    def timestamp(
        self, key: str, now: datetime | None = None, timezone: times.Zone | None = None
    ) -> datetime | None:
        """The pair `key` as a time in UTC; None when there is none or it cannot be read."""
        return self.reading(key, now, timezone).time

    def event_reading(
        self, now: datetime | None = None, timezone: times.Zone | None = None
    ) -> EventTime:
        """When it happened: `rt`, else `end`, else `start`, else the envelope's time."""
        plan = self._plan()
        zone = self.extensions[plan.zone] if plan.zone else None
        flags: frozenset[str] = frozenset()
        texts = [(source, self.extensions[key]) for source, key in plan.event_times]
        for source, text in (*texts, ("envelope", self.envelope.timestamp or "")):
            reading = times.read(text, now, timezone, zone)
            flags |= reading.flags
            if reading.time:
                return EventTime(reading.time, source, flags)
        return EventTime(None, "", flags)

    def event_time(
        self, now: datetime | None = None, timezone: times.Zone | None = None
    ) -> datetime | None:
        """When it happened, in UTC; None: only the time of arrival is known."""
        return self.event_reading(now, timezone).time

    def severity_band(self) -> str:
        """`Low`, `Medium`, `High`, `Very-High` or `Unknown`, from the number 0-10 or the word."""
        return band(self.header["severity"] or "") or "Unknown"

    def _plan(self) -> Plan:
        return plan_for(tuple(self.extensions))

    def _value(self, key: str) -> str:
        """The value of a key in any case; empty when there is none."""
        if key in self.extensions:
            return self.extensions[key]
        wanted = key.lower()
        return next((text for key, text in self.extensions.items() if key.lower() == wanted), "")

    def _renamed(self) -> list[tuple[str, str, str]]:
        """Key, label and the label's key of what can be renamed."""
        taken = set(self.extensions)
        found = []
        for label_key, key in self._plan().labels:
            label = self.extensions[label_key]
            if label not in taken and label.strip():
                taken.add(label)
                found.append((key, label, label_key))
        return found


def band(severity: str) -> str | None:
    """The band of a severity text, None when it is no severity (CEF guide, header fields)."""
    return _band(severity.strip()[:_MAX_SEVERITY])


@lru_cache(maxsize=256)
def _band(text: str) -> str | None:
    if _NUMBER.fullmatch(text):
        return _BANDS[int(float(text))] if float(text) <= 10 else None
    return _WORDS.get(_BETWEEN.sub("", text.lower()))
