"""From one frame to one record."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from bridge.cef.extension import WHITE, read_extension
from bridge.cef.record import HEADER, CefRecord, band
from bridge.syslog import Envelope, parse_envelope

_DIGITS = r"([0-9]++(?:\.[0-9]++)?+)[ \t]*+\|"
_MARKER = re.compile(rf"CEF:[ \t]*+{_DIGITS}")
_MARKER_ANY_CASE = re.compile(rf"CEF:[ \t]*+{_DIGITS}", re.IGNORECASE)
_MARKER_LOST = re.compile(_DIGITS)
_MARKER_ODD = re.compile(r"CEF:([^|\r\n]{0,64})\|")
_FIELD = re.compile(r"((?:[^\\|]++|\\.|\\\Z)*+)(\||\Z)", re.DOTALL)
_PAIR = re.compile(r"(?:\A|(?<=[ \t\r\n]))\w[\w.\-\[\]]*+=")
_ESCAPED = re.compile(r"\\([\\|])")
_QUOTES: Final = "\"'"
_NO_HEADER: Final = dict.fromkeys(HEADER)
_PIPES: Final = 7


class _Start(NamedTuple):
    """Where a record begins: the text before it, its version, the text after the first pipe."""

    prefix: str
    version: str
    rest: str
    flag: str = ""


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
    text, flags = _text(frame, encoding)
    text = text.lstrip("\ufeff \t\r\n").rstrip(WHITE)
    if text[:1] in _QUOTES and len(text) > 1 and text[-1] == text[0]:
        text = text[1:-1].strip(WHITE)
        flags.add("quoted_record")
    if marker := _MARKER.match(text):
        envelope = Envelope(None, None, None, None, None, None, None, None, None, text)
        start: _Start | None = _Start("", marker[1], text[marker.end() :])
    else:
        envelope = parse_envelope(text)
        start = _find(envelope, text)
        flags |= envelope.flags
    if start is None:
        flags.add("not_cef")
        return CefRecord(frame, envelope, "", dict(_NO_HEADER), {}, [], "", frozenset(flags))
    return _record(frame, envelope, start, flags, escapes, quotes)


def _record(
    frame: str | bytes,
    envelope: Envelope,
    start: _Start,
    flags: set[str],
    escapes: bool,
    quotes: bool,
) -> CefRecord:
    prefix, version, rest, flag = _unquoted(start, flags)
    if flag:
        flags.add(flag)
    if prefix:
        flags.add("unread_prefix")
    fields, extension_text = _split_header(rest, flags)
    header: dict[str, str | None] = dict(zip(HEADER, (version, *fields), strict=False))
    if len(fields) < 6:
        header = _NO_HEADER | header
    extension = read_extension(extension_text, escapes=escapes, quotes=quotes)
    if header["severity"] is not None and band(header["severity"]) is None:
        flags.add("severity_unknown")
    return CefRecord(
        frame,
        envelope,
        prefix,
        header,
        extension.pairs,
        extension.duplicates,
        extension.leftover,
        frozenset(flags | extension.flags),
    )


def _text(frame: str | bytes, encoding: str | None) -> tuple[str, set[str]]:
    if isinstance(frame, str):
        return frame, set()
    try:
        return frame.decode(), set()
    except UnicodeDecodeError:
        return frame.decode(encoding or "utf-8", "replace"), {"invalid_utf8"}


def _find(envelope: Envelope, text: str) -> _Start | None:
    """The start of the record: in the message, else anywhere, else where the marker is damaged."""
    message = envelope.message
    for place in (message, text):
        if marker := _MARKER.search(place):
            before, rest = place[: marker.start()].strip(WHITE), place[marker.end() :]
            while following := _MARKER.match(rest):
                marker, rest = following, rest[following.end() :]
            flag = "repeated_marker" if before.endswith("CEF:") else ""
            return _Start(before, marker[1], rest, flag)
    return _find_damaged(envelope, message.lstrip(_QUOTES))


def _find_damaged(envelope: Envelope, message: str) -> _Start | None:
    if marker := _MARKER_ANY_CASE.match(message):
        return _Start("", marker[1], message[marker.end() :], "marker_case")
    if message.count("|") < _PIPES:
        return None
    was_read = envelope.timestamp or envelope.host or envelope.app_name
    if was_read and (marker := _MARKER_LOST.match(message)):
        return _Start("", marker[1], message[marker.end() :], "marker_missing")
    if marker := _MARKER_ODD.match(message):
        return _Start("", marker[1].strip(), message[marker.end() :], "version_unreadable")
    return None


def _unquoted(start: _Start, flags: set[str]) -> _Start:
    """Take off a pair of quotes that encloses the record behind its syslog header."""
    prefix, _, rest, _ = start
    quote = prefix[-1:]
    if quote and quote in _QUOTES and rest.endswith(quote):
        flags.add("quoted_record")
        return start._replace(prefix=prefix[:-1].rstrip(WHITE), rest=rest[:-1])
    return start


def _split_header(rest: str, flags: set[str]) -> tuple[list[str], str]:
    """The fields after the version, six when all are there, and the text of the extension."""
    parts = rest.split("|", 6)
    escaped = "\\" in rest and any("\\" in part for part in parts[:6])
    if escaped:
        parts = _split_escaped(rest)
    if len(parts) == 7:
        fields, extension = parts[:6], parts[6]
    else:
        fields, extension = _salvage(parts, flags)
    if escaped:
        if any("\\" in _ESCAPED.sub("", field) for field in fields):
            flags.add("unknown_escape")
        fields = [_ESCAPED.sub(r"\1", field) for field in fields]
    return fields, extension


def _split_escaped(rest: str) -> list[str]:
    """As `split("|", 6)`, but a pipe behind a backslash is none; backslashes go in pairs."""
    parts: list[str] = []
    start = 0
    while len(parts) < 6:
        if not (field := _FIELD.match(rest, start)):
            break
        parts.append(field[1])
        start = field.end()
        if not field[2]:
            return parts
    return [*parts, rest[start:]]


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
