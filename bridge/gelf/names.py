"""The names of additional fields: what Graylog takes, and what to send instead of the rest.

Graylog drops a field silently when its name has a character outside `A-Za-z0-9_.@-`
(`Message.validKey`) or is one that it sets itself, and it stores dots as underscores, so that
`a.b` and `a_b` would be one field.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Container
from typing import Final

from bridge.event import ascii_letters
from bridge.gelf.changes import TRIMMED

MAX_LENGTH: Final = 200
"""Characters of a name; a longer one is cut and gets a checksum of the whole."""

STANDARD: Final = {
    "host": "host",
    "message": "short_message",
    "full_message": "full_message",
    "timestamp": "timestamp",
    "level": "level",
}
"""Fields of an event that GELF has keys of its own for."""

RESERVED: Final = frozenset(
    {
        # GELF's own keys, and what Graylog stores them as: `_source` and the like are always lost.
        *("host", "source", "short_message", "message", "full_message"),
        *("timestamp", "level"),
        # Forbidden by the GELF specification; Graylog overwrites the others when it indexes.
        *("id", "streams", "failed_message_streams"),
        # The encoder's own mark.
        TRIMMED.removeprefix("_"),
    }
)
INTERNAL_PREFIX: Final = "gl2_"

_GOOD = re.compile(rf"[A-Za-z0-9@-][A-Za-z0-9_@-]{{0,{MAX_LENGTH - 1}}}")
_BAD_CHARACTER = re.compile(r"[^A-Za-z0-9_@-]")
_CHECKSUM_LENGTH: Final = 9


def is_good(name: str) -> bool:
    """Whether Graylog keeps a field of this name (without GELF's underscore) just so."""
    return _GOOD.fullmatch(name) is not None and not _is_reserved(name)


def repaired(name: str) -> str:
    """A name that Graylog keeps, always the same for the same name, as near to it as can be.

    Other characters become `_`, leading underscores go, reserved names get `field_` in front.
    """
    good = _BAD_CHARACTER.sub("_", ascii_letters(name)).lstrip("_") or "field"
    if _is_reserved(good):
        good = f"field_{good}"
    if len(good) > MAX_LENGTH:
        good = good[: MAX_LENGTH - _CHECKSUM_LENGTH] + _checksum(name)
    return good


def unused(name: str, original: str, taken: Container[str]) -> str:
    """`name` itself, or with a checksum of the original name when it is taken already."""
    if name not in taken:
        return name
    free = name[: MAX_LENGTH - _CHECKSUM_LENGTH] + _checksum(original)
    while free in taken:
        free += "_"
    return free


def wire_name(name: str) -> str:
    """The key under which `encode` sends a field of an event when nothing else has that name."""
    return STANDARD.get(name) or "_" + (name if is_good(name) else repaired(name))


def _is_reserved(name: str) -> bool:
    return name in RESERVED or name.startswith(INTERNAL_PREFIX)


def _checksum(name: str) -> str:
    return f"_{zlib.crc32(name.encode('utf-8', 'surrogatepass')):08x}"
