"""What is wrong with the spool at the moment, for people."""

from __future__ import annotations

from collections.abc import Callable


class Trouble:
    """Why the file cannot be used at the moment, by what was tried; empty when all is well."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}
        self.listener: Callable[[str], None] = lambda text: None

    def __str__(self) -> str:
        return "; ".join(self._reasons.values())

    def say(self, subject: str, reason: str) -> None:
        """Set the reason of one subject, or clear it with an empty text."""
        before = str(self)
        self._reasons.pop(subject, None)
        if reason:
            self._reasons[subject] = reason
        if str(self) != before:
            self.listener(str(self))
