"""Fields right: what a relay delivers, compared with what the records say.

Header fields and pairs count. Of the peers it is not asked that a label names its field; of the
bridge it is, and that numbers are numbers and times are times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from tests.bench.events import Record
from tests.bench.peers import Bridge, Peer, Rsyslog, SyslogNg
from tests.bench.relays import measure

Fields = dict[str, Any]
COUNT: Final = 2400
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

HEADER: Final = {
    Rsyslog: "DeviceVendor DeviceProduct DeviceVersion SignatureID Name Severity".split(),
    SyslogNg: "vendor product device_version class name severity".split(),
    Bridge: [
        f"_cef_{name}"
        for name in "device_vendor device_product device_version device_event_class_id name "
        "severity".split()
    ],
}
NAMES: Final = {
    "rt": "_cef_device_receipt_time",
    "externalId": "_cef_external_id",
    "src": "_cef_source_address",
    "dst": "_cef_destination_address",
    "spt": "_cef_source_port",
    "dpt": "_cef_destination_port",
    "shost": "_cef_source_host_name",
    "suser": "_cef_source_user_name",
    "filePath": "_cef_file_path",
    "fileHash": "_cef_file_hash",
    "request": "_cef_request_url",
    "in": "_cef_bytes_in",
    "out": "_cef_bytes_out",
    "msg": "_cef_message",
    "MalopId": "_example_malop_id",
    "AffectedMachinesCount": "_example_affected_machines_count",
    "MalopActivityType": "_example_malop_activity_type",
    "Confidence": "_example_confidence",
}
INTEGERS: Final = {"spt", "dpt", "in", "out", "cn1"}


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How much was right."""

    events: int
    wholly_right: int
    fields: int
    fields_right: int


def fidelity(peer: Peer, records: list[Record]) -> Fidelity:
    """Send the records through a relay and compare what it delivers."""
    lines = peer.folder.parent / "fidelity.log"
    kept = lines.with_suffix(".kept")
    lines.parent.mkdir(parents=True, exist_ok=True)
    lines.write_bytes(b"".join(record.line for record in records))
    measure(peer, lines, 1, keep=kept)
    return compare(records, delivered(kept, READINGS[kind(peer)]), EXPECTED[kind(peer)])


def compare(
    records: list[Record], found: dict[str, Fields], expected: Callable[[Record], Fields]
) -> Fidelity:
    """Count the fields of each record that are as they should be."""
    right = [
        sum(found.get(record.pairs["externalId"], {}).get(name) == value for name, value in pairs)
        for record in records
        if (pairs := expected(record).items())
    ]
    asked = [len(expected(record)) for record in records]
    whole = sum(map(int.__eq__, right, asked))
    return Fidelity(len(records), whole, sum(asked), sum(right))


def delivered(kept: Path, reading: Callable[[Fields], Fields]) -> dict[str, Fields]:
    """The fields of each event that arrived, by its number."""
    return {
        str(fields.get("externalId", fields.get(NAMES["externalId"]))): fields
        for document in documents(kept)
        if (fields := reading(document))
    }


def documents(kept: Path) -> Iterator[Fields]:
    """What can be read of the frames that a sink has kept."""
    for frame in kept.read_bytes().split(b"\0"):
        try:
            yield orjson.loads(frame)
        except orjson.JSONDecodeError:
            continue


def kind(peer: Peer) -> type[Peer]:
    """Which of the three programs it is."""
    return next(one for one in HEADER if isinstance(peer, one))


def of_peer(header: list[str], record: Record) -> Fields:
    """What a peer should deliver: the pairs with the sender's own keys, unescaped."""
    pairs = {key: value for key, value in record.pairs.items() if not key.endswith("Label")}
    return dict(zip(header, record.header, strict=True)) | pairs


def of_bridge(record: Record) -> Fields:
    """What the bridge should deliver: typed, under the names that keys and labels stand for."""
    fields: Fields = dict(zip(HEADER[Bridge], record.header, strict=True))
    fields["_cef_severity"] = int(fields["_cef_severity"])
    for key, text in record.pairs.items():
        if not key.endswith("Label"):
            fields[NAMES[record.pairs.get(f"{key}Label", key)]] = typed(key, text)
    return fields


def typed(key: str, text: str) -> str | int | float:
    """A value of the bridge."""
    if key in INTEGERS:
        return int(text)
    if key == "cfp1":
        return float(text)
    if key == "rt":
        moment = EPOCH + timedelta(milliseconds=int(text))
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return text


READINGS: Final[dict[type[Peer], Callable[[Fields], Fields]]] = {
    Rsyslog: lambda document: (cef := document.get("_cef", {})) | cef.get("Extensions", {}),
    SyslogNg: lambda document: document.get("cef", {}) | document.get("ext", {}),
    Bridge: lambda document: document,
}
EXPECTED: Final[dict[type[Peer], Callable[[Record], Fields]]] = {
    Rsyslog: lambda record: of_peer(HEADER[Rsyslog], record),
    SyslogNg: lambda record: of_peer(HEADER[SyslogNg], record),
    Bridge: of_bridge,
}
