"""Rows and keys as the database knows them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import chain
from typing import Final, NamedTuple

from bridge.spool.model import Batch
from bridge.spool.records import Place, Record
from bridge.spool.segments import Segments

SALVAGED: Final = ""
"""The input, in the table of keys, that the rows of damaged files come from."""
STATEMENT_ROWS: Final = 1000
"""How many rows one statement takes: SQLite bounds its parameters."""


Entry = tuple[int, str, str | None, int, int, float, int, int]
"""The columns of `batches` for one row."""
CREATED: Final = 5


class Row(NamedTuple):
    """A batch as it was written, and whom it is for."""

    batch: Batch
    target: str | None


def put_row(segments: Segments, row: Row, now: float, *, is_whole: bool = False) -> Entry:
    """Put a row into a segment."""
    one = row.batch
    record = Record(one.id, now, one.count, one.input, row.target, one.data, is_whole=is_whole)
    return entry(record, segments.put(record))


def entry(row: Record, place: Place) -> Entry:
    """A row as the database knows it."""
    return (row.id, row.input, row.target, row.count, len(row.data), row.created, *place)


def index(db: sqlite3.Connection, rows: Sequence[Entry]) -> None:
    """Tell the database where rows are."""
    for start in range(0, len(rows), STATEMENT_ROWS):
        put(db, "INSERT INTO batches", rows[start : start + STATEMENT_ROWS])


def put(db: sqlite3.Connection, statement: str, rows: Iterable[Sequence[object]]) -> None:
    """Write rows by one statement: between two of them the thread may have to wait its turn."""
    if values := list(rows):
        row = f"({', '.join('?' * len(values[0]))})"
        db.execute(f"{statement} VALUES {', '.join([row] * len(values))}", [*chain(*values)])


def key(uid: str) -> bytes:
    """What is remembered of an `event_uid`: 16 bytes, however long and odd it is."""
    return blake2b(uid.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def remember(db: sqlite3.Connection, rowid: int, data: bytes) -> bool:
    """Note that something was taken out of a damaged file; False when it was before."""
    taken = blake2b(b"%d:" % rowid + data, digest_size=16).digest()
    query = "INSERT OR IGNORE INTO seen VALUES (?, ?, unixepoch())"
    return db.execute(query, (SALVAGED, taken)).rowcount > 0


def seen(db: sqlite3.Connection, owner: str, keys: Iterable[bytes]) -> set[bytes]:
    """Those of the keys that were taken from an input before."""
    query = "SELECT 1 FROM seen WHERE input = ? AND key = ?"
    return {one for one in keys if db.execute(query, (owner, one)).fetchone()}
