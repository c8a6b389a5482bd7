"""A poller on a virtual clock, between a fake API and a spool that keeps everything in memory."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from bridge.event import Event
from bridge.health import State
from bridge.inputs import Context
from bridge.inputs.cylance import CylanceConfig, CylanceInput
from bridge.inputs.cylance.fake import FakeCylance
from bridge.inputs.poller import Poller
from tests.clocks import VirtualClock


class Ledger:
    """What the spool promises to a poller: once, checkpoints with events, in one step."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.seen: set[str] = set()
        self.checkpoints: dict[str, Any] = {}
        self.offered = 0

    def emit(
        self,
        events: Iterable[Event],
        checkpoint: Mapping[str, Any] | None = None,
        once: bool = False,
    ) -> asyncio.Future[None]:
        for event in events:
            uid = str(event["event_uid"])
            self.offered += 1
            if not once or uid not in self.seen:
                self.seen.add(uid)
                self.events.append(event)
        for stream, value in (checkpoint or {}).items():
            self.checkpoints[stream] = value
            if value is None:
                del self.checkpoints[stream]
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        taken.set_result(None)
        return taken

    def serve(self, poller: Poller) -> None:
        """From now on this poller hands over."""

    async def settle(self) -> None:
        """Everything was handed over."""

    async def checkpoint(self, stream: str) -> Any:
        return self.checkpoints.get(stream)

    async def unseen(self, uids: Sequence[str]) -> set[str]:
        return set(uids) - self.seen

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event["cylance_kind"] == kind]


class Host:
    """What a component is given, and what it said."""

    def __init__(self, ledger: Ledger, clock: VirtualClock) -> None:
        self.ledger = ledger
        self.clock = clock
        self.counted: Counter[str] = Counter()
        self.said: list[tuple[State, str]] = []

    def context(self) -> Context:
        return Context(
            id="protect",
            log=logging.getLogger("bridge.input.protect"),
            clock=self.clock,
            report=lambda state, detail: self.said.append((state, detail)),
            count=self._count,
            checkpoint=self.ledger.checkpoint,
            unseen=self.ledger.unseen,
            kinds={},
        )

    def _count(self, name: str, n: int = 1, label: str = "") -> None:
        self.counted[name] += n

    def poller(self, cylance: FakeCylance, **options: Any) -> CylanceInput:
        config = CylanceConfig(**(cylance.settings | {"proxy": "none"} | options))
        return CylanceInput(config, self.context())


def key_of(event: Event) -> tuple[str, ...]:
    """The key under which the world lists what this event tells."""
    match event["cylance_kind"]:
        case "threat":
            return (str(event["cylance_sha256"]), _second(event["cylance_last_found"]))
        case "threat_device":
            device = str(event["cylance_device_id"])
            return (str(event["cylance_sha256"]), device, _second(event["cylance_date_found"]))
        case "memory_protection":
            return (str(event["cylance_device_image_file_event_id"]),)
    return (str(event["cylance_id"]),)


def _second(value: object) -> str:
    from datetime import datetime

    return str(int(datetime.fromisoformat(str(value)).timestamp()))


KINDS = {
    "threats": "threat",
    "detections": "detection",
    "memory_protection": "memory_protection",
    "threat_devices": "threat_device",
}


def repeated(ledger: Ledger, streams: Collection[str]) -> list[tuple[str, ...]]:
    """What was delivered more than once."""
    counts: Counter[tuple[str, ...]] = Counter()
    for stream in streams:
        counts.update((stream, *key_of(event)) for event in ledger.of(KINDS[stream]))
    return [key for key, count in counts.items() if count > 1]


def fill(cylance: FakeCylance, clock: VirtualClock, count: int = 30) -> None:
    """Things that happened in the last 20 hours."""
    for number in range(count):
        then = clock.now() - 20 * 3600 * (1 - number / count)
        cylance.world.add_threat(then, then, devices=2)
        cylance.world.add_detection(then, then)
        cylance.world.add_memory_protection(then, then)
