"""What Graylog makes of a GELF message: the fields it keeps, what it drops, why it refuses.

Follows `GELFMessage`, `GelfDecoder` and `Message.addField` of Graylog 6.2 and later step by step,
in their order, and `DecodingProcessor` for messages without a text or a source.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.gelf import java
from bridge.gelf.java import Unreadable
from bridge.gelf.limits import ANALYSED, MAX_FLOAT, MAX_LONG, MAX_TIMESTAMP, MIN_LONG, TERM_LIMIT

DECOMPRESS_LIMIT: Final = 8_388_608
"""`decompress_size_limit`: what is longer is cut, and then is no JSON any more."""

_GZIP: Final = b"\x1f\x8b"
_RESERVED: Final = frozenset({"_id", "_ttl", "_source", "_all", "_index", "_type", "_score"})
_VALID_KEY: Final = re.compile(r"[A-Za-z0-9.@_-]*")
_OVERWRITTEN: Final = frozenset({"streams", "failed_message_streams"})

Stored = str | int | float


@dataclass(frozen=True, slots=True)
class Dropped:
    """A field that Graylog does not keep: its key in the document, and why."""

    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.key}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Decoded:
    """What Graylog makes of one message.

    `fields` are named as Graylog stores them (`short_message` is `message`, `host` is `source`):
    str is its String, int its Long (`level`: Integer), float its Double. `timestamp` is in seconds,
    rounded to milliseconds, and absent where Graylog takes the time of arrival. `rejection` says
    why the whole message is refused; then there are no fields. `warnings` are what Graylog keeps,
    but not as it was sent.
    """

    fields: dict[str, Stored] = field(default_factory=dict)
    dropped: tuple[Dropped, ...] = ()
    rejection: str | None = None
    warnings: tuple[str, ...] = ()


def decode(document: bytes, remote: str | None = None) -> Decoded:
    """What Graylog keeps of one message, plain or compressed as a whole; never raises.

    `remote` is the sender's address, which becomes the `source` of a message without a `host`.
    """
    try:
        root, more = java.read_tree(_json(document))
        warnings = _validated(root)
    except Unreadable as error:
        return Decoded(rejection=str(error))
    if more:
        warnings.append("a second document in the same message is ignored")
    message = _Message(warnings)
    _add_standard_fields(message, root)
    for key, value in root.items():
        _add_field(message, key, value)
    return _finished(message, remote)


def index_problems(fields: dict[str, Stored]) -> list[str]:
    """What an index with Graylog's default mapping does not store as it is, or refuses whole."""
    problems = [f"{name}: Graylog overwrites it" for name in _OVERWRITTEN & fields.keys()]
    underscored = Counter(name.replace(".", "_") for name in fields)
    for name, value in fields.items():
        if not name:
            problems.append("a field without a name loses the message")
        if underscored[name.replace(".", "_")] > 1 and "." in name:
            problems.append(f"{name}: lost, its underscored name exists as well")
        if isinstance(value, str) and name not in ANALYSED and _is_too_long(value):
            problems.append(f"{name}: longer than {TERM_LIMIT} bytes, loses the message")
        if isinstance(value, float) and not abs(value) <= MAX_FLOAT:
            problems.append(f"{name}: beyond a 32-bit float, loses the message")
    if not 0 <= float(fields.get("timestamp", 0)) <= MAX_TIMESTAMP:
        problems.append("timestamp: beyond the year 9999, loses the message")
    return problems


def _is_too_long(text: str) -> bool:
    return len(text) * 4 > TERM_LIMIT and len(text.encode("utf-8", "replace")) > TERM_LIMIT


def _json(payload: bytes) -> str:
    """`GELFMessage.getJSON`: the first two bytes tell what it is."""
    if len(payload) < 2:
        raise Unreadable("shorter than two bytes")
    first, second = payload[0], payload[1]
    if first == 0x78 and (first * 256 + second) % 31 == 0:
        return java.utf8(_inflated(payload, zlib.MAX_WBITS))
    if payload.startswith(_GZIP):
        return java.utf8(_inflated(payload, zlib.MAX_WBITS | 16))
    if first in (0x78, 0x1E, 0x1F):
        raise Unreadable("neither plain JSON nor a known compression")
    return java.utf8(payload)


def _inflated(payload: bytes, window_bits: int) -> bytes:
    """Up to the limit; several gzip members in a row are one text, other leftovers are ignored."""
    data = b""
    while len(data) < DECOMPRESS_LIMIT:
        inflater = zlib.decompressobj(window_bits)
        try:
            data += inflater.decompress(payload, DECOMPRESS_LIMIT - len(data))
        except zlib.error as error:
            raise Unreadable(f"cannot be decompressed: {error}") from None
        if not inflater.eof and len(data) < DECOMPRESS_LIMIT:
            raise Unreadable("cannot be decompressed: it is cut off")
        payload = inflater.unused_data
        if not payload.startswith(_GZIP):
            break
    return data


