"""What flows through the bridge: the normalized event.

An event is a plain flat dict. Reserved keys: `event_type` (required), `timestamp` (seconds since
the epoch), `host`, `message` (one human line), `full_message` (the original record), `level`
(syslog 0-7) and `event_uid`. Every other key is a field of the source, snake_case, under the
source's prefix.

The functions here make such names and values out of what a source sends; none of them raises.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import deque
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from enum import Enum
from functools import lru_cache
from typing import Any, Final

import orjson

Value = str | int | float | bool | None
Event = dict[str, Value]

RESERVED: Final = frozenset(
    {"event_type", "timestamp", "host", "message", "full_message", "level", "event_uid"}
)

MAX_DEPTH: Final = 16
"""Objects nested deeper than this are kept as JSON text instead of being flattened further."""

_CACHED_NAME_LENGTH: Final = 128
_IP_VERSION = re.compile(r"IPv(?=[46])")
# Before a capital that follows a small letter or a digit; and before the last capital of a run when
# a word begins with it (`MACAddress`), but not when the run is an acronym's plural (`IDs`, `URLs`).
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z](?!s(?![a-z]))[a-z])")
_NOT_A_LETTER = re.compile(r"[^A-Za-z0-9]+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def snake_case(name: str) -> str:
    """`deviceReceiptTime` → `device_receipt_time`, `MD5 Hash` → `md5_hash`, `URLs` → `urls`.

    Only `a-z`, `0-9` and single inner underscores come out; letters outside ASCII lose their marks
    or become `u` and their hexadecimal number. Empty when the name has no letter and no digit.
    """
    return _cached(name) if len(name) <= _CACHED_NAME_LENGTH else _snake_case(name)


def _snake_case(name: str) -> str:
    words = _WORD.sub("_", _IP_VERSION.sub("Ipv", ascii_letters(name)))
    return _NOT_A_LETTER.sub("_", words).strip("_").lower()


_cached = lru_cache(maxsize=4096)(_snake_case)


def ascii_letters(text: str) -> str:
    """Letters outside ASCII without their marks, or as `u` and their hexadecimal number."""
    if text.isascii():
        return text
    parts = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    return _NOT_ASCII.sub(_ascii, parts)


def _ascii(match: re.Match[str]) -> str:
    character = match[0]
    if unicodedata.combining(character):
        return ""
    return f"u{ord(character):04x}" if character.isalnum() else "_"


def flatten(mapping: Mapping[str, Any], prefix: str) -> Event:
    """An object of an API as the fields of an event: `{"device": {"name": 1}}` → `p_device_name`.

    Names are `prefix` and the snake_case path, and never say the same word twice in a row
    (`cylance_score` under `cylance` stays `cylance_score`). Lists become compact JSON text. When
    two paths give one name, the later one gets a number (`…_2`). Nothing else is interpreted.
    """
    event: Event = {}
    _flatten(mapping, prefix, event, MAX_DEPTH)
    return event


def _flatten(mapping: Mapping[str, Any], prefix: str, event: Event, depth: int) -> None:
    for key, value in mapping.items():
        name = _joined(prefix, snake_case(key if isinstance(key, str) else text(key)))
        if isinstance(value, Mapping) and depth:
            _flatten(value, name, event, depth - 1)
        elif value is None or isinstance(value, (str, int, float)):
            event[_free(name, event)] = value
        else:
            event[_free(name, event)] = text(value)


def _joined(prefix: str, name: str) -> str:
    if not prefix or not name:
        return prefix or name or "field"
    last = prefix.rpartition("_")[2]
    for said in (prefix, last):
        if name == said or name.startswith(said + "_"):
            return prefix + name[len(said) :]
    return f"{prefix}_{name}"


def _free(name: str, event: Event) -> str:
    free, number = name, 2
    while free in event:
        free, number = f"{name}_{number}", number + 1
    return free


def scrub(text: str) -> str:
    """The text without what harms a reader of it, character by character.

    Control characters but tab, line feed and carriage return become their visible pictures
    (U+2400-U+2421), halves of surrogate pairs U+FFFD.
    """
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.translate(_PICTURES)


_PICTURES: Final = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n\r"} | {
    0x7F: 0x2421
}


def text(value: object) -> str:
    """Any Python value as text.

    Booleans are `true` and `false`, times ISO 8601 in UTC with six decimals and `Z` (a time
    without a zone is taken as UTC), bytes are read as UTF-8, lists and dicts are compact JSON. A
    value whose own code fails is only named, as `<Type>`.
    """
    kind = type(value)
    if kind is str:
        return value  # type: ignore[return-value]
    try:
        # What a foreign type's code raises can be anything; orjson turns it into its own error.
        quoted = orjson.dumps(_Sealed(value), default=_opened)
    except orjson.JSONEncodeError:
        return f"<{kind.__name__}>"
    return str(orjson.loads(quoted))


class _Sealed:
    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


def _opened(sealed: _Sealed) -> str:
    return scrub(_describe(sealed.value))


def _describe(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return text(value.value)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, (datetime, date, time)):
        return _time(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, (Mapping, list, tuple, set, frozenset, deque)):
        return _compact(value)
    return str(value)


def _integer(value: int) -> str:
    try:
        return int.__repr__(value)
    except ValueError:  # Python refuses decimal texts of more than 4300 digits
        return hex(value)


def _time(value: datetime | date | time) -> str:
    if not isinstance(value, datetime):
        return value.isoformat()
    try:
        utc = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError:  # within a day of the years 1 and 9999
        return value.isoformat()
    return utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _compact(value: Any) -> str:
    try:
        return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"), default=_plain)
    except (TypeError, ValueError, RecursionError):  # odd keys, circles, very deep nesting
        return str(value)


def _plain(value: Any) -> Any:
    """What `json` can write in place of `value`."""
    if isinstance(value, (set, frozenset, deque)):
        return list(value)
    if isinstance(value, (dict, list, tuple)):
        return value
    return dict(value) if isinstance(value, Mapping) else text(value)
