"""Numbers, sizes and durations as people read them; texts that are safe to print."""

from __future__ import annotations

import json
import os
import sys

_STEPS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def duration(seconds: float) -> str:
    """`3 d 4 h`, `12 min 5 s`, `0 s`: the two largest units."""
    left = max(0, round(seconds))
    parts: list[str] = []
    for size, unit in _STEPS:
        number, left = divmod(left, size)
        if number or (unit == "s" and not parts):
            parts.append(f"{number} {unit}")
        elif parts:
            break
    return " ".join(parts[:2])


def size(octets: float) -> str:
    """`12.3 KiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if octets < 1024:
            return f"{octets:,.0f} B" if unit == "B" else f"{octets:,.1f} {unit}"
        octets /= 1024
    return f"{octets:,.1f} TiB"


def times(number: int) -> str:
    """`once`, `12 times`."""
    return "once" if number == 1 else f"{number:,} times"


def printable(text: str) -> str:
    """The text in one line, with everything escaped that a terminal would obey or hide."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def printable_json(text: str) -> str:
    """The same for JSON, which stays the same JSON: such characters stand only in strings."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)


def with_colour() -> bool:
    """Whether standard output is a terminal that shall have colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
