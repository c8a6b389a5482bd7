"""A point in time as people write it in options."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final, Self

from bridge import times
from bridge.config.types import FromText, refusal

EXAMPLE: Final = "-24h"
UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_AGE = re.compile(r"-([0-9]{1,6})([smhdw])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ADVICE = "must be `now`, an age such as -24h or -7d, or a date such as 2026-01-31 (UTC)"


class Moment(FromText):
    """`now`, an age (`-90s -24h -7d -2w`), a date (`2026-01-31`) or a time of ISO 8601.

    Dates and times without a zone are UTC. Raises ValueError with advice.
    """

    __slots__ = ("_age", "_at", "written")

    def __init__(self, written: str) -> None:
        self.written = written.strip()
        self._age = 0.0
        self._at: float | None = None
        if match := _AGE.fullmatch(self.written):
            self._age = float(match[1]) * UNITS[match[2]]
        elif self.written != "now":
            self._at = _epoch(self.written)

    def resolve(self, now: float) -> float:
        """In seconds since the epoch, when it is `now`; never later than that."""
        return min(now, now - self._age if self._at is None else self._at)

    def __str__(self) -> str:
        return self.written

    def __repr__(self) -> str:
        return f"Moment({self.written!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Moment) and self.written == other.written

    def __hash__(self) -> int:
        return hash(self.written)

    @classmethod
    def _validate(cls, value: object) -> Self:
        if isinstance(value, cls):
            return value
        try:
            return cls(str(value))
        except ValueError as error:
            raise refusal(str(error)) from None

    @classmethod
    def _described(cls) -> dict[str, Any]:
        return {"examples": ["now", EXAMPLE, "2026-01-31"]}


def _epoch(written: str) -> float:
    if not _DATE.match(written):
        raise ValueError(_ADVICE)
    text = f"{written}T00:00:00" if _DATE.fullmatch(written) else written
    found = times.read(text, datetime.now(UTC)).time
    if found is None:
        raise ValueError(_ADVICE)
    return found.timestamp()
