"""What senders of CEF do otherwise than the guide asks for, in words for people."""

from __future__ import annotations

from typing import Final

from bridge.inputs import Deviation

_HARMLESS: Final = "Nothing is lost by it."
_KEPT: Final = "The text is kept as it came; the event has everything else."
_TIMEZONE: Final = (
    "Times that say no zone, or one that nobody can be sure of, are taken as UTC or not at all. "
    "Set the input's `timezone` to what the sender's clock shows."
)

DEVIATIONS: Final[dict[str, Deviation]] = {
    "not_cef": Deviation(
        "sends what is no CEF record",
        "Such an event carries the line in `message` and `full_message` and the sender in "
        "`bridge_sender`. Point only CEF at this input.",
    ),
    "unread_prefix": Deviation(
        "writes text that is no syslog header before CEF:",
        "The text is in `syslog_prefix`. " + _HARMLESS,
    ),
    "marker_case": Deviation("does not write CEF: in capitals", _HARMLESS),
    "marker_missing": Deviation(
        "sends records without CEF:",
        "A syslog relay took it for a tag. " + _HARMLESS + " Relay the line as it is (in rsyslog: "
        "a template with %rawmsg%).",
    ),
    "repeated_marker": Deviation(
        "writes CEF: more than once in a record",
        "The last one counts. Usually two records came in one line.",
    ),
    "version_unreadable": Deviation("writes a CEF version that is no number", _KEPT),
    "quoted_record": Deviation("puts records in quotes", "They are taken off. " + _HARMLESS),
    "invalid_utf8": Deviation(
        "writes what is not UTF-8",
        "What cannot be read becomes U+FFFD, and the octets are in `bridge_raw_base64`. Set "
        "`fallback_encoding` to what the sender writes, for instance latin-1.",
    ),
    "header_incomplete": Deviation(
        "writes fewer than seven header fields",
        "Those that are missing are absent in the event; the pairs are read as usual.",
    ),
    "final_pipe_missing": Deviation("writes no | after the severity", _HARMLESS),
    "severity_unknown": Deviation(
        "writes a severity that is neither 0-10 nor a word of the standard",
        "The text is in `cef_severity`; `level` is that of the syslog header, or else 5.",
    ),
    "unknown_escape": Deviation(
        "escapes what needs no escape",
        "Both characters are kept. A sender that escapes nothing and writes Windows paths as they "
        "are needs `escapes: false`.",
    ),
    "unescaped_equals": Deviation(
        "writes unescaped equals",
        "Where a key begins had to be guessed from blanks and known keys. A sender that puts such "
        "values in quotes needs `quotes: true`; else the sender should write \\=.",
    ),
    "raw_line_break": Deviation(
        "writes line breaks inside of values",
        "With `join_lines: true` such records are put together again.",
    ),
    "separator_not_blank": Deviation("separates pairs by tabs or line breaks", _HARMLESS),
    "blank_before_equals": Deviation("writes a blank before =", _HARMLESS),
    "key_not_alphanumeric": Deviation(
        "writes keys with other characters than letters and digits",
        "Field names get underscores in their place. " + _HARMLESS,
    ),
    "duplicate_key": Deviation(
        "writes a key more than once",
        "The last value counts; the earlier ones are in `cef_duplicates`.",
    ),
    "leftover": Deviation(
        "writes text that belongs to no key", "It is in `bridge_leftover`. " + _HARMLESS
    ),
    "number_unreadable": Deviation(
        "writes text where a number belongs",
        "It is in a field of the same name with `_text` behind it.",
    ),
    "boolean_unreadable": Deviation(
        "writes something else where true or false belongs",
        "It is in a field of the same name with `_text` behind it.",
    ),
    "unnamed_pairs": Deviation(
        "writes more different keys than the bridge makes fields of",
        "An index bears a limited number of fields, so the bridge creates at most 700 names of 32 "
        "vendors; further pairs are kept together in `cef_unnamed_pairs`.",
    ),
    "time_unreadable": Deviation(
        "writes times that cannot be read", _KEPT + " Without any other time, arrival counts."
    ),
    "epoch_not_milliseconds": Deviation(
        "writes times in seconds, micro- or nanoseconds",
        "They are told apart by their number of digits. " + _HARMLESS,
    ),
    "zone_ambiguous": Deviation("writes a time zone that has several meanings", _TIMEZONE),
    "zone_unknown": Deviation("writes a time zone that nobody knows", _TIMEZONE),
    "octet_count": Deviation(
        "sends an octet count inside of a frame", "It is taken off. " + _HARMLESS
    ),
    "wrong_count": Deviation(
        "sends wrong octet counts",
        "The bridge finds the records by their line ends. Counts of characters in place of octets "
        "are the usual reason.",
    ),
    "truncated_frame": Deviation(
        "closes the connection in the middle of a record", "What had come is one event."
    ),
    "over_long": Deviation(
        "sends records longer than max_frame_bytes",
        "They come as several events, nothing is discarded. Raise the input's `max_frame_bytes`.",
    ),
    "continuation": Deviation(
        "sends lines that begin like no record",
        "Such a line is an event of its own. Probably it is the rest of the line before it, which "
        "had a line break in a value: with `join_lines: true` they are put together again.",
    ),
    "unread": Deviation(
        "sent records on which the bridge itself failed",
        "The line is in `full_message`, the log of the bridge says why: please report it.",
    ),
}
