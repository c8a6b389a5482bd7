"""How long appends wait for outputs that keep up.

Whoever reads from the disk takes processor time from everything else, and falls behind further. An
output that is slow is left behind.
"""

from __future__ import annotations

from typing import Final

from bridge.spool.recent import KEPT_BYTES, Recent

PATIENCE_SECONDS: Final = 0.2
"""How long appends wait in all until the output has caught up again."""
PATIENCE_SHARE: Final = 0.1
"""How much of all time appends may wait, if it never catches up wholly."""
CAUGHT_UP_BYTES: Final = KEPT_BYTES // 4
UNREAD_BYTES: Final = KEPT_BYTES - 1024 * 1024
"""So much may be unread: appends are not cut in two, and so a group is a little more than planned.
A single row that is pushed out sends the output to the disk."""


class Patience:
    """`left` seconds of waiting; `is_tried` while appends wait."""

    def __init__(self, recent: Recent) -> None:
        self.left = PATIENCE_SECONDS
        self.is_tried = False
        self._recent = recent
        self._looked_at = 0.0

    def waits(self, now: float, more: int) -> bool:
        """Whether so many bytes more wait until what they would push out of memory has been read.

        `now` is a time that only grows; whoever waits asks again.
        """
        passed = now - self._looked_at
        self.left += passed * (PATIENCE_SHARE - 1 if self.is_tried else PATIENCE_SHARE)
        self._looked_at = now
        unread = self._recent.unread()
        if unread <= CAUGHT_UP_BYTES or self.left > PATIENCE_SECONDS:
            self.left = PATIENCE_SECONDS
        self.is_tried = unread + more > UNREAD_BYTES and self.left > 0
        return self.is_tried
