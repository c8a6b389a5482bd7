"""Values of the extension as numbers and times; what cannot be read stays text."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from bridge import times
from bridge.cef.dictionary import Kind
from bridge.cef.plans import Plan

_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}")  # Python refuses to read more than 4300 digits
_REAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")


def number(kind: Kind, text: str) -> int | float | None:
    """An int of any size or a finite float, as the kind has it; None when the text is neither.

    Decimal only: `010` is ten, `0x10`, `NaN` and `1,5` are no numbers.
    """
    text = text.strip()
    if kind == "long" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "double" and _REAL.fullmatch(text):
        value = float(text)
        return value if math.isfinite(value) else None
    return None


def unusual(pairs: Mapping[str, str], plan: Plan, flags: set[str]) -> None:
    """Add the flags of values that should be numbers or times; empty ones have none."""
    for key, kind in plan.numbers:
        value = pairs[key]
        if (value.isdigit() and value.isascii()) or not value.strip():
            continue
        if number(kind, value) is None:
            flags.add("number_unreadable")
    for key in plan.times:
        value = pairs[key]
        if not (len(value) == 13 and value.isdigit() and value.isascii()):
            flags |= times.flags_of(value, pairs[plan.zone] if plan.zone else None)
