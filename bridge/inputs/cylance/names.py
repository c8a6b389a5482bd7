"""The bound on the fields that replies of an API can create. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MAX_NAMES: Final = 700


class Names:
    """May a name that no table knows become a field?

    `known` are the names that the spool remembers (`context.kinds`, a live view of all inputs).
    """

    def __init__(self, known: Mapping[str, str], limit: int = MAX_NAMES) -> None:
        self._known = known
        self._limit = limit
        self._admitted: set[str] = set()

    def admit(self, name: str) -> bool:
        """Once admitted it always is."""
        if name in self._known or name in self._admitted:
            return True
        waiting = sum(one not in self._known for one in self._admitted)
        if len(self._known) + waiting >= self._limit:
            return False
        self._admitted.add(name)
        return True
