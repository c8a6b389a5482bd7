"""What a component needs to run in a test, without a spool and without a service."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.clock import Clock, SystemClock
from bridge.event import Event
from bridge.health import State
from bridge.inputs import Context, Json


@dataclass
class Host:
    """Stands in for the bridge around one component: remembers what it reports and counts.

    `checkpoints` holds what an input handed over, by stream, and is what `context.checkpoint`
    answers from.
    """

    clock: Clock = field(default_factory=SystemClock)
    reports: list[tuple[State, str]] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    checkpoints: dict[str, Json] = field(default_factory=dict)
    notes: dict[str, Json] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def context(self, component_id: str = "test") -> Context:
        """What the component is given."""

        async def checkpoint(stream: str) -> Json | None:
            return self.checkpoints.get(stream)

        async def unseen(uids: Sequence[str]) -> set[str]:
            return set(uids) - self.taken

        async def remember(name: str, value: Json) -> None:
            self.notes[name] = value

        return Context(
            id=component_id,
            log=logging.getLogger(f"bridge.test.{component_id}"),
            clock=self.clock,
            report=lambda state, detail: self.reports.append((state, detail)),
            count=self._count,
            checkpoint=checkpoint,
            unseen=unseen,
            kinds={},
            recall=self.notes.get,
            remember=remember,
        )

    def _count(self, name: str, n: int = 1, label: str = "") -> None:
        self.counts[name, label] += n


class Collector:
    """An `emit` that keeps the events in memory.

    With `outcome` (called at each emit) the test decides when, and how, an emit ends: it returns
    what is awaited; by default nothing is.
    """

    def __init__(
        self, host: Host | None = None, outcome: Callable[[], Awaitable[Any]] | None = None
    ) -> None:
        self.events: list[Event] = []
        self.called = asyncio.Event()
        self._host = host or Host()
        self._outcome = outcome

    def __call__(
        self,
        events: Iterable[Event],
        checkpoint: Mapping[str, Json] | None = None,
        once: bool = False,
    ) -> Awaitable[object]:
        for event in events:
            uid = event.get("event_uid")
            if not (once and uid in self._host.taken):
                self.events.append(event)
            if once:
                self._host.taken.add(str(uid))
        self._host.checkpoints.update(checkpoint or {})
        self.called.set()
        return self._outcome() if self._outcome else _done()


async def _done() -> None:
    """Durable at once."""
