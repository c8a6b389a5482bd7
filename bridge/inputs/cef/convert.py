"""From the text of a value to the kind of its field. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from bridge.event import Value

_INTEGER = re.compile(r"[+-]?[0-9]{1,400}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
# Epoch milliseconds and ISO 8601: nothing is lost by writing them in the one form of the bridge,
# and the second would make an index take the sibling for a date.
_PLAIN_TIME = re.compile(r"[0-9]{12,14}|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt].*")
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "yes", "1", "1.0"), "true"),
    **dict.fromkeys(("false", "no", "0", "0.0"), "false"),
}
LONG_LIMIT: Final = 1 << 63
_SURELY_LONG: Final = 18
"""So many digits always fit 64 bits."""


def long(text: str) -> int | None:
    """A whole number in decimal that fits 64 bits; larger ones stay text."""
    if len(text) <= _SURELY_LONG and text.isdigit() and text.isascii():
        return int(text)
    text = text.strip()
    if not _INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if -LONG_LIMIT <= number < LONG_LIMIT else None


def double(text: str) -> float | None:
    """A finite number."""
    text = text.strip()
    if not _DECIMAL.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def boolean(text: str) -> str | None:
    """`true` or `false` as text, because Graylog's decoder drops JSON booleans."""
    return _BOOLEANS.get(text.strip().lower())


READERS: Final[dict[str, Callable[[str], Value]]] = {
    "long": long,
    "double": double,
    "boolean": boolean,
}
WORDS: Final = {"long": "number", "double": "number", "boolean": "boolean"}
"""Kind → what a flag calls it."""


def iso(moment: datetime) -> str:
    """A time in UTC as ISO 8601 with six decimals and `Z`."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def is_plain_time(text: str) -> bool:
    """Is this a time whose text need not be kept beside what was read from it?"""
    return _PLAIN_TIME.fullmatch(text.strip()) is not None
