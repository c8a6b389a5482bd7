"""A long run at half the highest rate, with the receiver away from time to time."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression, median
from typing import Final

from tests.bench.events import records
from tests.bench.peers import Bridge
from tests.bench.processes import resident
from tests.bench.relays import Asked, measure
from tests.bench.results import short
from tests.bench.tables import Table
from tests.ports import free_port

Say = Callable[[str], None]
Sample = dict[str, float]
Outage = tuple[float, float]

CONNECTIONS: Final = 16
TRIAL_EVENTS: Final = 300_000
TRIALS: Final = 3
SAMPLE_SECONDS: Final = 1.0
SAY_SECONDS: Final = 10
WARM_UP: Final = 0.2
"""Of the time; memory is looked at after it."""
LIVE_SECONDS: Final = 2.0
"""With less than so much of the live rate waiting, a backlog is gone."""
GIVE_UP_SECONDS: Final = 90.0
MAX_SLOPE_MIB: Final = 8.0
"""An hour; what may be taken for flat."""
SETTLED_SECONDS: Final = 1800
MIN_DRAIN: Final = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """All in seconds."""

    length: float
    every: float
    outage: float

    @property
    def outages(self) -> list[Outage]:
        """When the receiver is away; the last one leaves time to drain."""
        starts = (self.every * number for number in range(1, int(self.length / self.every) + 1))
        ends = [(start, start + self.outage) for start in starts]
        return [one for one in ends if one[1] + 2 * self.outage <= self.length]


@dataclass(frozen=True, slots=True)
class Soaked:
    """What came of it."""

    rate: float
    samples: list[Sample]
    outages: list[Outage]
    sent: int
    lost: int
    repeated: int

    @property
    def slope_mib(self) -> float:
        """Memory in MiB an hour, after the warm-up."""
        late = [one for one in self.samples if one["seconds"] >= WARM_UP * self.length]
        hours = [one["seconds"] / 3600 for one in late]
        return linear_regression(hours, [one["resident_mib"] for one in late]).slope

    @property
    def length(self) -> float:
        return self.samples[-1]["seconds"]

    @property
    def drains(self) -> list[float]:
        """How fast each backlog shrank while events went on coming, as a share of their rate."""
        limits = [began for began, _ in self.outages[1:]] + [self.length + 1]
        found = [
            self._drain(up, until) for (_, up), until in zip(self.outages, limits, strict=True)
        ]
        return [ratio for ratio in found if ratio is not None]

    def _drain(self, up: float, until: float) -> float | None:
        after = [one for one in self.samples if up <= one["seconds"] < until]
        flowing = [one for one in after if one["out_per_second"] > 0]
        if not flowing:
            return None
        first = after[max(0, after.index(flowing[0]) - 1)]
        low = LIVE_SECONDS * self.rate
        last = next((one for one in flowing if one["waiting"] <= low), after[-1])
        seconds = last["seconds"] - first["seconds"]
        return (first["waiting"] - last["waiting"]) / seconds / self.rate if seconds else None

    @property
    def is_good(self) -> bool:
        drained = min(self.drains, default=0.0) >= MIN_DRAIN
        return not self.lost and drained and (self.is_short or self.slope_mib <= MAX_SLOPE_MIB)

    @property
    def is_short(self) -> bool:
        """Whether nothing can be said of memory: allocators take some while to settle."""
        return self.length < SETTLED_SECONDS

    def verdict(self) -> str:
        """One line."""
        drains = ", ".join(f"{ratio:.2f}" for ratio in self.drains)
        peak = max(one["resident_mib"] for one in self.samples)
        judged = " (too short to judge)" if self.is_short else ""
        return (
            f"{'good' if self.is_good else 'NOT GOOD'}: {self.sent:,} sent at {self.rate:,.0f}/s, "
            f"{self.lost:,} lost, {self.repeated:,} repeated; "
            f"memory {self.slope_mib:+.1f} MiB/h{judged}, at most {peak:.0f} MiB; "
            f"backlogs drained at {drains} of the live rate"
        )

    def table(self) -> Table:
        """Each outage."""
        rows = [
            [f"{began / 60:.1f}", f"{ended - began:.0f}", f"{drain:.2f}"]
            for (began, ended), drain in zip(self.outages, self.drains, strict=False)
        ]
        columns = ["receiver away at minute", "for seconds", "drained at, of the live rate"]
        return Table("Outages", columns, rows)

    def save(self, path: Path) -> None:
        """Every sample as a line of CSV."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(self.samples[0])
            writer.writerows(map(short, one.values()) for one in self.samples)


