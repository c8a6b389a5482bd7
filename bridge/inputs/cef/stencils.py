"""Stencils: how the compiled press writes the documents of one shape of records. Pure.

A shape is what decides about the names of the fields: the vendor, the keys and the labels in their
order, and whether there is a syslog header. The members of the document and their order come from
an example that went the usual way; here each gets the part of the frame that its value is made of.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

import orjson

from bridge.cef import CefRecord
from bridge.cef.plans import plan_for
from bridge.inputs import Member
from bridge.inputs.cef import summary
from bridge.inputs.cef.keys import ENVELOPE_KINDS, key_of
from bridge.inputs.cef.plan import Plan
from bridge.native import core

EXAMPLES: Final = {
    "text": "x",
    "long": "1",
    "double": "1.5",
    "boolean": "true",
    "time": "1700000000000",
}
"""Kind → a value that is neither blank nor odd."""
CONSTANT_FIELDS: Final = frozenset({"", "event_type", "bridge_timestamp_from", "bridge_input"})
HEADER_FIELDS: Final = (
    "cef_version",
    "cef_device_vendor",
    "cef_device_product",
    "cef_device_version",
    "cef_device_event_class_id",
    "cef_name",
)
"""In the order in which the press numbers the parts of the header."""

Part = tuple[int, int]
"""What a value is made of: kind and source, as the press has them."""
Written = tuple[bytes, int, int]


class Lesson(NamedTuple):
    """What a stencil is made from: a record, what becomes of its pairs, the document's members.

    `time_key` is the pair that gives the event its time, or empty; `passed_over` are those that
    would come first, but are blank. The first of `text_keys` with a value ends the human line.
    `uid` is what `event_uid` begins with.
    """

    record: CefRecord
    plan: Plan
    members: Sequence[Member]
    time_key: str
    passed_over: Sequence[str]
    text_keys: Sequence[str]
    uid: str


def time_keys(record: CefRecord, source: str) -> tuple[str, list[str]]:
    """The pair that gives the time by its source (`rt`), and those that were passed over."""
    passed_over: list[str] = []
    for name, key in plan_for(tuple(record.extensions)).event_times:
        if name == source:
            return key, passed_over
        passed_over.append(key)
    return "", passed_over


def example(record: CefRecord, plan: Plan, blank: Collection[str]) -> CefRecord:
    """The record with a value in every field but the `blank` ones; labels stay."""
    kinds = dict.fromkeys((key for key, _ in plan.texts), "text")
    kinds |= {step.key: step.kind for step in plan.others if step.key not in blank}
    pairs = {
        key: value if key not in kinds or key_of(key).label_of else EXAMPLES[kinds[key]]
        for key, value in record.extensions.items()
    }
    kept = ("version", "device_vendor", "severity")
    header = {name: value if name in kept else "x" for name, value in record.header.items()}
    return record._replace(extensions=pairs, header=header)


def stencil(lesson: Lesson) -> Any:
    """What the press takes; None when it cannot write such documents."""
    keys = list(lesson.record.extensions)
    members = _members(lesson)
    texts = [keys.index(key) for key in lesson.text_keys if key in keys]
    if not members or len(keys) > core.MAX_PAIRS or len(members) > core.MAX_MEMBERS:
        return None
    return core.stencil(tuple(members), tuple(_roles(keys)), tuple(texts[: core.MAX_TEXTS]))


def _members(lesson: Lesson) -> list[Written]:
    """Literal, kind and source of each member; empty when a field is of unknown origin."""
    parts = _parts(lesson)
    written: list[Written] = []
    for member in lesson.members:
        literal = b"%b%b:" % (b"," if written else b"{", orjson.dumps(member.key))
        if member.field in CONSTANT_FIELDS:
            written.append((literal + member.value, core.CONSTANT, core.NO_SOURCE))
            continue
        if member.field not in parts:
            return []
        for kind, source in parts[member.field]:
            if kind in (core.HEAD_MEMBERS, core.SEVERITY_MEMBERS):
                written.append((b"", kind, source))
            elif kind == core.NUMBER:
                written.append((literal + b'"' + lesson.uid.encode(), kind, source))
            else:
                written.append((literal, kind if member.is_known else core.BLANK, source))
    return written + _checks(lesson) if written else []


def _checks(lesson: Lesson) -> list[Written]:
    """What the dictionary demands of values beyond what their fields do, or there is a flag."""
    keys = list(lesson.record.extensions)
    kinds = {step.key: step.kind for step in lesson.plan.others}
    known = plan_for(tuple(keys))
    numbers = [key for key, kind in known.numbers if kinds.get(key) not in ("long", kind)]
    checks = [(b"", core.BLANK, keys.index(key)) for key in lesson.passed_over]
    checks += [(b"", core.DIGITS, keys.index(key)) for key in numbers]
    clocks = [key for key in known.times if kinds.get(key) != "time"]
    return checks + [(b"", core.CLOCK, keys.index(key)) for key in clocks]


def _parts(lesson: Lesson) -> dict[str, list[Part]]:
    """Field of the event → what it is made of; empty for what others have brought with them."""
    keys = list(lesson.record.extensions)
    kinds = {
        "text": core.TEXT,
        "long": core.LONG,
        "double": core.DOUBLE,
        "boolean": core.BOOLEAN,
        "time": core.TIME,
    }
    none = core.NO_SOURCE
    host = keys.index("dvchost") if "dvchost" in keys else none
    time = keys.index(lesson.time_key) if lesson.time_key else none
    parts: dict[str, list[Part]] = {f"syslog_{name}": [] for name in ENVELOPE_KINDS}
    parts |= {
        "host": [(core.HOST, host)],
        "message": [(core.LINE, none)],
        "full_message": [(core.FRAME, none)],
        "timestamp": [(core.EPOCH, time)],
        "level": [(core.LEVEL, none)],
        "cef_severity": [(core.SEVERITY_MEMBERS, none)],
        "cef_severity_text": [(core.SEVERITY_MEMBERS, none)],
        "syslog_timestamp": [(core.HEAD_MEMBERS, none), (core.MOMENT_MEMBERS, none)],
        "syslog_timestamp_text": [],
        "bridge_sender": [(core.SENDER, none)],
        "bridge_received_at": [(core.RECEIVED, none)],
        "event_uid": [(core.NUMBER, none)],
    }
    for index, field in enumerate(HEADER_FIELDS):
        parts[field] = [(core.TEXT, core.FROM_VERSION + index)]
    parts |= {name: [(core.TEXT, keys.index(key))] for key, name in lesson.plan.texts}
    parts |= {s.field: [(kinds[s.kind], keys.index(s.key))] for s in lesson.plan.others}
    return parts


def _roles(keys: list[str]) -> list[tuple[str, int, int, int]]:
    """Those roles of the human line that these keys can fill."""
    place = {key: index for index, key in enumerate(keys)}
    roles = []
    for word, names, port in summary.ROLES:
        found = [place[name] for name in names if name in place]
        if found:
            first, second = (*found, core.NO_SOURCE)[:2]
            roles.append((word, first, second, place.get(port, core.NO_SOURCE)))
    return roles
