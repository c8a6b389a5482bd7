"""From one frame to one record."""

from __future__ import annotations

import re
from typing import Final

from bridge.cef.extension import WHITE, read_extension
from bridge.cef.record import HEADER, CefRecord, band
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
    flags: set[str] = set()
    text = frame if isinstance(frame, str) else _decode(frame, encoding, flags)
    text = text.lstrip("\ufeff \t\r\n").rstrip(WHITE)
    if text.startswith(("CEF:0|", "CEF:1|")) and not text.startswith("CEF:", 6):
        # The common start: what `_find` would return, only sooner.
        envelope = Envelope(None, None, None, None, None, None, None, None, None, text)
        prefix, version, rest = "", text[4], text[6:]
    else:
        text = _unquoted(text, flags)
        envelope = parse_envelope(text)
        flags |= envelope.flags
        if not (start := _find(envelope, text, flags)):
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
