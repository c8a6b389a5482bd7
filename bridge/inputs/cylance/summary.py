"""What a person reads first of a Cylance event: one line, its syslog level, its device. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from bridge.event import Value

Fields = Mapping[str, Value]

MAX_LINE: Final = 512
LEVELS: Final = {"informational": 6, "low": 5, "medium": 4, "high": 3}
"""Severity of a detection → syslog level."""
NO_LEVEL: Final = 5

# The console's words; source: public tools that read the same numbers.
ACTIONS: Final = {0: "allowed", 1: "warned", 2: "blocked", 3: "terminated"}
VIOLATIONS: Final = {
    1: "stack pivot",
    2: "stack protect",
    3: "overwrite code",
    4: "remote allocation of memory",
    5: "remote mapping of memory",
    6: "remote write to memory",
    7: "remote write PE to memory",
    8: "remote overwrite code",
    9: "remote unmap of memory",
    10: "remote thread creation",
    11: "remote APC scheduled",
    12: "LSASS read",
    13: "RAM scraping",
    22: "zero allocate",
    23: "DYLD injection",
    24: "malicious payload",
}

_GUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


def device(fields: Fields) -> str:
    """The device's name, or empty.

    Of the two values of a detection the one that is no GUID is the name: they are swapped in the
    vendor's own documentation.
    """
    name, id_ = (str(fields.get(f"cylance_device_{key}") or "") for key in ("name", "id"))
    swapped = _GUID.fullmatch(name) and id_ and not _GUID.fullmatch(id_)
    return id_ if swapped else name


def level(kind: str, fields: Fields) -> int:
    """The syslog level, from the score of a file or the severity of a detection."""
    if kind == "device":
        return 6
    if kind == "memory_protection":
        return 4
    if kind == "detection":
        return LEVELS.get(str(fields.get("cylance_severity", "")).lower(), NO_LEVEL)
    score = fields.get("cylance_score")
    if not isinstance(score, float):
        return NO_LEVEL
    return 6 if score >= 0 else 2 if score <= -0.9 else 3 if score <= -0.6 else 4


def line(kind: str, fields: Fields) -> str:
    """`Cylance: threat bf17… (PUP, score -1) in threatfile.exe on LAPTOP-7`; one line, at most
    512 characters."""
    build = _LINES.get(kind, _unknown)
    whole = " ".join(f"Cylance: {build(fields)}".split())
    return whole if len(whole) <= MAX_LINE else f"{whole[: MAX_LINE - 1]}…"


def _threat(fields: Fields) -> str:
    told = [str(fields["cylance_classification"])] if "cylance_classification" in fields else []
    if isinstance(score := fields.get("cylance_score"), float):
        told.append(f"score {score:g}")
    where = _said(fields, "in {}", "file_path") or _said(fields, "in {}", "name")
    hash_ = str(fields.get("cylance_sha256", ""))[:4]
    parts = ("threat", f"{hash_}…" if hash_ else "", _brackets(told), where, _on(fields))
    return " ".join(filter(None, parts)) + _said(fields, ", {}", "file_status")


def _detection(fields: Fields) -> str:
    told = [str(fields[name]) for name in ("cylance_severity", "cylance_status") if name in fields]
    name = _said(fields, "{}", "detection_description") or _said(fields, "{}", "phonetic_id")
    return " ".join(filter(None, ("detection", name, _brackets(told), _on(fields))))


def _memory_protection(fields: Fields) -> str:
    number = fields.get("cylance_violation_type")
    known = VIOLATIONS.get(number) if isinstance(number, int) else None
    what = known or f"violation {number}"
    action = fields.get("cylance_action")
    done = ACTIONS.get(action) if isinstance(action, int) else None
    where = _said(fields, "in {}", "image_name")
    on = _on(fields) or _said(fields, "on device {}", "device_id")
    parts = ("memory protection", what, _brackets([done] if done else []), where, on)
    return " ".join(filter(None, parts))


def _device(fields: Fields) -> str:
    state = _said(fields, "is {}", "device_state")
    version = _said(fields, ", agent {}", "device_agent_version")
    return " ".join(filter(None, ("device", device(fields), state))) + version


def _unknown(fields: Fields) -> str:
    return "event"


def _said(fields: Fields, form: str, name: str) -> str:
    value = fields.get(f"cylance_{name}")
    return "" if value is None else form.format(str(value)[:MAX_LINE])


def _brackets(told: list[str]) -> str:
    return f"({', '.join(told)})" if told else ""


def _on(fields: Fields) -> str:
    name = device(fields)
    return f"on {name}" if name else ""


_LINES = {
    "threat": _threat,
    "threat_device": _threat,
    "detection": _detection,
    "memory_protection": _memory_protection,
    "device": _device,
}