def soak(plan: Plan, folder: Path, rate: float | None, say: Say) -> Soaked:
    """Measure the highest rate, unless half of it is given; then run at half of it."""
    if rate is None:
        highest = trial(folder)
        rate = highest / 2
        say(f"at most {highest:,.0f} events/s; so {rate:,.0f}/s for {plan.length / 60:.0f} minutes")
    with running(folder, rate) as (bridge, sender, receiver):
        course = Course(bridge, sender, receiver, say)
        course.follow(plan)
        sender.ask("stop")
        sent = int(sender.line()[0])
        course.wait_for(sent)
        receiver.ask(f"missing {sent}")
        lost = int(receiver.line()[0])
        repeated = int(course.samples[-1]["repeated"])
    return Soaked(rate, course.samples, plan.outages, sent, lost, repeated)


def trial(folder: Path) -> float:
    """The highest rate: the median of short runs, for a machine may be slow for a moment."""
    lines = folder / "soak.log"
    lines.parent.mkdir(parents=True, exist_ok=True)
    lines.write_bytes(b"".join(record.line for record in records(TRIAL_EVENTS)))
    return median(measure(Bridge(folder), lines, CONNECTIONS).rate for _ in range(TRIALS))


@contextmanager
def running(folder: Path, rate: float) -> Iterator[tuple[Bridge, Asked, Asked]]:
    """A bridge between a stream and a counting receiver."""
    bridge = Bridge(folder)
    with ExitStack() as ends:
        receiver = Asked("counting")
        ends.callback(receiver.close)
        listen = free_port()
        bridge.start(listen, int(receiver.line()[0]))
        ends.callback(bridge.stop)
        bridge.await_ready()
        sender = Asked("stream", listen, rate, CONNECTIONS)
        ends.callback(sender.close)
        yield bridge, sender, receiver


class Course:
    """Takes samples, and sends the receiver away and back."""

    def __init__(self, bridge: Bridge, sender: Asked, receiver: Asked, say: Say) -> None:
        self.samples: list[Sample] = []
        self._bridge = bridge
        self._sender = sender
        self._receiver = receiver
        self._say = say
        self._began = time.monotonic()

    def follow(self, plan: Plan) -> None:
        """Until the end of the plan."""
        words = [
            (due, word)
            for outage in plan.outages
            for due, word in zip(outage, ("down", "up"), strict=True)
        ]
        for due, word in [*words, (plan.length, "")]:
            while self._seconds() < due:
                self._take()
            self._receiver.ask(word)
            self._receiver.line()
            if word:
                self._say(f"{self._seconds():.0f} s: the receiver is {word}")

    def wait_for(self, sent: int) -> None:
        """Until everything has arrived, or nothing comes any more."""
        last = (0.0, self._seconds())
        while (arrived := self._take()["arrived"]) < sent:
            if arrived > last[0]:
                last = (arrived, self._seconds())
            elif self._seconds() - last[1] > GIVE_UP_SECONDS:
                self._say(f"nothing has come for {GIVE_UP_SECONDS:.0f} s")
                return

    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def _take(self) -> Sample:
        """A second's worth."""
        time.sleep(max(0.0, (len(self.samples) + 1) * SAMPLE_SECONDS - self._seconds()))
        self._sender.ask()
        self._receiver.ask()
        sent = int(self._sender.line()[0])
        arrived, repeated = map(int, self._receiver.line())
        before = self.samples[-1] if self.samples else {"seconds": 0.0, "sent": 0, "arrived": 0}
        now = self._seconds()
        passed = now - before["seconds"]
        sample = {
            "seconds": now,
            "sent": sent,
            "arrived": arrived,
            "repeated": repeated,
            "waiting": sent - arrived,
            "in_per_second": (sent - before["sent"]) / passed,
            "out_per_second": (arrived - before["arrived"]) / passed,
            "resident_mib": resident(self._bridge.process.pid) / 2**20,
        }
        self.samples.append(sample)
        if len(self.samples) % SAY_SECONDS == 0:
            self._say(
                f"{now:.0f} s: {sent:,} sent, {sent - arrived:,} waiting, {repeated:,} repeated, "
                f"{sample['resident_mib']:.0f} MiB"
            )
        return sample
