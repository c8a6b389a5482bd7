"""From one frame to one record."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from bridge.cef.dictionary import lookup
from bridge.cef.extension import WHITE, read_extension
from bridge.cef.record import HEADER, CefRecord, band
from bridge.native import core
from bridge.syslog import Envelope, parse_envelope

_DIGITS = r"([0-9]++(?:\.[0-9]++)?+)[ \t]*+\|"
_MARKER = re.compile(rf"CEF:[ \t]*+{_DIGITS}")
_MARKER_ANY_CASE = re.compile(rf"CEF:[ \t]*+{_DIGITS}", re.IGNORECASE)
_MARKER_LOST = re.compile(_DIGITS)
_MARKER_ODD = re.compile(r"CEF:([^|\r\n]{0,64})\|")
_PAIR = re.compile(r"(?:\A|(?<=[ \t\r\n]))\w[\w.\-\[\]]*+=")
_QUOTES: Final = "\"'"
_NO_HEADER: Final = dict.fromkeys(HEADER)
_PIPES: Final = 7
_MAX_FRONT: Final = 256
_STAMP = re.compile(
    r"(?:<[0-9]{1,3}>)?(?:1 )?("
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2}))(?= )"
)
_TIMESTAMP: Final = Envelope._fields.index("timestamp")
_MESSAGE: Final = Envelope._fields.index("message")
_ANY_STAMP: Final = ("Jan  1 00:00:00", "2000-01-01T00:00:00Z")
_NO_FLAGS: Final[frozenset[str]] = frozenset()
_Start = tuple[str, str, str]
"""The text before `CEF:`, the version, and the text after the pipe that follows it."""


def parse(
    frame: str | bytes,
    *,
    escapes: bool = True,
    quotes: bool = False,
    encoding: str | None = None,
) -> CefRecord:
    """Read one frame, with or without a syslog header; never raises.

    `escapes=False` is for a source that escapes nothing (Windows paths in the raw), `quotes=True`
    for one that quotes values with `key=` inside; `encoding` reads octets that are no UTF-8.
    """
    if core and escapes and not quotes and (record := core.record(frame)):
        return record  # type: ignore[no-any-return]
    flags: set[str] = set()
    text = frame if isinstance(frame, str) else _decode(frame, encoding, flags)
    text = text.lstrip("\ufeff \t\r\n").rstrip(WHITE)
    if not (opened := _open(text)):
        text = _unquoted(text, flags)
        envelope = parse_envelope(text)
        opened = envelope, _find(envelope, text, flags)
    envelope, start = opened
    flags |= envelope.flags
    if start is None:
        flags.add("not_cef")
        return CefRecord(frame, envelope, "", {**_NO_HEADER}, {}, [], "", frozenset(flags))
    prefix, version, rest = start
    fields, extension = _split_header(rest, flags)
    pairs, duplicates, leftover, found = read_extension(extension, escapes=escapes, quotes=quotes)
    header: dict[str, str | None] = dict(zip(HEADER, (version, *fields), strict=False))
    if len(fields) < 6:
        header = _NO_HEADER | header
    elif band(fields[5]) is None:
        flags.add("severity_unknown")
    all_flags = frozenset(flags | found) if flags or found else _NO_FLAGS
    return CefRecord(frame, envelope, prefix, header, pairs, duplicates, leftover, all_flags)


def _open(text: str) -> tuple[Envelope, _Start | None] | None:
    """Envelope and start of a record right behind a syslog header that is read to its end.

    What `parse_envelope` and `_find` would say, only sooner: apart from its time, a sender's header
    is always the same.
    """
    at = text.find("CEF:")
    if not 0 <= at <= _MAX_FRONT or text[at + 4 : at + 6] not in ("0|", "1|"):
        return None
    if text.startswith("CEF:", at + 6):
        return None
    start = "", text[at + 4], text[at + 6 :]
    if not at:
        return Envelope(None, None, None, None, None, None, None, None, None, text), start
    fields = _front(text[:at])
    if fields is None:
        return None
    fields[_MESSAGE] = text[at:]
    return Envelope._make(fields), start


def _front(text: str) -> list[Any] | None:
    """The fields of the envelope that begins with this text, if the text is the whole of it."""
    time = _STAMP.match(text)
    if not time:
        known = _known_front(text)
        return [*known] if known else None
    stamp = _ANY_STAMP[time[1][0].isdigit()]
    known = _known_front(text[: time.start(1)] + stamp + text[time.end(1) :])
    if known is None:
        return None
    fields: list[Any] = [*known]
    if known.timestamp:
        fields[_TIMESTAMP] = time[1] + known.timestamp[len(stamp) :]
    return fields


@lru_cache(maxsize=1024)
def _known_front(text: str) -> Envelope | None:
    envelope = parse_envelope(text + "CEF:0|")
    return envelope if envelope.message == "CEF:0|" else None


def _decode(frame: bytes, encoding: str | None, flags: set[str]) -> str:
    try:
        return frame.decode()
    except UnicodeDecodeError:
        flags.add("invalid_utf8")
    try:
        return frame.decode(encoding or "utf-8", "replace")
    except LookupError:
        return frame.decode("utf-8", "replace")


def _unquoted(text: str, flags: set[str]) -> str:
    """Take off a pair of quotes around everything, if there is a record in them."""
    is_quoted = len(text) > 1 and text[0] in _QUOTES and text[0] == text[-1]
    if is_quoted and _MARKER_ANY_CASE.search(text):
        flags.add("quoted_record")
        return text[1:-1].strip(WHITE)
    return text


def _find(envelope: Envelope, text: str, flags: set[str]) -> _Start | None:
    """The start of the record: in the message, else anywhere, else where the marker is damaged."""
    message = envelope.message
    for place in (message, text):
        if marker := _MARKER.search(place):
            before, rest = place[: marker.start()].rstrip(WHITE), place[marker.end() :]
            if before and before[-1] in _QUOTES and before[-1] == rest[-1:]:
                flags.add("quoted_record")
                before, rest = before[:-1].rstrip(WHITE), rest[:-1]
            return _last_of_run(before, marker[1], rest, flags)
    return _find_damaged(envelope, message.lstrip(_QUOTES), flags)


def _last_of_run(before: str, version: str, rest: str, flags: set[str]) -> _Start:
    """Of `CEF:CEF:0|` or `CEF:0|CEF:0|` the last marker counts."""
    start = 0
    while following := _MARKER.match(rest, start):
        version, start = following[1], following.end()
    end = len(before)
    while before.endswith("CEF:", 0, end):
        end -= 4
        while end and before[end - 1] in " \t":
            end -= 1
    if start or end < len(before):
        flags.add("repeated_marker")
    if end:
        flags.add("unread_prefix")
    return before[:end], version, rest[start:]


def _find_damaged(envelope: Envelope, message: str, flags: set[str]) -> _Start | None:
    if marker := _MARKER_ANY_CASE.match(message):
        flags.add("marker_case")
    elif message.count("|") < _PIPES:
        return None
    elif envelope.was_read and (marker := _MARKER_LOST.match(message)):
        flags.add("marker_missing")
    elif marker := _MARKER_ODD.match(message):
        flags.add("version_unreadable")
    return ("", marker[1].strip(), message[marker.end() :]) if marker else None


def _split_header(rest: str, flags: set[str]) -> tuple[list[str], str]:
    """The fields after the version, six when all are there, and the text of the extension."""
    parts = rest.split("|", 6)
    escaped = "\\" in rest and "\\" in "".join(parts[:6])
    if escaped:
        parts = _split_escaped(rest)
    if len(parts) == 7:
        extension = parts.pop()
    else:
        parts, extension = _salvage(parts, flags)
    if escaped:
        parts = [_unescape(part, flags) if "\\" in part else part for part in parts]
    return parts, extension


def _split_escaped(rest: str) -> list[str]:
    """As `split("|", 6)`, but backslashes go in pairs, and a pipe that ends a pair is text."""
    parts: list[str] = []
    start = seen = 0
    while len(parts) < 6 and (end := rest.find("|", seen)) >= 0:
        text = rest[seen:end]
        seen = end + 1
        if (len(text) - len(text.rstrip("\\"))) % 2 == 0:
            parts.append(rest[start:end])
            start = seen
    return [*parts, rest[start:]]


def _unescape(field: str, flags: set[str]) -> str:
    r"""One pass: `\\` and `\|`; before any other character a backslash stays."""
    parts = [part.replace("\\|", "|") for part in field.split("\\\\")]
    text = "\\".join(parts)
    if text.count("\\") >= len(parts):
        flags.add("unknown_escape")
    return text


def _salvage(parts: list[str], flags: set[str]) -> tuple[list[str], str]:
    """Fields and extension of a header that ends too early; the last part may be either."""
    *fields, last = parts
    if len(parts) == 6 and last and "=" not in last:
        flags.add("final_pipe_missing")
        return parts, ""
    flags.add("header_incomplete")
    pair = _PAIR.search(last)
    field, extension = (last[: pair.start()], last[pair.start() :]) if pair else (last, "")
    return ([*fields, field.rstrip(WHITE)] if field.strip(WHITE) else fields), extension


_NUMBERED: Final = {"long": 1, "double": 2, "time": 3}
_ODD: Final = 4


def _kind_of(key: str) -> int:
    """What the values of a key must be for the compiled parser to read them."""
    if meaning := lookup(key):
        return _NUMBERED.get(meaning.kind, 0)
    return 0 if key.isascii() and key.isalnum() else _ODD


if core:
    _bare: Final = [*Envelope(None, None, None, None, None, None, None, None, None, "")]
    core.set_up_records(CefRecord, Envelope, _front, _kind_of, _bare, _MESSAGE, HEADER)
