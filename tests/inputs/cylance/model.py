"""The model-based run: a tenant that changes at every request, an API that fails at random, a
poller that is killed at random points, and the question what was missed and what came twice.

Time is virtual; the requests go over a real socket.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from functools import partial

from bridge.inputs.cylance import CylanceInput
from bridge.inputs.cylance.fake import FakeCylance, Faults
from bridge.inputs.cylance.fake.faults import KINDS as FAULT_KINDS
from bridge.inputs.cylance.fake.faults import LIST_KINDS
from bridge.inputs.position import epoch
from tests.clocks import VirtualClock
from tests.inputs.cylance.running import KINDS, Host, Ledger, key_of, repeated

HOUR = 3600.0
LOOK_BACK = 6 * HOUR
LATE = 4 * HOUR
"""How long after its time a row may be listed; below the look back by more than its interval."""
STREAMS = (
    ("threats", "detections"),
    ("detections", "memory_protection"),
    ("threats", "threat_devices"),
)
"""What a seed walks."""
OPTIONS = {
    "start": "-6h",
    "look_back_seconds": LOOK_BACK,
    "look_back_interval_seconds": HOUR,
    "overlap_seconds": 900,
}


@dataclass
class Result:
    """What a run found."""

    listed: int = 0
    delivered: int = 0
    requests: int = 0
    faults: int = 0
    kills: int = 0
    missed: list[tuple[str, ...]] = field(default_factory=list)
    repeated: list[tuple[str, ...]] = field(default_factory=list)


class Run:
    """One seed."""

    def __init__(self, seed: int, ledger: Ledger | None = None) -> None:
        self.random = random.Random(seed)
        self.clock = VirtualClock()
        self.cylance = FakeCylance(seed, self.clock.now)
        self.ledger = ledger or Ledger()
        self.host = Host(self.ledger, self.clock)
        self.result = Result()
        self.start = self.clock.now() - 6 * HOUR
        self.streams = STREAMS[seed % len(STREAMS)]
        self._rounds = 0
        self._kill_in = 0
        self._changes = 0
        self._round: asyncio.Task[None] | None = None
        api = self.cylance.api
        api.on_request = self._on_request
        api.end_inclusive = self.random.random() < 0.5
        api.by_occurrence = self.random.random() < 0.5
        sizes = (50, 200) if "threat_devices" in self.streams else (10, 20, 50, 200)
        api.max_page_size = self.random.choice(sizes)
        api.login.token_seconds = self.random.choice((120.0, 1800.0))
        rate = (0.03, 0.0, 0.1, 0.15)[seed % 4]
        api.faults = Faults(seed, rate, (*FAULT_KINDS, *LIST_KINDS))

    async def play(self, rounds: int) -> Result:
        """So many rounds, then a calm end; what was missed and what came twice."""
        number_of_events = 30 if "threat_devices" in self.streams else 150
        for number in range(number_of_events):
            self.cylance.world.live(self.start + number * 6 * HOUR / number_of_events)
        async with self.cylance:
            while self._rounds < rounds:
                await self._live_until_killed(rounds)
            await self._calm_end()
        await self.ledger.settle()
        self._judge()
        return self.result

    async def _live_until_killed(self, rounds: int) -> None:
        """One process: rounds until its end, which may come at any point of a round."""
        poller = self._poller()
        self.ledger.serve(poller)
        async with poller.opened():
            while self._rounds < rounds and await self._survives(poller):
                self._rounds += 1

    async def _pass_time(self) -> None:
        gap = self.random.choice((60, 60, 60, 60, 300, 900))
        if self.random.random() < 0.02:
            gap = self.random.uniform(HOUR, 3 * HOUR)  # an outage of ours
        # Each threat is a list of its own when its devices are asked for.
        is_costly = "threat_devices" in self.streams
        for _ in range(self.random.choice((0, 0, 0, 0, 1) if is_costly else (0, 0, 0, 1, 1, 3))):
            self.cylance.world.live(self.clock.now(), LATE)
        # Those that fall between two requests.
        self._changes = self.random.choice((0, 0, 0, 1, 2) if is_costly else (0, 1, 2, 4))
        await self.clock.sleep(gap)

    async def _survives(self, poller: CylanceInput) -> bool:
        await self._pass_time()
        self._kill_in = self.random.randint(1, 12) if self.random.random() < 0.1 else 0
        self._round = asyncio.ensure_future(self._poll(poller))
        try:
            await self._round
        except asyncio.CancelledError:
            self.result.kills += 1
            return False
        return True

    async def _poll(self, poller: CylanceInput) -> None:
        for stream in self.streams:
            await poller.patiently(stream, partial(poller.round, stream, self._emit))

    def _poller(self) -> CylanceInput:
        options = OPTIONS | {"streams": list(self.streams)}
        return self.host.poller(self.cylance, **options, details=self.random.random() < 0.3)

    def _on_request(self, path: str) -> None:
        if self._changes and self.random.random() < 0.3:
            self._changes -= 1
            self.cylance.world.live(self.clock.now(), LATE)
        self._tick()

    def _emit(self, events, checkpoint=None, once=False):  # type: ignore[no-untyped-def]
        """The spool; the process may die right before or right after the commit."""
        if self._tick():
            return asyncio.get_running_loop().create_future()
        taken = self.ledger.emit(events, checkpoint, once)
        self._tick()
        return taken

    def _tick(self) -> bool:
        """Whether this is the moment at which the process is killed."""
        if not self._kill_in:
            return False
        self._kill_in -= 1
        if self._kill_in == 0 and self._round:
            self._round.cancel()
            return True
        return False

    async def _calm_end(self) -> None:
        """No more faults and changes: what is still listed must be delivered by now."""
        self._kill_in = 0
        self.cylance.api.faults.rate = 0.0
        self.cylance.api.on_request = lambda path: None
        poller = self._poller()
        self.ledger.serve(poller)
        async with poller.opened():
            await self._poll(poller)

    def _first_time(self, stream: str) -> float:
        """What is older was not asked for; devices know their detections up to 900 s earlier."""
        return epoch(self.ledger.checkpoints[stream]["start"]) + 900

    def _judge(self) -> None:
        delivered = {
            (stream, *key_of(event))
            for stream in self.streams
            for event in self.ledger.of(KINDS[stream])
        }
        end = self.clock.now()
        for listing in self.cylance.world.listings:
            if listing.stream not in self.streams or listing.stamp < self._first_time(
                listing.stream
            ):
                continue
            self.result.listed += 1
            shown = (listing.until or end) - listing.since
            name = (listing.stream, *listing.key)
            if (listing.until is None or shown >= LOOK_BACK) and name not in delivered:
                self.result.missed.append(name)
        self.result.delivered = len(self.ledger.events)
        self.result.repeated = repeated(self.ledger, self.streams)
        self.result.requests = len(self.cylance.api.asked)
        self.result.faults = self.cylance.api.faults.met
