"""What is wanted, and whether it is reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.bench import peers
from tests.bench.compare import DATAGRAMS, FIELDS, FULL_PATH, START
from tests.bench.results import Results, spread
from tests.bench.tables import Table

RATE: Final = "events_per_second"
COST: Final = "cpu_us_per_event"
OURS: Final = peers.Bridge.name


@dataclass(frozen=True, slots=True)
class Target:
    """A figure, what it must be, and what would be splendid."""

    what: str
    values: Callable[[Results], list[float]]
    must: float
    stretch: float | None
    form: str = ",.2f"
    at_most: bool = False

    def row(self, results: Results) -> list[str] | None:
        """A line of the table; None: it was not measured."""
        found = spread(self.values(results))
        if found is None:
            return None
        aims = [format(aim, self.form) if aim is not None else "" for aim in self.aims]
        return [self.what, found.text(self.form), *aims, self.verdict(found.median)]

    @property
    def aims(self) -> tuple[float, float | None]:
        return self.must, self.stretch

    def verdict(self, value: float) -> str:
        """In a word."""
        if self.stretch is not None and self.reaches(value, self.stretch):
            return "stretch met"
        return "met" if self.reaches(value, self.must) else "MISSED"

    def reaches(self, value: float, aim: float) -> bool:
        return value <= aim if self.at_most else value >= aim


def relays(other: str, ours: str = OURS) -> Callable[[Results], list[float]]:
    """The ratio of the rates of two relays."""
    return lambda results: results.ratios(FULL_PATH, RATE, ours, other)


def cheaper(table: str, ours: str, other: str) -> Callable[[Results], list[float]]:
    """How many times what we need the other one needs."""
    return lambda results: results.ratios(table, COST, other, ours)


def lossless(results: Results) -> list[float]:
    """The highest rate of datagrams of which none was lost, and none at any lower rate."""
    runs = [row.figures for row in results.rows if row.question == DATAGRAMS]
    bad = min((run["rate"] for run in runs if run["lost"]), default=float("inf"))
    return [max((run["rate"] for run in runs if run["rate"] < bad), default=0)] if runs else []


def every(question: str, candidate: str, figure: str) -> Callable[[Results], list[float]]:
    """A figure as it is, in each round."""
    return lambda results: list(results.by_round(question, candidate, figure).values())


LINE: Final = "line to GELF bytes"
PLAIN: Final = "plain regex + json"
TARGETS: Final = [
    Target("events/s to rsyslog + liblognorm", relays(peers.Rsyslog.name), 1.0, 1.5),
    Target("events/s to syslog-ng, reliable buffer", relays(peers.SyslogNg.name), 2.5, 4.0),
    Target("events/s with the spool to without", relays(peers.Volatile.name), 0.9, 0.97),
    Target("events/s confirmed to not confirmed", relays(peers.Unconfirmed.name), 0.95, 0.99),
    Target("events/s of two workers to one", relays(OURS, peers.TwoWorkers.name), 1.4, 1.7),
    Target(
        "parse alone to pycef, compiled",
        cheaper("parse, compiled", "bridge.cef.parse", "pycef.parse"),
        *(3.0, 10.0),
    ),
    Target(
        "line to GELF bytes to plain regex + json, compiled",
        cheaper(f"{LINE}, compiled", OURS, PLAIN),
        *(5.0, 12.0),
    ),
    Target("UDP datagrams/s without loss", lossless, 20_000, 60_000, ",.0f"),
    Target(
        "peak resident MiB of a worker at full rate",
        every(FULL_PATH, OURS, "peak_mib"),
        *(80, 56, ",.0f", True),
    ),
    Target(
        "seconds from start to first event",
        every(START, OURS, "seconds_to_first_event"),
        0.5,
        None,
        ",.2f",
        True,
    ),
    Target("fields right", every(FIELDS, OURS, "fields_right_share"), 1.0, None, ".1%"),
]


def table(results: Results) -> Table:
    """All targets that were measured."""
    rows = [row for target in TARGETS if (row := target.row(results))]
    columns = ["target", "median (lowest–highest)", "must", "stretch", "verdict"]
    return Table("Targets", columns, rows)
