"""What a person reads first: one line about a record, and its syslog level. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bridge.cef import CefRecord

LEVELS: Final = {"Low": 6, "Medium": 4, "High": 3, "Very-High": 2}
"""Severity band → syslog level."""
_LEVEL_OF_NUMBER: Final = dict(
    zip(map(str, range(11)), (6, 6, 6, 6, 4, 4, 4, 3, 3, 2, 2), strict=True)
)
NO_LEVEL: Final = 5
MAX_LINE: Final = 512
NOTHING: Final = frozenset({"-", "None", "N/A", "null", "unknown"})
"""What senders write where they know nothing."""

ROLES: Final = (
    ("user", ("duser", "suser"), ""),
    ("host", ("dhost", "shost"), ""),
    ("from", ("src",), "spt"),
    ("to", ("dst",), "dpt"),
    ("file", ("fname",), ""),
)
"""Who and where, in the order in which the line tells it: the word, the keys that may hold it, and
the key of its port."""
_ROLE_KEYS: Final = frozenset(key for _, keys, _ in ROLES for key in keys)


def level(record: CefRecord) -> int:
    """The syslog level: from the severity's band, else the envelope's own, else 5 (notice)."""
    severity = record.header["severity"] or ""
    found = _LEVEL_OF_NUMBER.get(severity) or LEVELS.get(record.severity_band())
    if found is None:
        found = record.envelope.severity
    return NO_LEVEL if found is None else found


def line(record: CefRecord, text_keys: Sequence[str] = ("msg",)) -> str:
    """`Cybereason: Malop User Added (severity 5), user system, host desktop-1`.

    The first of `text_keys` with a value ends the line. At most 512 characters, no line ends; empty
    when the record has no header to speak of.
    """
    header, pairs = record.header, record.extensions
    vendor = header.get("device_vendor") or header.get("device_product")
    name = header.get("name") or header.get("device_event_class_id")
    head = ": ".join(part for part in (vendor, name) if part)
    if not head:
        return ""
    if severity := header.get("severity"):
        head = f"{head} (severity {severity})"
    text = _first(pairs, text_keys)[: 2 * MAX_LINE]
    return tidy(", ".join([head, *_roles(pairs)]) + (f": {text}" if text else ""))


def tidy(whole: str) -> str:
    """The text in one line of at most 512 characters."""
    if "  " in whole or not whole.isprintable():
        whole = " ".join(whole.split())
    return whole if len(whole) <= MAX_LINE else f"{whole[: MAX_LINE - 1]}…"


def _roles(pairs: Mapping[str, str]) -> list[str]:
    told: list[str] = []
    if _ROLE_KEYS.isdisjoint(pairs):
        return told
    for word, keys, port_key in ROLES:
        if value := _first(pairs, keys)[:MAX_LINE]:
            port = pairs.get(port_key, "")[:MAX_LINE]
            place = f"[{value}]" if port and ":" in value else value
            told.append(f"{word} {place}:{port}" if port else f"{word} {place}")
    return told


def _first(pairs: Mapping[str, str], keys: Sequence[str]) -> str:
    for key in keys:
        value = pairs.get(key)
        if value and value not in NOTHING:
            return value
    return ""
