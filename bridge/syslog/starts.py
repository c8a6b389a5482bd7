"""How the start of a record looks on the wire: what the cutting of frames relies on."""

from __future__ import annotations

import re

_DAY_OR_MONTH = b"Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_TIME = rb"(?:" + _DAY_OR_MONTH + rb"),? +[0-9JFMASOND]"

COUNT = re.compile(rb"([1-9][0-9]{0,8}) (?=<[0-9]|CEF:|1 (?:[0-9]{4}-|- ))")
"""The octet count of RFC 6587 section 3.4.1. Longer digit runs are epochs or nonsense."""

COUNT_SO_FAR = re.compile(rb"[1-9][0-9]{0,8}(?:| (?:<?|C|CE|CEF|1(?: (?:[0-9]{0,4}|-))?))\Z")
"""What can still become an octet count when more octets come."""

RECORD = re.compile(
    rb"(?:\xef\xbb\xbf)?[ \t]*+[\"']?(?:<[0-9]{1,3}>|[Cc][Ee][Ff]:|[1-9][0-9]{0,2} [0-9-]"
    rb"|[0-9]{4}[-/][0-9]{2}[-/]|[0-9]{10}|[1-9][0-9]{0,8} (?:<[0-9]|CEF:|1 [0-9-])|"
    + _TIME
    + rb")"
)
"""A record, with or without a syslog header or an octet count."""

AFTER_COUNT = re.compile(
    rb"<(?:\Z|[0-9]{1,3}(?:>|\Z))|C(?:\Z|E(?:\Z|F(?:\Z|:)))|[1-9][0-9]{0,8}(?:\Z| (?:\Z|[<C1]))"
    rb"|[0-9]{4}-[0-9]{2}-|" + _TIME + rb"|[A-Z][a-z]{0,2}\Z|[A-Z][a-z]{2} +\Z|\xef\xbb\xbf|\xef\Z"
)
"""What may follow a counted frame directly; also the beginning of such at the end of the octets."""

NEXT_LINE = re.compile(
    rb"[\n\0](?=[\"']?(?:<[0-9]{1,3}>|CEF:[0-9]|[1-9][0-9]{0,8} <[0-9]{1,3}>"
    rb"|(?:" + _TIME + rb"|[0-9]{4}-[0-9]{2}-)[^\n|]{0,256}CEF:[ \t]{0,8}[0-9]))"
)
"""A delimiter with the sure start of a record behind it."""

NEXT_COUNT = re.compile(rb"(?<![0-9])[1-9][0-9]{0,8} (?=<[0-9]{1,3}>|CEF:[0-9])")
"""The sure start of the next counted frame."""
