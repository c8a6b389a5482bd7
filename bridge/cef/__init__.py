"""CEF text to records: nothing is refused, nothing is lost, nothing is invented. Pure.

>>> record = parse("CEF:0|Example|Gate|1.0|7|Login|5|src=192.0.2.7 cs1=blue cs1Label=Zone")
>>> record.header["name"], record.labelled()["Zone"]
('Login', 'blue')

`parse` never raises: what cannot be read is kept beside what can, and a flag says so. One pass from
left to right, linear in the length of the frame. Names, prefixes and types of the fields that the
bridge emits are not decided here.

Flags, by name; besides them those of `bridge.times` and `octet_count` of `bridge.syslog`:

==================== ==============================================================================
not_cef              No CEF record was found; everything is in the envelope's message.
unread_prefix        Text that is no syslog header stands before `CEF:`; it is in `prefix`.
marker_case          The marker is not written `CEF:` in capitals.
marker_missing       `CEF:` was taken for a syslog tag on the way; the record begins `0|`.
repeated_marker      `CEF:` is there more than once; the last one counts.
version_unreadable   The version is no number.
quoted_record        The whole record is in quotes; they were taken off.
invalid_utf8         Octets are no UTF-8; they were replaced, `frame` has them.
header_incomplete    Fewer than seven header fields; the missing ones are None.
final_pipe_missing   No `|` after the severity.
severity_unknown     The severity is neither 0-10 nor a word of the standard.
unknown_escape       A backslash before a character that needs none; both are kept.
unescaped_equals     A value has `=` without a backslash.
raw_line_break       A value has a line break that is not written `\\n` or `\\r`.
separator_not_blank  Pairs are separated by a tab or a line break.
blank_before_equals  A blank between the first key and its `=`.
key_not_alphanumeric A key has other characters than letters and digits.
duplicate_key        A key came more than once; the last one counts, `duplicates` has the others.
leftover             Text of the extension belongs to no pair; it is in `leftover`.
number_unreadable    A value should be a number by the dictionary and is none; it stays text.
==================== ==============================================================================
"""

from bridge.cef.dictionary import DICTIONARY, FAMILIES, Custom, Key, Kind, custom, lookup
from bridge.cef.parser import parse
from bridge.cef.record import CefRecord, EventTime

__all__ = [
    "DICTIONARY",
    "FAMILIES",
    "CefRecord",
    "Custom",
    "EventTime",
    "Key",
    "Kind",
    "custom",
    "lookup",
    "parse",
]
