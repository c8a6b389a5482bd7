"""One event → one GELF 1.1 document of which Graylog keeps every field.

The law is Graylog's `GelfDecoder` and `Message` and the index behind them: what they drop, wrap
or refuse is sent in another form, and every such change has a name (`What`) to be counted by.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import orjson

from bridge.event import Event, scrub, text
from bridge.gelf import names
from bridge.gelf.changes import Change, What, field_of, mark
from bridge.gelf.trim import cut, trim, with_point

MAX_BYTES: Final = 2_000_000
"""The longest document; Graylog closes the connection beyond 2,097,152 (`max_message_size`)."""

TERM_LIMIT: Final = 32_766
"""Bytes of a text that an index takes as one term; a longer one loses the whole message."""
HOST_LIMIT: Final = 1_024

_MIN_LONG, _MAX_LONG = -(2**63), 2**63 - 1
_MAX_FLOAT: Final = 3.4028234663852886e38
_MAX_TIMESTAMP: Final = 253_402_300_799  # the last second of the year 9999
_LEVELS: Final = range(8)
_ANALYSED: Final = frozenset({"short_message", "full_message"})
_CACHE_SIZE: Final = 4_096

_wire: dict[str, str] = {}
"""Names of fields that need no repair, as seen so far → the keys of their GELF fields."""


def encode(event: Event, changes: list[Change] | None = None) -> bytes:
    """The event as one GELF 1.1 document; never raises, whatever the values are.

    At most `MAX_BYTES`, UTF-8, no NUL byte. Every key but `host`, `message` (as `short_message`),
    `full_message`, `timestamp` and `level` gets GELF's underscore. Values that are None or blank
    are left out; booleans are `"true"` and `"false"`, because Graylog drops JSON's. What else had
    to be changed is appended to `changes`.
    """
    changes = [] if changes is None else changes
    document: dict[str, Any] = {"version": "1.1", "host": "", "short_message": ""}
    rest = []
    wire = _wire.get
    items: Iterable[tuple[str, Any]] = event.items()
    for name, value in items:
        kind = type(value)
        if kind is str:
            # Below "!" are the texts that are empty or begin with a blank or a control character.
            plain = value >= "!"
        elif kind is int:
            plain = _MIN_LONG <= value <= _MAX_LONG
        elif kind is bool:
            value, plain = "true" if value else "false", True
        elif value is None:
            continue
        else:
            plain = kind is float and (value == 0.0 or 1e-4 <= abs(value) < 1e16)
        if plain and (key := wire(name)):
            document[key] = value
        else:
            rest.append((name, value))
    _add_all(document, rest, changes)
    return _written(document, changes)


def _add_all(
    document: dict[str, Any], rest: Iterable[tuple[str, Any]], changes: list[Change]
) -> None:
    """Add what needs more than a glance: special keys, new names, unusual values, odd names."""
    odd = []
    for name, value in rest:
        name = name if type(name) is str else text(name)
        special = _SPECIAL.get(name)
        if special:
            special(document, value, changes)
        elif key := _good_key(name):
            _add(document, key, name, value, changes)
        else:
            odd.append((name, value))
    for name, value in odd:
        key = names.unused("_" + names.repaired(name), name, document)
        if _add(document, key, name, value, changes):
            changes.append(Change(What.RENAMED, name))
    _require(document, changes)


def _good_key(name: str) -> str | None:
    key = _wire.get(name)
    if key is None and names.is_good(name):
        if len(_wire) >= _CACHE_SIZE:
            _wire.clear()
        key = _wire[name] = "_" + name
    return key


def _add(document: dict[str, Any], key: str, name: str, value: Any, changes: list[Change]) -> bool:
    """Put one value into the document, converted; False when there is none."""
    value = _plain(value, name, changes)
    if type(value) is int and not _MIN_LONG <= value <= _MAX_LONG:
        return _set_aside(document, key, name, value, changes)
    if type(value) is float:
        if not -_MAX_FLOAT <= value <= _MAX_FLOAT:
            return _set_aside(document, key, name, value, changes)
        value = with_point(value)
    elif type(value) is str and not value.strip():
        return False
    document[key] = value
    return True


def _plain(value: Any, name: str, changes: list[Change]) -> str | int | float:
    """The value as exactly str, int or float; no code of a subclass runs."""
    kind = type(value)
    if kind is str or kind is int or kind is float:
        return value  # type: ignore[no-any-return]
    if value is None:
        return ""
    if kind is bool:
        return "true" if value else "false"
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, int):
        return int.__int__(value)
    if issubclass(kind, float):
        return float.__float__(value)
    changes.append(Change(What.TEXT, name))
    return text(value)


def _set_aside(
    document: dict[str, Any], key: str, name: str, value: Any, changes: list[Change]
) -> bool:
    """Keep as text, in a field that is always text, what its own field cannot hold."""
    words = text(value)
    if not words.strip():
        return False
    document[names.unused(key + "_text", name, document)] = words
    changes.append(Change(What.SET_ASIDE, name))
    return True


def _host(document: dict[str, Any], value: Any, changes: list[Change]) -> None:
    host = text(value).strip()
    if len(host) * 4 > HOST_LIMIT:
        host = _cut(document, "host", host, HOST_LIMIT, changes)
    document["host"] = host


def _message(document: dict[str, Any], value: Any, changes: list[Change]) -> None:
    document["short_message"] = text(value)


def _full_message(document: dict[str, Any], value: Any, changes: list[Change]) -> None:
    words = text(value)
    if words.strip():
        document["full_message"] = words


def _timestamp(document: dict[str, Any], value: Any, changes: list[Change]) -> None:
    if type(value) in (int, float) and 0 < value <= _MAX_TIMESTAMP:
        document["timestamp"] = value
    elif value is not None:
        _set_aside(document, "_timestamp", "timestamp", value, changes)


def _level(document: dict[str, Any], value: Any, changes: list[Change]) -> None:
    if type(value) is int and value in _LEVELS:
        document["level"] = value
    elif value is not None:
        _set_aside(document, "_level", "level", value, changes)


_SPECIAL: Final = {
    "host": _host,
    "message": _message,
    "full_message": _full_message,
    "timestamp": _timestamp,
    "level": _level,
}


def _require(document: dict[str, Any], changes: list[Change]) -> None:
    """Graylog refuses a message whose `host` or `short_message` is blank."""
    if not document["host"]:
        document["host"] = "unknown"
        changes.append(Change(What.REPLACED, "host"))
    if not document["short_message"] or document["short_message"].isspace():
        document["short_message"] = _stand_in(document)
        changes.append(Change(What.REPLACED, "message"))


def _stand_in(document: dict[str, Any]) -> str:
    first, *_ = document.get("full_message", "").strip().splitlines() or [""]
    return first.strip() or str(document.get("_event_type", "no message"))


def _written(document: dict[str, Any], changes: list[Change]) -> bytes:
    try:
        data = orjson.dumps(document)
    except orjson.JSONEncodeError:  # a half of a surrogate pair
        data = _scrubbed(document, changes)
    if _has_control_characters(data):
        data = _scrubbed(document, changes)
    if len(data) > TERM_LIMIT:
        data = _with_short_terms(document, data, changes)
    if len(data) > MAX_BYTES:
        data = trim(data, MAX_BYTES, changes)
    return data


def _has_control_characters(data: bytes) -> bool:
    """orjson escapes all but DEL; `u`, `b` and `f` may follow an escaped backslash, too."""
    if b"\\" in data:
        bare = data.replace(b"\\\\", b"")
        if b"\\u" in bare or b"\\b" in bare or b"\\f" in bare:
            return True
    return b"\x7f" in data


def _scrubbed(document: dict[str, Any], changes: list[Change]) -> bytes:
    for key, value in document.items():
        if type(value) is str and (clean := scrub(value)) != value:
            document[key] = clean
            changes.append(Change(What.SCRUBBED, field_of(key)))
    return orjson.dumps(document)


def _with_short_terms(document: dict[str, Any], data: bytes, changes: list[Change]) -> bytes:
    long = [
        (key, value)
        for key, value in document.items()
        if type(value) is str and len(value) * 4 > TERM_LIMIT and key not in _ANALYSED
    ]
    before = len(changes)
    for key, value in long:
        document[key] = _cut(document, key, value, TERM_LIMIT, changes)
    return orjson.dumps(document) if len(changes) > before else data


def _cut(document: dict[str, Any], key: str, value: str, limit: int, changes: list[Change]) -> str:
    shorter = cut(value, limit)
    if shorter is not value:
        mark(document, key, len(value.encode()))
        changes.append(Change(What.CUT, field_of(key)))
    return shorter
