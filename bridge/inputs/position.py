"""Where the walks of a poller stand, in the form in which the spool keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bridge.event import Event
from bridge.inputs import Json


@dataclass(frozen=True, slots=True)
class Page:
    """Some events of a stream.

    `reached` (seconds since the epoch) says that everything up to that time has been given, this
    page included; it is None while a walk is under way. `state` is what the next walk of the stream
    needs to know; it is kept with `reached`, in the same transaction as the events.
    """

    events: Sequence[Event]
    reached: float | None = None
    state: Json = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a stream goes on; times in seconds since the epoch."""

    account: str
    """Whose data it is."""
    start: float
    """Nothing older is asked for, ever."""
    began: float
    """When the stream was polled for the first time."""
    reached: float
    """Everything up to here was given."""
    live: bool = False
    """Whether everything between `start` and `began` was given."""
    state: Json = None

    def after(self, page: Page) -> Position:
        """The position when that page is in the spool; it never goes back."""
        if page.reached is None:
            return self
        state = self.state if page.state is None else page.state
        return replace(self, reached=max(self.reached, page.reached), state=state)

    def written(self) -> dict[str, Json]:
        """As a checkpoint."""
        moments = {name: iso(getattr(self, name)) for name in ("start", "began", "reached")}
        rest = {"state": self.state} if self.state is not None else {}
        return {"account": self.account, **moments, "live": self.live, **rest}

    @classmethod
    def read(cls, value: Any) -> Position:
        """From a checkpoint."""
        start, began, reached = (epoch(value[name]) for name in ("start", "began", "reached"))
        return cls(value["account"], start, began, reached, value["live"], value.get("state"))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the backfill of a stream is; times in seconds since the epoch."""

    account: str
    stream: str
    asked: str
    """The words in which it was asked for; the same words go on with it."""
    since: float
    until: float
    reached: float
    events: int = 0
    """How many of its events are in the spool."""
    done: bool = False

    def after(self, page: Page) -> Progress:
        """The progress when that page is in the spool."""
        reached = self.reached if page.reached is None else max(self.reached, page.reached)
        return replace(self, reached=reached, events=self.events + len(page.events))

    def written(self) -> dict[str, Json]:
        """As a checkpoint."""
        moments = {name: iso(getattr(self, name)) for name in ("since", "until", "reached")}
        rest = {"events": self.events, "done": self.done}
        return {"account": self.account, "asked": self.asked, **moments, **rest}

    @classmethod
    def read(cls, stream: str, value: Any) -> Progress:
        """From a checkpoint."""
        since, until, reached = (epoch(value[name]) for name in ("since", "until", "reached"))
        words = (value["account"], stream, value["asked"])
        return cls(*words, since, until, reached, value["events"], value["done"])


def iso(seconds: float) -> str:
    """Seconds since the epoch as ISO 8601."""
    when = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return when.isoformat(timespec="microseconds") + "Z"


def epoch(text: str) -> float:
    """What `iso` wrote, in seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp()
