"""The prefix of a vendor's fields, and the bound on the names that senders can create. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from bridge.event import ascii_letters

MAX_SLUGS: Final = 32
MAX_NAMES: Final = 700
MAX_NAME_LENGTH: Final = 128
MAX_SLUG_LENGTH: Final = 40
MAX_READ: Final = 256
"""Characters of a vendor's name that are looked at."""

# First words that belong to the bridge, to Graylog, to its schemas or to another source: a vendor
# of such a name would write into the fields of somebody else.
RESERVED_WORDS: Final = frozenset(
    """
    agent alert application as associated beats bridge cef client cloud code container cylance data
    destination device dll dns ecs elf email error event facility faas file filebeat full geo gim
    gl2 group hash host http id index input interface level line log message metadata metricbeat
    network observer orchestrator organization os output package pe policy process query registry
    related rule score server service session severity short source streams syslog tags threat
    timestamp tls trace tracing transaction type url user vendor version vlan vulnerability
    winlogbeat x509
    """.split()
)

_NO_NAME = re.compile(r"[^a-z0-9]+")


def slug(vendor: str) -> str:
    """The prefix of a vendor's fields: `Palo Alto Networks` → `palo_alto_networks`.

    At most 40 characters. A reserved first word gets `vendor_` in front, an empty name becomes
    `vendor_unknown`.
    """
    return _slug(vendor[:MAX_READ])


@lru_cache(maxsize=1024)
def _slug(vendor: str) -> str:
    name = _NO_NAME.sub("_", ascii_letters(vendor).lower()).strip("_")[:MAX_SLUG_LENGTH].rstrip("_")
    if not name:
        return "vendor_unknown"
    return f"vendor_{name}" if name.partition("_")[0] in RESERVED_WORDS else name


class Names:
    """Which names of vendors' own fields may exist: 32 slugs and 700 names in all.

    `known` are the names that the spool remembers (`context.kinds`, a live view); a slug under
    which a name is remembered stays good, so that a restart changes nothing for known senders.
    """

    def __init__(
        self, known: Mapping[str, str], max_slugs: int = MAX_SLUGS, max_names: int = MAX_NAMES
    ) -> None:
        self._known = known
        self._max_slugs = max_slugs
        self._max_names = max_names
        self._slugs: set[str] = set()
        self._admitted: set[str] = set()
        self._full = False

    def admit(self, slug: str, name: str) -> bool:
        """May this name be used? Once admitted it always is."""
        if name in self._admitted:
            return True
        if len(name) > MAX_NAME_LENGTH or not (name in self._known or self._room_for(slug)):
            return False
        self._slugs.add(slug)
        self._admitted.add(name)
        return True

    def _room_for(self, slug: str) -> bool:
        if not self._full:
            new = sum(name not in self._known for name in self._admitted)
            self._full = len(self._known) + new >= self._max_names
        return not self._full and (
            slug in self._slugs
            or len(self._slugs) < self._max_slugs
            or any(name.startswith(f"{slug}_") for name in self._known)
        )
