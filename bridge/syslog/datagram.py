"""Frames out of one datagram: one as a rule, several when a sender packs them."""

from __future__ import annotations

import re

from bridge.syslog.starts import COUNT, NEXT_LINE

_ENDS = b" \t\r\n\0"


def split_datagram(data: bytes) -> list[bytes]:
    """The frames of a datagram, without the delimiters around them; empty when it holds nothing.

    A line feed or NUL inside is data unless what follows it begins a record. Octet counts that
    fill the datagram exactly are taken off; any other count stays for `parse_envelope`.
    """
    data = data.strip(_ENDS)
    if not data:
        return []
    if COUNT.match(data) and (counted := _counted(data)):
        return counted
    return [part for part in (part.strip(_ENDS) for part in _lines(data)) if part]


def _lines(data: bytes) -> list[bytes]:
    cuts = [match.end() for match in re.finditer(NEXT_LINE, data)]
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def _counted(data: bytes) -> list[bytes]:
    frames, start = [], 0
    while start < len(data):
        count = COUNT.match(data, start)
        if not count:
            return []
        start = count.end() + int(count[1])
        frames.append(data[count.end() : start])
        while data[start : start + 1] in (b"\r", b"\n", b"\0"):
            start += 1
    # Delimiters at the end of the datagram were stripped; the last count may have included them.
    return frames if start - len(data) <= 2 else []
