"""What had to be changed in an event so that Graylog keeps it, for counters and for the reader."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, NamedTuple

TRIMMED: Final = "_bridge_trimmed"
"""The field that tells the reader of a message what is missing: `name:bytes name:bytes`, each name
as Graylog stores it, with the length that the whole text had (UTF-8)."""

MARK_LIMIT: Final = 400
_AND_MORE: Final = " and more"


class What(StrEnum):
    """What `encode` and `trim` can have done to a field."""

    CUT = "cut"
    """The text was too long; its beginning was kept, `bridge_trimmed` says so."""
    DROPPED = "dropped"
    """The document was too long and shortening its texts was not enough."""
    RENAMED = "renamed"
    """The name was one that Graylog does not keep, or it was taken."""
    REPLACED = "replaced"
    """A message or a host was missing and something stands in its place."""
    SCRUBBED = "scrubbed"
    """Control characters or halves of surrogate pairs were made visible."""
    SET_ASIDE = "set_aside"
    """A number, time or level that Graylog cannot hold is text in the field's `_text` sibling."""
    TEXT = "text"
    """The value was of a type that GELF does not have."""


class Change(NamedTuple):
    """One change of one field; `field` is its name in the event."""

    what: What
    field: str


def field_of(key: str) -> str:
    """The name in the event of what has this key in a document."""
    return "message" if key == "short_message" else key.removeprefix("_")


def mark(document: dict[str, Any], key: str, size: int) -> None:
    """Note in the document that the text of `key` was longer than what is left of it."""
    so_far = str(document.get(TRIMMED, ""))
    entry = f"{field_of(key)}:"
    if f" {entry}" in f" {so_far}" or so_far.endswith(_AND_MORE):
        return
    longer = f"{so_far} {entry}{size}".lstrip()
    document[TRIMMED] = longer if len(longer) <= MARK_LIMIT else so_far + _AND_MORE
