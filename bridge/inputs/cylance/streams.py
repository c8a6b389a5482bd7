"""The lists of the API that are read: where they are, what they need, what tells rows apart. Pure.

Source: the Cylance User API guide (paths, parameters, scopes).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Final

from bridge.inputs.cylance.normalize import Item, guid, moment


@dataclass(frozen=True, slots=True)
class Stream:
    """One list."""

    name: str
    kind: str
    """The kind of its events (`cylance_kind`)."""
    path: str
    scope: str
    """The right that an application needs to read it."""
    key: tuple[str, ...]
    """The names under which a row's id may be."""
    stamps: tuple[str, ...] = ()
    """The names under which its times may be."""
    since: str = ""
    until: str = ""
    """The parameters that bound the time; empty: the list is an inventory."""
    detail: str = ""
    """The path of one row's details, `{}` for its id; empty: the list has everything."""
    detail_scope: str = ""


THREATS: Final = Stream(
    name="threats",
    kind="threat",
    path="/threats/v2",
    scope="threat:list",
    key=("sha256",),
    stamps=("last_found", "lastFound", "mostRecentDetection", "dateDetected"),
    since="start_time",
    until="end_time",
    detail="/threats/v2/{}",
    detail_scope="threat:read",
)
DETECTIONS: Final = Stream(
    name="detections",
    kind="detection",
    path="/detections/v2",
    scope="opticsdetect:list",
    key=("Id", "id"),
    stamps=("ReceivedTime", "OccurrenceTime"),
    since="start",
    until="end",
    detail="/detections/v2/{}/details",
    detail_scope="opticsdetect:read",
)
MEMORY_PROTECTION: Final = Stream(
    name="memory_protection",
    kind="memory_protection",
    path="/memoryprotection/v2",
    scope="memoryprotection:list",
    key=("device_image_file_event_id",),
    stamps=("created",),
    since="start_time",
    until="end_time",
)
DEVICES: Final = Stream(
    name="devices",
    kind="device",
    path="/devices/v2",
    scope="device:list",
    key=("id",),
    detail="/devices/v2/{}",
    detail_scope="device:read",
)
# Its rows are threats; each leads to the list of the devices on which it was found.
THREAT_DEVICES: Final = replace(THREATS, name="threat_devices", detail="", detail_scope="")
STREAMS: Final = {
    stream.name: stream
    for stream in (THREATS, DETECTIONS, MEMORY_PROTECTION, DEVICES, THREAT_DEVICES)
}
SIGHTINGS: Final = Stream(
    name="threat_devices",
    kind="threat_device",
    path="/threats/v2/{}/devices",
    scope="threat:devicelist",
    key=("sha256",),
    stamps=("date_found",),
)


def stamps(stream: Stream, item: Item) -> list[float]:
    """The times of a row, in seconds since the epoch."""
    found = (moment(item.get(name)) for name in stream.stamps)
    return [one.timestamp() for one in found if one]


def raw_key(stream: Stream, item: Item) -> str:
    """The id of a row as the API wrote it; empty when it has none."""
    for name in stream.key:
        if (value := item.get(name)) and type(value) in (str, int):
            return str(value)
    return ""


def key(stream: Stream, item: Item) -> str:
    """What tells a row from others of its list, in one spelling; empty when it has no id."""
    return guid(raw_key(stream, item).lower())


def version(stream: Stream, item: Item) -> tuple[str, ...]:
    """What tells two events of one key apart: a file that is found again is a new event.

    Times count in whole seconds, whatever precision a reply writes them with.
    """
    if stream.kind not in ("threat", "threat_device"):
        return ()
    found = str(math.floor(max(stamps(stream, item), default=0)))
    if stream.kind == "threat":
        return (found,)
    device = item.get("device") or {}
    return (found, guid(str(device.get("id", "")).lower()), str(item.get("file_path", "")))


def identity(tenant_id: str, stream: Stream, item: Item) -> str:
    """The `event_uid` of a row; one without an id is known by everything in it."""
    name = key(stream, item)
    parts = (name, *version(stream, item)) if name else (content(item),)
    return uid(tenant_id, stream.kind, *parts)


def digest(*parts: str) -> str:
    """A short name for any texts."""
    # Each part with its length before it, so that no two lists of parts are written alike.
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def content(item: Item) -> str:
    """A short name for everything in a row."""
    return digest(json.dumps(item, sort_keys=True, default=str))


def uid(tenant_id: str, kind: str, *parts: str) -> str:
    """The `event_uid`: the same for the same event of a tenant, whichever input reads it."""
    return f"cylance-{kind}-{digest(guid(tenant_id), kind, *parts)}"


def objects(items: Iterable[Any]) -> list[Mapping[str, Any]]:
    """Rows that are no objects become objects, so that not even they are lost."""
    return [item if isinstance(item, Mapping) else {"item": item} for item in items]
