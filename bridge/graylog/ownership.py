"""Whose an entity on a server is: ours untouched, ours edited, or somebody else's.

The description of everything that the bridge makes ends in a mark: `gelf-bridge rules 1
sha256:0123456789abcdef`, the number of the rule set and a digest of the content as it was
installed. Whoever edits the entity changes its content, but not the mark, and so it shows.
"""

from __future__ import annotations

import hashlib
import json
import re
from enum import StrEnum
from typing import Final, NamedTuple

from bridge.graylog.client import Json

_MARK: Final = re.compile(r"gelf-bridge rules (\d+) sha256:([0-9a-f]{16})")
_ID: Final = re.compile(r"@\([^)]*\)|(?<![0-9a-f])[0-9a-f]{24}(?![0-9a-f])")


class Mark(NamedTuple):
    """What a description of ours ends in."""

    number: int
    """The number of the rule set."""
    digest: str
    """The first 16 hexadecimal digits of the SHA-256 of the content."""

    def __str__(self) -> str:
        return f"gelf-bridge rules {self.number} sha256:{self.digest}"


class Owner(StrEnum):
    """What may be done with an entity without asking."""

    NOBODY = "nobody"
    """It does not exist."""
    SAME = "same"
    """It holds what it shall hold, whoever made it."""
    OURS = "ours"
    """It is as an earlier version of the bridge left it."""
    EDITED = "edited"
    """It was made by the bridge, and changed since."""
    NEWER = "newer"
    """It was made by a bridge with later rules."""
    FOREIGN = "foreign"
    """It bears the name, but not the mark."""


def digest(content: Json) -> str:
    """The digest of a content; neither the order of keys matters nor which ids others have."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(_ID.sub("@", text).encode()).hexdigest()[:16]


def marked(text: str, mark: Mark) -> str:
    """A description for people, with the mark."""
    return f"{text} ({mark})"


def mark_in(description: str | None) -> Mark | None:
    """The mark in a description, if there is one."""
    match = _MARK.search(description or "")
    return Mark(int(match[1]), match[2]) if match else None


def owner(description: str | None, content: Json, wanted: Json, number: int) -> Owner:
    """Whose an existing entity is, seen by a bridge that brings rule set `number`."""
    if content == wanted:
        return Owner.SAME
    mark = mark_in(description)
    if mark is None:
        return Owner.FOREIGN
    if mark.digest != digest(content):
        return Owner.EDITED
    return Owner.NEWER if mark.number > number else Owner.OURS
