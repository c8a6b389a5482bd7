"""The syslog header of a frame: RFC 5424, RFC 3164, and what devices make of them."""

from __future__ import annotations

import re
from typing import NamedTuple

BLANKS = "\ufeff \t\r\n"


class Envelope(NamedTuple):
    """A syslog header and the message that follows it; what is absent or nil is None.

    `format` is `rfc5424`, `rfc3164` (any header that begins with a time) or empty. `flags` has
    `octet_count` when the frame still had its octet count in front.
    """

    priority: int | None
    facility: int | None
    severity: int | None
    timestamp: str | None
    host: str | None
    app_name: str | None
    proc_id: str | None
    msg_id: str | None
    structured_data: str | None
    message: str
    format: str = ""
    flags: frozenset[str] = frozenset()

    @property
    def was_read(self) -> bool:
        """Whether there is a syslog header at all."""
        return self.priority is not None or bool(self.format)


_COUNT = re.compile(r"[1-9][0-9]{0,8} (?=<[0-9]|CEF:|1 (?:[0-9]{4}-|- ))")
_PRI = re.compile(r"<([0-9]{1,3})>[ \t]*+")
_ISO = r"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?"
_WORD = r"(?!(?i:CEF:))([^\s|]++)(?:[ ]++|\Z)"
# RFC 5424 section 6: VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID; broken senders stop early.
_RFC5424 = re.compile(
    rf"[1-9][0-9]{{0,2}} ++(-|{_ISO}[^\s|]*+)(?: ++|\Z)"
    rf"(?:{_WORD}(?:{_WORD}(?:{_WORD}(?:{_WORD})?)?)?)?"
)
_NAME = r'[^\s="\]]++'
_STRUCTURED_DATA = re.compile(
    rf'(?:-|(?:\[{_NAME}(?: ++{_NAME}="(?:[^"\\]|\\.)*+")*+ *+\])++)(?:[ ]++|\Z)', re.DOTALL
)
_TIME = re.compile(
    r"""(
        (?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?[ ]++)?
        (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ ]++[0-9]{1,2}(?:[ ]++[0-9]{4})?,?[ ]++
        [0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]++)?(?:[ ]++[0-9]{4}(?=[ ]))?
      | """
    + _ISO
    + r"""
      | [0-9]{10}(?:[0-9]{3})?(?:\.[0-9]++)?(?=[ ])
    )
    (?P<zone>(?:
        [ ]?(?:Z|[+-][0-9]{2}:?[0-9]{2})
      | [ ]++(?:UTC|GMT|[A-Z]{1,3}[SD]T|CES?T|EES?T|MSK)(?=[ :])
    )?+)
    (?::?[ \t]++|:?\Z)""",
    re.VERBOSE,
)
_PROGRAM = r'(?!(?i:CEF:))([^\s:|\[\]"=]{1,128})(?:\[([^\]\s|]{0,128})\])?'
_TAG = re.compile(_PROGRAM + r"(?::[ \t]++|:\Z|:(?=CEF:))")
_TAG_BEFORE_CEF = re.compile(_PROGRAM + r"[ \t]++(?=CEF:)")
_MARKER = re.compile(r"CEF:[ \t]*+(?:[0-9]|CEF:)", re.IGNORECASE)
_IPV6 = re.compile(r"[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


def parse_envelope(frame: str | bytes) -> Envelope:
    """Read the syslog header of a frame and say where the message begins; never raises.

    Octets that are no UTF-8 are replaced. `CEF:` and what follows is never taken for a host or a
    tag. What is not understood stays in `message`, from its first character on.
    """
    text = frame.decode("utf-8", "replace") if isinstance(frame, bytes) else frame
    text = text.lstrip(BLANKS)
    flags: frozenset[str] = frozenset()
    if count := _COUNT.match(text):
        text, flags = text[count.end() :], frozenset({"octet_count"})
    priority, rest = _priority(text)
    if header := _RFC5424.match(rest):
        fields = _read_rfc5424(header, rest)
    else:
        fields = _read_rfc3164(rest, priority is not None)
    facility = severity = None
    if priority is not None:
        facility, severity = divmod(priority, 8)
    return Envelope(priority, facility, severity, *fields, flags=flags)


Fields = tuple[
    str | None, str | None, str | None, str | None, str | None, str | None, str, str
]  # timestamp, host, app_name, proc_id, msg_id, structured_data, message, format


def _priority(text: str) -> tuple[int | None, str]:
    if (match := _PRI.match(text)) and int(match[1]) <= 191:
        return int(match[1]), text[match.end() :]
    return None, text


def _read_rfc5424(header: re.Match[str], text: str) -> Fields:
    timestamp, host, app_name, proc_id, msg_id = (
        None if value == "-" else value for value in header.groups()
    )
    message, data = text[header.end() :], None
    if found := _STRUCTURED_DATA.match(message):
        data = found[0].rstrip(" ")
        message = message[found.end() :]
    data = None if data == "-" else data
    message = message.lstrip(BLANKS)
    return timestamp, host, app_name, proc_id, msg_id, data, message, "rfc5424"


def _read_rfc3164(text: str, has_priority: bool) -> Fields:
    timestamp = host = app_name = proc_id = None
    rest = text
    if time := _TIME.match(text):
        timestamp, rest = time[1] + time["zone"], text[time.end() :]
        host, rest = _host(rest)
    elif not has_priority:
        return None, None, None, None, None, None, text, ""
    if tag := _TAG.match(rest) or (_TAG_BEFORE_CEF.match(rest) if host else None):
        app_name, proc_id, rest = None if tag[1] == "-" else tag[1], tag[2], rest[tag.end() :]
    rest = rest.lstrip(BLANKS)
    return timestamp, host, app_name, proc_id, None, None, rest, "rfc3164" if timestamp else ""


def _host(text: str) -> tuple[str | None, str]:
    word, _, rest = text.partition(" ")
    if not word or "|" in word or word[0] in "<[" or _MARKER.match(text):
        return None, text
    if word.endswith(":") and not _IPV6.fullmatch(word):
        return None, text
    return (None if word == "-" else word), rest.lstrip(" \t")
