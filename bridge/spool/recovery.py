"""Rows that were accepted, but which the database had not been told of when the bridge ended."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from bridge.spool.heritage import transaction
from bridge.spool.records import Place
from bridge.spool.rows import entry, index, put
from bridge.spool.segments import behind
from bridge.spool.tally import InputTally, Tally

log = logging.getLogger(__name__)


def recover(db: sqlite3.Connection, folder: Path, end: Place, tally: Tally) -> None:
    """Tell the database and the accounts of the rows behind the last one that it knows.

    One that was written, but not accepted any more, may be among them: whoever sent it was not told
    so, and may send it again. Raises sqlite3.Error and OSError.
    """
    before, rows, unreadable = tally.copy(), [], 0
    for place, row in behind(folder, end, tally.newest):
        unreadable += row.id - 1 - tally.newest
        tally.newest = row.id - 1
        tally.add(row.target, row.count, len(row.data))
        tally.inputs.setdefault(row.input, InputTally()).accepted += row.count
        rows.append(entry(row, place))
    if rows:
        with transaction(db):
            index(db, rows)
            put(db, "INSERT OR REPLACE INTO counters", tally.changes(before))
    if unreadable:
        log.error(
            "%d of the newest rows in %s cannot be read and are left out: the machine went down "
            "while they were written, or the disk has damaged them; events that had been accepted "
            "are lost in the second case",
            unreadable,
            folder,
        )
