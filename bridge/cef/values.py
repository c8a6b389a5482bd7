"""Values of the extension as numbers and times; what cannot be read stays text."""

from __future__ import annotations

import math
import re

from bridge import times
from bridge.cef.dictionary import Kind, lookup

_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}")  # Python refuses to read more than 4300 digits
_REAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
_NONE: frozenset[str] = frozenset()
_NOT_A_NUMBER: frozenset[str] = frozenset({"number_unreadable"})


def typed(key: str, value: str) -> int | float | str:
    """The value as the dictionary has it: int of any size, float, or the text itself."""
    meaning = lookup(key)
    if meaning is None:
        return value
    number = _number(meaning.kind, value)
    return value if number is None else number


def unusual(kind: Kind, value: str, device_zone: str | None) -> frozenset[str]:
    """The flags of a value that should be a number or a time; an empty one has none."""
    if kind == "time":
        if 12 <= len(value) <= 14 and value.isascii() and value.isdigit():
            return _NONE
        return times.read(value, device_zone=device_zone).flags
    if (value.isascii() and value.isdigit()) or not value.strip():
        return _NONE
    return _NOT_A_NUMBER if _number(kind, value) is None else _NONE


def _number(kind: Kind, value: str) -> int | float | None:
    """Decimal only (`010` is ten, `0x10` a text); no NaN, no Infinity."""
    text = value.strip()
    if kind == "long" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "double" and _REAL.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else None
    return None
