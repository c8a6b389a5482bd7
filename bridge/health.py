"""How every component is: one status each, and counters by name.

Every surface (logs, `status`, the admin server) reads this one source. The balance of events is not
kept here but in the spool, where it survives a crash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from bridge.clock import Clock, SystemClock


class State(StrEnum):
    """What a component can be."""

    STARTING = "starting"
    OK = "ok"
    RETRYING = "retrying"
    FAILED = "failed"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Status:
    """The state of one component, a sentence about it, and since when (seconds since the epoch)."""

    component: str
    state: State
    detail: str
    since: float


Listener = Callable[[Status], None]


class Health:
    """Status and counters of all components of one process."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._statuses: dict[str, Status] = {}
        self._listeners: list[Listener] = []
        self.counters: Counter[tuple[str, str, str]] = Counter()

    def report(self, component: str, state: State, detail: str = "") -> None:
        """Set the status; `since` moves only when the state itself changes."""
        before = self._statuses.get(component)
        if before and (before.state, before.detail) == (state, detail):
            return
        since = before.since if before and before.state is state else self._clock.now()
        status = self._statuses[component] = Status(component, state, detail, since)
        for listener in self._listeners:
            listener(status)

    def forget(self, component: str) -> None:
        """Drop a component that is no longer configured, with its counters."""
        self._statuses.pop(component, None)
        for key in [key for key in self.counters if key[0] == component]:
            del self.counters[key]

    def count(self, component: str, name: str, n: int = 1, label: str = "") -> None:
        """Add `n` to a counter; `label` (a sender, a flag) must come from a bounded set."""
        self.counters[component, name, label] += n

    def counts(self, component: str) -> Counter[tuple[str, str]]:
        """The counters of one component, by name and label."""
        own = Counter[tuple[str, str]]()
        for (owner, name, label), n in self.counters.items():
            if owner == component:
                own[name, label] = n
        return own

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` with every change of a status."""
        self._listeners.append(listener)

    def status(self, component: str) -> Status | None:
        """The status of one component, if it ever reported."""
        return self._statuses.get(component)

    def statuses(self) -> list[Status]:
        """All statuses, in the order in which the components first reported."""
        return list(self._statuses.values())
