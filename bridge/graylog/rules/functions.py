"""The functions that rules can call, by name: their parameters, and since which Graylog."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

Version = tuple[int, int]

OLDEST: Final[Version] = (6, 0)
"""What the table goes back to."""

_FUNCTION = re.compile(r"(\w+)\((.*)\)(?: (\d+\.\d+))?")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; the server refuses a call without those that are not optional."""

    name: str
    optional: bool
    since: Version


@dataclass(frozen=True, slots=True)
class Function:
    """One function, its parameters in order."""

    name: str
    parameters: tuple[Parameter, ...]
    since: Version


@cache
def functions() -> dict[str, Function]:
    """All that are known, by name."""
    text = files("bridge.graylog.rules").joinpath("functions.txt").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return {function.name: function for function in map(_function, lines)}


def version(text: str) -> Version:
    """`6.3` and `6.3.7+abc` as numbers that can be compared."""
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


def _function(line: str) -> Function:
    match = _FUNCTION.fullmatch(line)
    if match is None:
        raise ValueError(f"functions.txt: {line!r} is no function")
    parameters = tuple(map(_parameter, filter(None, match[2].split(", "))))
    return Function(match[1], parameters, version(match[3]) if match[3] else OLDEST)


def _parameter(text: str) -> Parameter:
    name, _, since = text.partition(" ")
    optional = name.endswith("?")
    return Parameter(name.rstrip("?"), optional, version(since) if since else OLDEST)