def _validated(root: Any) -> list[str]:
    """`validateGELFMessage`; returns what Graylog only warns of."""
    if root is None:
        raise Unreadable("the document is null")
    node = root if isinstance(root, dict) else {}
    warnings = []
    if "host" not in node:
        warnings.append('"host" is missing')
    elif not isinstance(node["host"], str):
        raise Unreadable('"host" is not a text')
    elif java.is_blank(node["host"]):
        raise Unreadable('"host" is blank')
    key = "short_message" if "short_message" in node else "message"
    if key not in node:
        raise Unreadable('"short_message" is missing')
    if not isinstance(node[key], str):
        raise Unreadable(f'"{key}" is not a text')
    if java.is_blank(node[key]) and java.is_blank(_as_text(node.get("message", ""))):
        raise Unreadable(f'"{key}" is blank')
    return warnings


class _Message:
    """Graylog's `Message`, as far as the decoder uses it."""

    def __init__(self, warnings: list[str]) -> None:
        self.fields: dict[str, Stored] = {}
        self.dropped: list[Dropped] = []
        self.warnings = warnings

    def add(self, key: str, name: str, value: Stored, required: bool = False) -> None:
        """`addField`: names are trimmed and checked, texts are trimmed, blank ones dropped."""
        name = java.trim(name)
        if name in _RESERVED:
            self.drop(key, "Graylog reserves the name")
        elif not _VALID_KEY.fullmatch(name):
            self.drop(key, "the name has a character that Graylog does not take")
        elif isinstance(value, str):
            value = java.trim(value)
            if value or required:
                self.fields[name] = value
            else:
                self.drop(key, "blank")
        elif name == "timestamp":
            self.drop(key, "not a time")
        else:
            self.fields[name] = value

    def drop(self, key: str, reason: str) -> None:
        self.dropped.append(Dropped(key, reason))


def _add_standard_fields(message: _Message, root: dict[str, Any]) -> None:
    if "short_message" in root:
        message.add("short_message", "message", root["short_message"], required=True)
    if "host" in root:
        message.add("host", "source", root["host"], required=True)
    timestamp = _seconds(root.get("timestamp"))
    if timestamp is not None:
        message.fields["timestamp"] = timestamp
    elif "timestamp" in root:
        message.drop("timestamp", "no seconds above 0, the time of arrival is taken")
    if full_message := java.trim(_as_text(root.get("full_message", ""))):
        message.fields["full_message"] = full_message
    if file := java.trim(_as_text(root.get("file", ""))):
        message.fields["file"] = file
    line = _as_integer(root.get("line"), 64)
    if line is not None and line > -1:
        message.fields["line"] = line
    level = _as_integer(root.get("level"), 32)
    if level is not None and level > -1:
        message.fields["level"] = level
    if facility := java.trim(_as_text(root.get("facility", ""))):
        message.fields["facility"] = facility


def _add_field(message: _Message, key: str, value: Any) -> None:
    """One turn of the decoder's loop over all keys of the document."""
    name = key[1:] if key.startswith("_") and len(key) > 1 else key
    if key == "version" or (key == name and name in _STANDARD and _is_set(message, name)):
        return
    if name in ("short_message", "host"):
        if key != name:
            message.drop(key, "Graylog skips the name")
    elif _is_set(message, name):
        message.drop(key, f"{name} is set already")
    elif name in _RESERVED:
        message.drop(key, "Graylog reserves the name")
    elif value is None:
        message.drop(key, "null")
    elif isinstance(value, bool):
        message.drop(key, "Graylog drops booleans")
    else:
        message.add(key, name, _converted(message, key, value))


_STANDARD: Final = frozenset(
    {"timestamp", "full_message", "file", "line", "level", "facility", "short_message", "host"}
)


def _is_set(message: _Message, name: str) -> bool:
    """A message has an `_id` and a `timestamp` from the start."""
    return name in message.fields or name in ("timestamp", "_id")


def _converted(message: _Message, key: str, value: Any) -> Stored:
    if isinstance(value, (dict, list)):
        message.warnings.append(f"{key}: becomes text")
        return java.container_text(value)
    if isinstance(value, int) and not MIN_LONG <= value <= MAX_LONG:
        message.warnings.append(f"{key}: beyond 64 bits, wraps around")
        return java.wrapped(value, 64)
    return value  # type: ignore[no-any-return]


def _seconds(value: Any) -> float | None:
    """`timestampValue` and `Tools.dateTimeFromDouble`; None where the time of arrival is taken."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = java.parse_double(value)
        except Unreadable:
            return None
    if not isinstance(value, (int, float)):
        return None
    number = _as_double(value)
    return None if number <= 0 else java.rounded(number * 1000) / 1000


def _as_double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _as_text(value: Any) -> str:
    """`JsonNode.asText`: null is "null", containers are empty."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return java.double_text(value)
    return str(value) if isinstance(value, int) else ""


def _as_integer(value: Any, bits: int) -> int | None:
    """`JsonNode.asInt` and `asLong`; None where they give the default."""
    if isinstance(value, str):
        return java.parse_integer(value, bits)
    if isinstance(value, float):
        return java.truncated(value, bits)
    return java.wrapped(int(value), bits) if isinstance(value, int) else None


def _finished(message: _Message, remote: str | None) -> Decoded:
    """What `DecodingProcessor` does: no text, no message; no source, the sender's address."""
    if not message.fields.get("message"):
        return Decoded(rejection="incomplete: the message is blank")
    for name in ("message", "source"):
        if not isinstance(message.fields.get(name, ""), str):
            return Decoded(rejection=f"{name} is not a text")
    if not message.fields.get("source") and remote:
        message.fields["source"] = remote
    return Decoded(message.fields, tuple(message.dropped), None, tuple(message.warnings))
