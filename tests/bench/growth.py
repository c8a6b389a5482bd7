"""How the cost of an event grows: with its size, its fields, the connections, what is waiting.

The cost is the processor time of the bridge. It is fitted as `cost of an event ~ x ** exponent`, by
least squares over the logarithms. Twice the size, the fields or the connections may cost an event
at most twice as much (exponent 1); what waits in the spool may cost it nothing (exponent 0).
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import linear_regression
from typing import Final

from tests.bench.depth import DEPTH, deepen
from tests.bench.peers import Bridge
from tests.bench.relays import measure
from tests.bench.results import Results, curve
from tests.bench.tables import Table

Say = Callable[[str], None]

EVENTS: Final = 60_000
BYTES: Final = 24 << 20
"""No run sends more."""
CONNECTIONS: Final = 16
TOLERANCE: Final = 0.2
UPPER_END: Final = 4
"""From a quarter of the largest x on."""
MIN_POINTS: Final = 3
WORDS: Final = "the process has an unknown reputation and tried to change a key".split()


class Open(Bridge):
    """With room for all connections."""

    name = "gelf-bridge"
    input = "max_connections: 4096"


@dataclass(frozen=True, slots=True)
class Series:
    """One thing that grows."""

    name: str
    unit: str
    points: tuple[int, ...]
    limit: float
    """Of the exponent."""
    line: Callable[[int, int, random.Random], str]
    """The record with a number, at a point."""
    connections: Callable[[int], int] = lambda point: CONNECTIONS


def sized(number: int, size: int, rng: random.Random) -> str:
    """A record of so many octets, most of them in one value."""
    head = f"CEF:0|Example|Sensor|23.2|7|Door opened|5|externalId={number} src=192.0.2.7 msg="
    words = " ".join(rng.choices(WORDS, k=size // 3))
    return (head + words)[:size].rstrip()


def wide(number: int, fields: int, rng: random.Random) -> str:
    """A record of so many pairs, of some twenty octets each."""
    pairs = [
        f"field{index}={rng.choice(WORDS)}{rng.randrange(1000)}" for index in range(fields - 1)
    ]
    pairs.insert(0, f"externalId={number}")
    return f"CEF:0|Example|Sensor|23.2|7|Door opened|5|{' '.join(pairs)}"


SIZE: Final = Series(
    "size of an event",
    "octets",
    (200, 500, 1000, 2000, 4096, 8192, 16384, 32768, 65536),
    1.0,
    sized,
)
FIELDS: Final = Series("fields of an event", "pairs", (5, 10, 20, 40, 80, 150, 300), 1.0, wide)
CONNECTED: Final = Series(
    "connections",
    "connections",
    (1, 4, 16, 64, 250, 500, 1000, 2000),
    1.0,
    lambda number, _, rng: sized(number, 470, rng),
    lambda point: point,
)
SERIES: Final = (SIZE, FIELDS, CONNECTED)
LIMITS: Final = {series.name: series.limit for series in SERIES} | {DEPTH: 0.0}


def grow(
    folder: Path,
    events: int,
    rounds: int,
    depth_bytes: int,
    minutes: float,
    results: Results,
    say: Say,
) -> None:
    """Measure all series, and the depth of the spool last.

    No second round begins after a third of the time, and no filling goes on after two thirds.
    """
    third = minutes * 60 / 3
    began = time.monotonic()
    for number in range(rounds):
        if number and time.monotonic() > began + third:
            say(f"{number} rounds must do: a third of {minutes:g} minutes is over")
            break
        for series in SERIES:
            for point in series.points:
                measure_point(series, point, folder, events, number, results, say)
    if depth_bytes:
        deepen(Bridge(folder), folder, depth_bytes, began + 2 * third, results, say)


def measure_point(
    series: Series, point: int, folder: Path, events: int, number: int, results: Results, say: Say
) -> None:
    """One run."""
    lines = folder / "growth.log"
    lines.parent.mkdir(parents=True, exist_ok=True)
    lines.write_bytes(b"".join(records(series, point, events)))
    run = measure(Open(folder), lines, series.connections(point))
    results.add(
        *(series.name, str(point), number),
        x=point,
        events_per_second=run.rate,
        mb_per_second=run.rate * lines.stat().st_size / run.sent / 1e6,
        cpu_us_per_event=run.cpu_microseconds,
        peak_mib=run.peak_bytes / 2**20,
        lost=run.sent - run.received,
    )
    say(
        f"{series.name}: {point:,} {series.unit}: {run.rate:,.0f}/s, "
        f"{run.cpu_microseconds:.1f} µs an event, {run.sent - run.received} lost"
    )


def records(series: Series, point: int, events: int) -> Iterator[bytes]:
    """As many as there is room for; a thousand different ones, again and again."""
    rng = random.Random(point)
    some = [series.line(number, point, rng).encode() + b"\n" for number in range(1000)]
    count = min(events, BYTES // (sum(map(len, some)) // len(some)))
    for number in range(count):
        yield some[number % len(some)]


def exponent(points: list[tuple[float, float]]) -> float:
    """The slope of the cost over x, both as logarithms."""
    xs, ys = zip(*points, strict=True)
    return linear_regression(list(map(math.log, xs)), list(map(math.log, ys))).slope


def verdict(name: str, points: list[tuple[float, float]]) -> list[str]:
    """A line of the table."""
    limit = next(limit for key, limit in LIMITS.items() if name.startswith(key))
    end = exponent([(x, cost) for x, cost in points if x * UPPER_END >= points[-1][0]])
    first, second = max(pairwise(points), key=exponent)
    return [
        name,
        f"{exponent(points):.2f}",
        f"{end:.2f}",
        f"{limit:.1f}",
        "not superlinear" if end <= limit + TOLERANCE else "SUPERLINEAR",
        f"×{second[1] / first[1]:.1f} from {first[0]:,.0f} to {second[0]:,.0f}",
    ]


def verdicts(results: Results) -> Table:
    """The exponents over all points and at the upper end, which decides; and the steepest step."""
    curves = {
        name: list(zip(*curve(results, name, "cpu_us_per_event"), strict=True))
        for name in dict.fromkeys(row.question for row in results.rows)
    }
    rows = [verdict(name, points) for name, points in curves.items() if len(points) >= MIN_POINTS]
    columns = ["cost of an event over", "exponent", "at the upper end", "wanted at most"]
    return Table("Growth", [*columns, "verdict", "steepest step"], rows)
