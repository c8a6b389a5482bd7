"""Make a document fit: cut its longest texts evenly, mark what was cut, keep what is required."""

from __future__ import annotations

from typing import Any, Final

import orjson

from bridge.gelf.changes import MARK_LIMIT, TRIMMED, Change, What, field_of, mark

MIN_BYTES: Final = 1_024
"""The smallest limit that `trim` can keep."""

_MARK_ROOM: Final = MARK_LIMIT + 40
_FLOOR: Final = 48
"""No text is cut below this many bytes of JSON; fields are dropped instead."""
_REQUIRED: Final = frozenset({"version", "host", "short_message", "timestamp", "level", TRIMMED})
_DROPPED_LAST: Final = frozenset({"_event_type", "_event_uid", "_bridge_input"})


def trim(document: bytes, limit: int, changes: list[Change] | None = None) -> bytes:
    """The document in at most `limit` bytes; the same object when it fits already.

    The longest texts are cut to one common length; when that is not enough, the last fields go,
    never `host`, `short_message`, `timestamp` or `level`. The field `_bridge_trimmed` names both.
    `document` is one that `encode` made; a `limit` below `MIN_BYTES` raises ValueError.
    """
    if limit < MIN_BYTES:
        raise ValueError(f"a GELF document cannot be trimmed to less than {MIN_BYTES} bytes")
    if len(document) <= limit:
        return document
    changes = [] if changes is None else changes
    fields = {key: _with_point(value) for key, value in orjson.loads(document).items()}
    _shorten(fields, len(document) + _MARK_ROOM - limit, changes)
    data = orjson.dumps(fields)
    if len(data) > limit:
        _drop(fields, len(data) + _MARK_ROOM - limit, changes)
        data = orjson.dumps(fields)
    return data


def cut(text: str, limit: int) -> str:
    """The beginning of a text in at most `limit` bytes of UTF-8, whole characters only."""
    if len(text) * 4 <= limit or len(data := text.encode()) <= limit:
        return text
    return data.lstrip()[:limit].decode("utf-8", "ignore").rstrip()


def with_point(value: float) -> Any:
    """orjson writes 1e16 as `1e16`; with a point nobody takes it for an integer."""
    digits = repr(value)
    if "e" in digits and "." not in digits:
        return orjson.Fragment(digits.replace("e", ".0e").encode())
    return value


def _with_point(value: Any) -> Any:
    return with_point(value) if type(value) is float else value


def _shorten(fields: dict[str, Any], excess: int, changes: list[Change]) -> None:
    """Cut the longest texts until `excess` bytes are gone or every text is at the floor."""
    sizes = {
        key: len(orjson.dumps(value)) - 2
        for key, value in fields.items()
        if type(value) is str and key != TRIMMED
    }
    level = _level(sorted(sizes.values(), reverse=True), excess)
    for key, size in sizes.items():
        if size > level:
            value = fields[key]
            fields[key] = _cut_json(value, level)
            mark(fields, key, len(value.encode()))
            changes.append(Change(What.CUT, field_of(key)))


def _level(sizes: list[int], excess: int) -> int:
    """The common length to which the longest of `sizes` (descending) must be cut."""
    total = 0
    for count, size in enumerate(sizes, 1):
        total += size
        following = sizes[count] if count < len(sizes) else 0
        if total - count * following >= excess:
            return max(_FLOOR, (total - excess) // count)
    return _FLOOR


def _cut_json(text: str, limit: int) -> str:
    """The beginning of a text that takes at most `limit` bytes inside the quotes of JSON."""
    shorter = cut(text.strip(), limit)
    while (size := len(orjson.dumps(shorter)) - 2) > limit:
        shorter = shorter[: len(shorter) * limit // size]
    return shorter


def _drop(fields: dict[str, Any], excess: int, changes: list[Change]) -> None:
    """Take fields away, the last first, until `excess` bytes are gone."""
    keys = [key for key in reversed(fields) if key not in _REQUIRED]
    keys.sort(key=_DROPPED_LAST.__contains__)
    for key in keys:
        if excess <= 0:
            return
        value = fields.pop(key)
        size = len(orjson.dumps(value))
        excess -= len(key) + size + len('"":,')
        mark(fields, key, size)
        changes.append(Change(What.DROPPED, field_of(key)))
