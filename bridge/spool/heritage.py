"""What a new spool takes over from one that was damaged: everything but most of the rows.

Checkpoints, so that pollers go on; keys, so that they ask for nothing twice; field kinds, because
another one would lose whole messages in Graylog's index; notes; and the accounts. Row ids go on,
too. Rows and dead letters may be many: they are salvaged by command.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Final

import orjson

from bridge.spool.damage import Impossible
from bridge.spool.model import Json
from bridge.spool.rows import Row, index, put_row, remember
from bridge.spool.segments import Segments
from bridge.spool.tally import Tally, load
from bridge.spool.wreck import Small, Wreck

SLICE: Final = 5000

# The newest version of a checkpoint, the latest offer of a key; a kind never changes.
MERGE: Final = {
    "checkpoints": "INSERT INTO checkpoints VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
    " SET value = excluded.value, updated = excluded.updated WHERE updated < excluded.updated",
    "seen": "INSERT INTO seen VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
    " SET offered = excluded.offered WHERE offered < excluded.offered",
    "kinds": "INSERT OR IGNORE INTO kinds VALUES (?, ?)",
    "notes": "INSERT OR IGNORE INTO notes VALUES (?, ?)",
}


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing."""
    db.execute("BEGIN IMMEDIATE")
    with db:
        yield


def take_over(db: sqlite3.Connection, records: Iterable[Small]) -> tuple[Tally, Counter[str]]:
    """Merge the small records of a wreck into a file, a slice a transaction.

    The counters are returned, and how many records were new or newer, by table.
    """
    counters, taken = Tally(), Counter[str]()
    remaining = iter(records)
    while part := list(islice(remaining, SLICE)):
        with transaction(db):
            for one in part:
                if one.table == "counters":
                    with suppress(Impossible):
                        counters.set(*one.values)
                elif is_sound(one):
                    taken[one.table] += db.execute(MERGE[one.table], one.values).rowcount
    return counters, taken


def is_sound(record: Small) -> bool:
    """Whether what is stored as JSON is JSON."""
    place = {"checkpoints": 2, "notes": 1}.get(record.table)
    if place is None:
        return True
    try:
        orjson.loads(record.values[place])  # type: ignore[arg-type]
    except orjson.JSONDecodeError:
        return False
    return True


def inherit(
    db: sqlite3.Connection,
    segments: Segments,
    aside: Path,
    tally: Tally | None,
    rows: Sequence[Row],
    now: float,
) -> Tally:
    """Put into an empty spool what it takes over from the file that was set aside.

    `tally` and `rows` are the last known accounts and the newest rows; without them the accounts
    are read from the file. Returns the accounts as they were. Raises sqlite3.Error and OSError.
    """
    with Wreck(aside) as wreck:
        read, _ = take_over(db, wreck.survey(thoroughly=False))
        newest = tally.newest if tally else wreck.newest
    with transaction(db):
        db.execute("DELETE FROM sqlite_sequence WHERE name = 'batches'")
        db.execute("INSERT INTO sqlite_sequence VALUES ('batches', ?)", (newest,))
        for batch, _ in rows:  # that need not be salvaged any more
            remember(db, batch.id, batch.data)
        index(db, [put_row(segments, row, now) for row in rows])
        upto = rows[0].batch.id - 1 if rows else newest
        before = sound(tally or read)
        accounts = settled(db, before.copy(), upto)
        db.executemany(
            "INSERT OR REPLACE INTO counters VALUES (?, ?, ?, ?)", accounts.changes(Tally())
        )
        segments.write()
    segments.keep()
    return before


def learn(db: sqlite3.Connection, kinds: Mapping[str, str], notes: Mapping[str, Json]) -> None:
    """Remember field kinds and notes that are still known, in place of what was read."""
    with transaction(db):
        db.executemany("INSERT OR REPLACE INTO kinds VALUES (?, ?)", kinds.items())
        values = ((name, orjson.dumps(value)) for name, value in notes.items())
        db.executemany("INSERT OR REPLACE INTO notes VALUES (?, ?)", values)


def sound(tally: Tally) -> Tally:
    """A copy without the outputs whose numbers cannot be right."""
    found = tally.copy()
    for name, output in tally.outputs.items():
        parts = output.delivered + output.buried + output.filtered + output.dropped
        if min(getattr(output, one) for one in output.kept) < 0 or parts > output.accepted:
            del found.outputs[name]
    return found


def settled(db: sqlite3.Connection, tally: Tally, upto: int) -> Tally:
    """The accounts when all rows up to an id are gone: what was still spooled is dropped."""
    for output in tally.outputs.values():
        output.cursor = max(output.cursor, upto)
    db.executemany("INSERT OR REPLACE INTO counters VALUES (?, ?, ?, ?)", tally.changes(Tally()))
    found = load(db)
    for output in found.outputs.values():
        others = output.delivered + output.buried + output.filtered + output.spooled
        output.dropped = max(0, output.accepted - others)
    return found
