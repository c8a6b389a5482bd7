"""How much may be under way: after a failure little at first, after several one burst at a time.

A peer that fails, is frozen or breaks off would otherwise get the whole window again and again.
"""

from __future__ import annotations

from typing import Final

STRIKES: Final = 3
"""After so many failures in a row, one of the messages may be the reason."""


class Window:
    """Bytes that may be under way; 0 means one batch."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._strikes = 0
        self._end = 0
        self.size = most

    @property
    def is_careful(self) -> bool:
        """Whether a batch may start only when everything before it is confirmed."""
        return self._strikes >= STRIKES

    @property
    def is_narrow(self) -> bool:
        """Whether it is still smaller than it could be."""
        return self.size < self._most

    def confirmed(self, size: int) -> None:
        """So many bytes arrived: more may be under way next time."""
        self.size = min(self._most, self.size + 2 * size)

    def committed(self, position: int) -> None:
        """When all that was under way at the last failure has passed, nothing is wrong with it."""
        if position >= self._end:
            self._strikes = 0

    def failed(self, last: int) -> None:
        """The rows up to `last` were under way when the connection broke."""
        self.size = 0
        self._strikes += 1
        self._end = last
