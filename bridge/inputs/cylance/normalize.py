"""From an object of the Cylance API to an event: names, types, times, the human line. Pure.

A field is `cylance_` and the snake_case path in the object, `cylance` said once: `cylance_score`,
`Device.CylanceId` → `cylance_device_id`. What describes a device has the same names in every kind
of event. Absent, null, empty and the year 0001 all mean that there is no value. Nothing else of the
object is lost: what finds no name goes to `cylance_unnamed_fields`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from bridge import times
from bridge.event import Event, Value, flatten, snake_case, text
from bridge.inputs.cylance import summary
from bridge.inputs.cylance.kinds import KINDS

Item = Mapping[str, Any]
"""One object as the API gives it."""

TIMES: Final = {
    "threat": ("last_found", "date_detected", "most_recent_detection"),
    "detection": ("occurrence_time", "received_time"),
    "memory_protection": ("created",),
    "threat_device": ("date_found",),
}
"""Kind of event → the fields that say when it happened, the best first; a device has none."""

HASHES: Final = frozenset({"cylance_sha256", "cylance_md5", "cylance_file_hash_id"})
MAX_NAME: Final = 128

_COMPACT: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

# Their inner keys differ from event to event, so each would become a field of its own.
_KEPT_WHOLE: Final = frozenset(
    {"artifacts_of_interest", "associated_artifacts", "involved_artifacts", "context"}
)
_DEVICE_KEYS: Final = frozenset(
    {"id", "name", "state", "agent_version", "policy_id", "ip_addresses", "mac_addresses"}
)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?\s*([Zz]|[+-]\d\d:?\d\d)?")
_GUID = re.compile(r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def normalize(
    kind: str,
    item: Item,
    *,
    now: float,
    tenant_id: str = "",
    sender: str = "",
    admit: Callable[[str], bool] = lambda name: True,
) -> Event:
    """The event of one object, without `event_uid`.

    `kind` is `threat`, `detection`, `memory_protection`, `device` or `threat_device`; `now` (in
    seconds since the epoch) stands in where the object has no time; `sender` is the host of the
    API; `admit` says whether a name that no table knows may become a field.
    """
    fields: Event = {"cylance_kind": kind}
    if tenant_id:
        fields["cylance_tenant_id"] = guid(tenant_id)
    _add(fields, kind, item, admit)
    happened, source = _time(kind, fields)
    event: Event = {
        "event_type": "cylance",
        "timestamp": now if happened is None else happened,
        "host": summary.device(fields) or sender or "unknown",
        "level": summary.level(kind, fields),
        "message": summary.line(kind, fields),
        "full_message": _COMPACT.encode(item),
        "bridge_timestamp_from": source,
    }
    if sender:
        event["bridge_sender"] = sender
    return event | fields


def sighting(threat: Item, row: Item) -> dict[str, Any]:
    """A row of `/threats/v2/{sha256}/devices` as an object: the file, and where it was found."""
    device = {key: value for key, value in row.items() if key in _DEVICE_KEYS}
    found = {key: value for key, value in row.items() if key not in _DEVICE_KEYS}
    return {**threat, **found, "device": device}


def merged(item: Item, detail: Item) -> dict[str, Any]:
    """An item of a list with what only its detail has; where both say something, the list does."""
    whole = dict(item)
    for key, more in detail.items():
        value = whole.get(key)
        if isinstance(value, Mapping) and isinstance(more, Mapping):
            whole[key] = merged(value, more)
        elif value in (None, "", [], {}):
            whole[key] = more
    return whole


def guid(value: str) -> str:
    """An id in the one spelling: the two products write the same GUID in different ways."""
    match = _GUID.fullmatch(value.strip().lower())
    return "-".join(match.groups()) if match else value


def moment(value: object) -> datetime | None:
    """A time of the API, in UTC: with or without fraction and zone; None where there is none."""
    return _moment(value.strip()) if isinstance(value, str) else None


@lru_cache(maxsize=4096)
def _moment(text: str) -> datetime | None:
    if text.startswith("0001-") or not _MOMENT.fullmatch(text):
        return None
    return times.read(text.replace(" ", "T", 1)).time


def _add(fields: Event, kind: str, item: Item, admit: Callable[[str], bool]) -> None:
    unnamed: dict[str, Value] = {}
    shaped = {"device": item} if kind == "device" else _shaped(item)
    for path, value in flatten(shaped, "cylance").items():
        name = path.replace("_cylance_", "_")
        found = _typed(name, value)
        if found is None or fields.get(name) == found:
            continue
        if name in fields or not (name in KINDS or (len(name) <= MAX_NAME and admit(name))):
            unnamed[path] = value
        else:
            fields[name] = found
    if unnamed:
        fields["cylance_unnamed_fields"] = text(unnamed)


def _shaped(item: Item) -> dict[str, Any]:
    """The object with those parts as text that would make ever new fields."""
    return {
        key: text(value) if value and snake_case(key) in _KEPT_WHOLE else value
        for key, value in item.items()
    }


def _typed(name: str, value: Value) -> Value:
    """A value as its field holds it; None when there is none."""
    if value is None or value in ("", "[]", "{}"):
        return None
    kind = KINDS.get(name)
    if isinstance(value, bool) or (kind == "text" and not isinstance(value, str)):
        return text(value)
    if isinstance(value, str):
        return _of_text(name, value, kind)
    if kind == "double" or isinstance(value, float):
        return float(value) if abs(value) < 1e300 else text(value)
    return value if -(2**63) <= value < 2**63 else text(value)


def _of_text(name: str, value: str, kind: str | None) -> Value:
    if name in HASHES:
        return value.lower()
    if name in ("cylance_device_id", "cylance_tenant_id"):
        return guid(value)
    if kind == "text":
        return value
    if kind == "long" and _WHOLE.fullmatch(value):
        return int(value)
    if kind == "double" and _NUMBER.fullmatch(value):
        return float(value)
    if value.startswith("0001-") and _MOMENT.fullmatch(value):
        return None
    return iso(found) if (found := moment(value)) else value


def iso(when: datetime) -> str:
    """ISO 8601 in UTC with six decimals and `Z`."""
    return when.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _time(kind: str, fields: Event) -> tuple[float | None, str]:
    """When it happened, in seconds since the epoch, and which field says so."""
    for name in TIMES.get(kind, ()):
        if found := moment(fields.get(f"cylance_{name}")):
            return found.timestamp(), name
    return None, "arrival"
