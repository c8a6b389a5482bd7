"""One event → one GELF 1.1 document of which Graylog keeps every field.

The law is Graylog's `GelfDecoder` and `Message` and the index behind them: what they drop, wrap
or refuse is sent in another form, and every such change has a name (`What`) to be counted by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import orjson

from bridge.event import Event, scrub, text
from bridge.gelf import names
from bridge.gelf.changes import Change, What, field_of, mark
from bridge.gelf.limits import (
    ANALYSED,
    HOST_LIMIT,
    LEVELS,
    MAX_BYTES,
    MAX_FLOAT,
    MAX_LONG,
    MAX_TIMESTAMP,
    MIN_LONG,
    TERM_LIMIT,
)
from bridge.gelf.trim import cut, trim, with_point

_TEXTS: Final = frozenset({"host", "short_message", "full_message"})
_BLANKS: Final = " \t\r\n"
_CONTROL_CHARACTER: Final = re.compile(rb"\\[bfu]")

_CACHE_SIZE: Final = 4_096
_keys: dict[str, str] = dict(names.STANDARD)
"""Names that need no repair → the keys of their GELF fields, the first few thousand seen."""


def encode(event: Event, changes: list[Change] | None = None) -> bytes:
    """The event as one GELF 1.1 document; never raises, whatever the values are.

    At most `MAX_BYTES`, UTF-8, no NUL byte. Every key but `host`, `message` (as `short_message`),
    `full_message`, `timestamp` and `level` gets GELF's underscore. Values that are None or blank
    are left out; booleans are `"true"` and `"false"`, because Graylog drops JSON's. What else had
    to be changed is appended to `changes`.
    """
    document: dict[str, Any] = {"version": "1.1", "host": "", "short_message": ""}
    items: Iterable[tuple[str, Any]] = event.items()
    rest = []
    known = _keys.get
    for name, value in items:
        key = known(name) or _key(name)
        if key:
            kind = type(value)
            if kind is str:
                # Below "!" are the texts that are empty or begin with a blank.
                if value >= "!":
                    document[key] = value
                    continue
            elif kind is int:
                if MIN_LONG <= value <= MAX_LONG:
                    document[key] = value
                    continue
            elif value is None:
                continue
            elif kind is float and (1e-4 <= abs(value) < 1e16 or value == 0.0):
                document[key] = value
                continue
        rest.append((key, name, value))
    draft = _Draft(document, [] if changes is None else changes)
    if rest:
        draft.add(rest)
    draft.complete()
    return draft.written()


class _Draft:
    """A document that is not finished: unusual values and names, required keys, limits."""

    __slots__ = ("aside", "changes", "document")

    def __init__(self, document: dict[str, Any], changes: list[Change]) -> None:
        self.document = document
        self.changes = changes
        self.aside: list[tuple[str, str]] = []

    def add(self, fields: Iterable[tuple[str | None, Any, Any]]) -> None:
        """Add fields with unusual values, then those with unusual names under names still free."""
        odd = []
        for key, name, value in fields:
            if key:
                self._put(key, value)
            else:
                odd.append((text(name), value))
        for name, value in odd:
            key = names.unused("_" + names.repaired(name), name, self.document)
            if self._put(key, value):
                self._note(What.RENAMED, name)

    def complete(self) -> None:
        """Make the standard keys what Graylog demands of them."""
        document = self.document
        host = document["host"]
        if type(host) is not str or not host or len(host) * 4 > HOST_LIMIT or host.isspace():
            self._complete_host(text(host))
        message = document["short_message"]
        if type(message) is not str or not message or message.isspace():
            self._complete_message(text(message))
        full_message = document.get("full_message")
        if full_message is not None and type(full_message) is not str:
            document["full_message"] = text(full_message)
        timestamp = document.get("timestamp")
        if timestamp is not None and not _is_timestamp(timestamp):
            self._set_aside("timestamp", document.pop("timestamp"))
        level = document.get("level")
        if level is not None and not (type(level) is int and level in LEVELS):
            self._set_aside("level", document.pop("level"))
        for name, words in self.aside:
            document[names.unused(f"_{name}_text", name, document)] = words

    def written(self) -> bytes:
        """The document as JSON without anything that an index or a transport refuses."""
        try:
            data = orjson.dumps(self.document)
        except orjson.JSONEncodeError:  # a half of a surrogate pair
            data = self._scrubbed()
        if _has_control_characters(data):
            data = self._scrubbed()
        if len(data) > TERM_LIMIT:
            data = self._with_short_terms(data)
        if len(data) > MAX_BYTES:
            data = trim(data, MAX_BYTES, self.changes)
        return data

    def _put(self, key: str, value: Any) -> bool:
        """Put one value into the document, converted; False when there is none."""
        value = text(value) if key in _TEXTS else self._plain(key, value)
        if type(value) is int and not MIN_LONG <= value <= MAX_LONG:
            return self._set_aside(key, value)
        if type(value) is float:
            if not -MAX_FLOAT <= value <= MAX_FLOAT:
                return self._set_aside(key, value)
            value = with_point(value) if key.startswith("_") else value
        elif type(value) is str and not value.strip(_BLANKS):
            return False
        self.document[key] = value
        return True

    def _plain(self, key: str, value: Any) -> str | int | float:
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
        self._note(What.TEXT, field_of(key))
        return text(value)

    def _set_aside(self, key: str, value: Any) -> bool:
        """Keep as text, in a sibling that is always text, what its own field cannot hold."""
        self.aside.append((field_of(key), text(value)))
        self._note(What.SET_ASIDE, field_of(key))
        return True

    def _complete_host(self, host: str) -> None:
        host = host.strip()
        if not host:
            host = "unknown"
            self._note(What.REPLACED, "host")
        self.document["host"] = self._cut("host", scrub(host), HOST_LIMIT)

    def _complete_message(self, message: str) -> None:
        if not message.strip():
            first, *_ = text(self.document.get("full_message")).strip().splitlines() or [""]
            event_type = text(self.document.get("_event_type"))
            message = first.strip() or event_type.strip() or "no message"
            self._note(What.REPLACED, "message")
        self.document["short_message"] = message

    def _scrubbed(self) -> bytes:
        for key, value in self.document.items():
            if type(value) is str and (clean := scrub(value)) != value:
                self.document[key] = clean
                self._note(What.SCRUBBED, field_of(key))
        return orjson.dumps(self.document)

    def _with_short_terms(self, data: bytes) -> bytes:
        before = len(self.changes)
        for key, value in list(self.document.items()):
            if type(value) is str and len(value) * 4 > TERM_LIMIT and field_of(key) not in ANALYSED:
                self.document[key] = self._cut(key, value, TERM_LIMIT)
        return orjson.dumps(self.document) if len(self.changes) > before else data

    def _cut(self, key: str, value: str, limit: int) -> str:
        shorter = cut(value, limit)
        if shorter is not value:
            mark(self.document, key, len(value.encode()))
            self._note(What.CUT, field_of(key))
        return shorter

    def _note(self, what: What, field: str) -> None:
        self.changes.append(Change(what, field))


def _key(name: Any) -> str | None:
    """The key of a field whose name needs no repair, else None; remembered for the next event."""
    if not isinstance(name, str) or not names.is_good(str.__str__(name)):
        return None
    key = "_" + str.__str__(name)
    if len(_keys) < _CACHE_SIZE:
        _keys[str.__str__(name)] = key
    return key


def _is_timestamp(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value <= MAX_TIMESTAMP


def _has_control_characters(data: bytes) -> bool:
    """orjson escapes all but DEL; `b`, `f` and `u` may follow an escaped backslash, too."""
    if _CONTROL_CHARACTER.search(data):
        return _CONTROL_CHARACTER.search(data.replace(b"\\\\", b"")) is not None or b"\x7f" in data
    return b"\x7f" in data
