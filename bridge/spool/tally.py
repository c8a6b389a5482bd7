"""The running accounts of the spool: loaded from the file when it opens, then kept in step.

A transaction works on a copy, which replaces the old one when the commit has succeeded.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import ClassVar

from bridge.spool.damage import Impossible
from bridge.spool.model import OutputBalance


@dataclass(slots=True)
class InputTally:
    """Events of one input."""

    kept: ClassVar[tuple[str, ...]] = ("accepted", "repeated")

    accepted: int = 0
    repeated: int = 0


@dataclass(slots=True)
class OutputTally:
    """Events of one output since it exists; those in `kept` are counters in the file.

    `cursor` is the last row that it has passed, `newest` the last row that is meant for it,
    `spooled` the events between the two. `overtaken` are events that were dropped in this run, of
    which a delivery under way may still report that they arrived.
    """

    kept: ClassVar[tuple[str, ...]] = (
        "cursor",
        "accepted",
        "delivered",
        "buried",
        "filtered",
        "dropped",
        "forgotten",
    )

    cursor: int = 0
    accepted: int = 0
    delivered: int = 0
    buried: int = 0
    filtered: int = 0
    dropped: int = 0
    forgotten: int = 0
    newest: int = 0
    spooled: int = 0
    overtaken: int = 0

    def balance(self, oldest: float | None) -> OutputBalance:
        """The account as others see it."""
        return OutputBalance(
            accepted=self.accepted,
            delivered=self.delivered,
            spooled=self.spooled,
            buried=self.buried,
            filtered=self.filtered,
            dropped=self.dropped,
            forgotten=self.forgotten,
            oldest=oldest,
        )


_of_input = attrgetter(*(one.name for one in fields(InputTally)))
_of_output = attrgetter(*(one.name for one in fields(OutputTally)))

Counter = tuple[str, str, str, int]
"""Kind of component, id, name, value: one row of the table `counters`."""


@dataclass(slots=True)
class Tally:
    """All accounts; no row is left up to the id `floor`, none was ever after `newest`."""

    inputs: dict[str, InputTally] = field(default_factory=dict)
    outputs: dict[str, OutputTally] = field(default_factory=dict)
    bytes: int = 0
    dead_bytes: int = 0
    floor: int = 0
    newest: int = 0

    def copy(self) -> Tally:
        """A copy whose changes leave this one alone, made for each group: `copy.copy` is slow."""
        inputs = {name: InputTally(*_of_input(own)) for name, own in self.inputs.items()}
        outputs = {name: OutputTally(*_of_output(own)) for name, own in self.outputs.items()}
        return Tally(inputs, outputs, self.bytes, self.dead_bytes, self.floor, self.newest)

    def add(self, target: str | None, count: int, size: int) -> int:
        """Account for one more row, of so many events and octets; its id."""
        self.newest += 1
        self.bytes += size
        for name, output in self.outputs.items():
            if target is None or target == name:
                output.accepted += count
                output.spooled += count
                output.newest = self.newest
        return self.newest

    def set(self, kind: object, name: object, counter: object, value: object) -> None:
        """Take in one row of the table `counters`; raises Impossible."""
        own: InputTally | OutputTally | None = None
        if isinstance(name, str) and kind == "input":
            own = self.inputs.setdefault(name, InputTally())
        elif isinstance(name, str) and kind == "output":
            own = self.outputs.setdefault(name, OutputTally())
        if own is None or counter not in own.kept or not isinstance(value, int):
            raise Impossible(f"there is a counter: {kind} {name} {counter} {value}")
        setattr(own, str(counter), value)

    def changes(self, before: Tally) -> Iterator[Counter]:
        """The counters that differ from an earlier state."""
        yield from _changes("input", self.inputs, before.inputs)
        yield from _changes("output", self.outputs, before.outputs)


def _changes(
    kind: str,
    now: dict[str, InputTally] | dict[str, OutputTally],
    before: dict[str, InputTally] | dict[str, OutputTally],
) -> Iterator[Counter]:
    for name, tally in now.items():
        old = before.get(name)
        for counter in tally.kept:
            value = getattr(tally, counter)
            if old is None or value != getattr(old, counter):
                yield kind, name, counter, value


def load(db: sqlite3.Connection) -> Tally:
    """Counters as they were committed; everything about rows is counted from the rows.

    Raises Impossible.
    """
    tally = Tally()
    for row in db.execute("SELECT kind, id, name, value FROM counters"):
        tally.set(*row)
    (tally.bytes,) = db.execute("SELECT COALESCE(SUM(bytes), 0) FROM batches").fetchone()
    (tally.dead_bytes,) = db.execute("SELECT COALESCE(SUM(bytes), 0) FROM dead").fetchone()
    sequence = "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'batches'"
    (tally.newest,) = db.execute(sequence).fetchone()
    (oldest,) = db.execute("SELECT MIN(id) FROM batches").fetchone()
    tally.floor = tally.newest if oldest is None else oldest - 1
    for name, output in tally.outputs.items():
        output.spooled = count(db, name, output.cursor)
        output.newest = newest(db, name, output.cursor)
    return tally


def count(db: sqlite3.Connection, output: str, after: int, upto: int = 2**62) -> int:
    """The events in the rows after one position and up to another that are meant for an output."""
    (events,) = db.execute(
        "SELECT COALESCE(SUM(count), 0) FROM batches"
        " WHERE id > ? AND id <= ? AND (target IS NULL OR target = ?)",
        (after, upto, output),
    ).fetchone()
    return int(events)


def newest(db: sqlite3.Connection, output: str, after: int) -> int:
    """The id of the last row that is meant for an output, or `after`."""
    row = db.execute(
        "SELECT id FROM batches WHERE id > ? AND (target IS NULL OR target = ?)"
        " ORDER BY id DESC LIMIT 1",
        (after, output),
    ).fetchone()
    return int(row[0]) if row else after
