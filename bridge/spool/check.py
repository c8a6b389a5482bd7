"""The full check of a spool file, which is too slow for every start."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bridge.errors import SpoolError, SpoolTooNew
from bridge.spool import schema
from bridge.spool.damage import Impossible, is_damage, why
from bridge.spool.reader import Reader
from bridge.spool.tally import Tally, load
from bridge.spool.wal import found_unopened

ROWS: Final = "SELECT id, input, target, count, bytes, segment, start FROM batches"


@dataclass(slots=True)
class Checked:
    """What the file holds, and everything that is wrong with it, in sentences."""

    rows: int = 0
    events: int = 0
    letters: int = 0
    problems: list[str] = field(default_factory=list)


def check(path: Path) -> Checked:
    """Check every page, every row and every account; the bridge may be running meanwhile.

    Nothing is changed. Raises SpoolTooNew, or SpoolError when there is no such file or when the
    disk or a lock is in the way.
    """
    if not path.exists():
        raise SpoolError(f"there is no spool file {path}")
    found = Checked()
    if reason := found_unopened(path):
        found.problems.append(reason)
        return found
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=5, isolation_level=None)) as db:
            db.execute("BEGIN")
            version = schema.pragma(db, "user_version")
            if version > schema.FORMAT:
                raise SpoolTooNew(str(path), version, schema.FORMAT)
            found.problems += (text for (text,) in db.execute("PRAGMA integrity_check(20)"))
            if found.problems == ["ok"]:
                with closing(Reader(path)) as reader:
                    found.problems = list(look(db, reader, found))
    except (sqlite3.Error, OSError, Impossible) as error:
        if not is_damage(error):
            raise SpoolError(f"the spool {path} cannot be checked: {why(error)}") from error
        found.problems.append(str(error))
    return found


def look(db: sqlite3.Connection, reader: Reader, found: Checked) -> Iterator[str]:
    """What is wrong with the rows and the accounts of a file whose pages are right.

    `reader` sees what is deleted meanwhile, `db` what there was.
    """
    yield from missing_tables(db)
    for row in db.execute(ROWS):
        found.rows += 1
        found.events += row[3]
        try:
            batch = reader.batch(*row)
        except Impossible as error:
            yield str(error)
        else:
            if batch and batch.data.count(0) + 1 != batch.count:
                yield f"row {batch.id} does not hold {batch.count} events"
    for rowid, size, length in db.execute("SELECT id, bytes, length(document) FROM dead"):
        found.letters += 1
        if size != length:
            yield f"dead letter {rowid} does not have {size} bytes"
    yield from wrong_accounts(load(db))


def missing_tables(db: sqlite3.Connection) -> Iterator[str]:
    """The definitions that are not there as they must be."""
    there = {sql for (sql,) in db.execute("SELECT sql FROM sqlite_master")}
    for definition in schema.TABLES[:-2]:
        if definition not in there:
            yield f"there is no {definition.split('(')[0].removeprefix('CREATE ').strip()}"


def wrong_accounts(tally: Tally) -> Iterator[str]:
    """The outputs whose accounts disagree with the rows."""
    for name, output in tally.outputs.items():
        balance = output.balance(None)
        if not balance.holds:
            yield (
                f"output {name} has {balance.accepted} events accepted, but {balance.delivered} "
                f"delivered, {balance.spooled} spooled, {balance.buried} buried, "
                f"{balance.filtered} filtered and {balance.dropped} dropped"
            )
        if output.cursor > tally.newest:
            yield f"output {name} has passed row {output.cursor}, the newest is {tally.newest}"
