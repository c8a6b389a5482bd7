"""The files of workers that are no more: once they are delivered, they become part of the first.

Their accounts are added to those of worker 0, their dead letters, kinds and what pollers remember
go there, and the file is deleted; so nothing is lost when `workers` is made smaller.
"""

from __future__ import annotations

import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import orjson

from bridge.clock import SystemClock
from bridge.errors import SpoolError
from bridge.spool.damage import ROWS, SHM, WAL, beside
from bridge.spool.heritage import MERGE
from bridge.spool.lock import DATABASE, databases, sync
from bridge.spool.model import Buried
from bridge.spool.store import Store, open_store
from bridge.spool.tally import InputTally, OutputTally
from bridge.spool.transaction import Transaction

IDENTITY: Final = ":identity"
"""The note that tells a file from others of its name."""


def kinds(directory: Path) -> dict[str, str]:
    """The kinds of fields that the files of all workers remember; the first file counts."""
    found: dict[str, str] = {}
    for path in databases(directory).values():
        for field, kind in _kinds(path):
            found.setdefault(field, kind)
    return found


def _kinds(path: Path) -> list[tuple[str, str]]:
    """Empty for a file that cannot be read: whoever opens it for writing says so."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=5)) as db:
            return db.execute("SELECT field, kind FROM kinds").fetchall()
    except sqlite3.Error:
        return []


def absorb(directory: Path, workers: int, dead_limit: int) -> list[int]:
    """Absorb the files of workers from `workers` on that are delivered; those still to be.

    The caller holds the directory. Raises SpoolError.
    """
    surplus = [worker for worker in databases(directory) if worker >= workers]
    return [one for one in surplus if not _absorbed(directory, one, dead_limit)]


def _absorbed(directory: Path, worker: int, dead_limit: int) -> bool:
    path = databases(directory)[worker]
    with closing(open_store(path, SystemClock(), dead_limit)) as surplus:
        if any(output.spooled for output in surplus.tally.outputs.values()):
            return False
        identity = _identity(surplus)
        with closing(open_store(directory / DATABASE, SystemClock(), dead_limit)) as first:
            if first.notes.get(_note(path)) != identity:
                _add(first, surplus, path, identity)
    # The database goes last: without it nobody would look for the rest.
    shutil.rmtree(beside(path, ROWS), ignore_errors=True)
    for suffix in (WAL, SHM, ""):
        beside(path, suffix).unlink(missing_ok=True)
    sync(directory)
    return True


def _identity(store: Store) -> str:
    """What tells this file from another; after a crash nothing is added twice."""
    identity = str(store.notes.get(IDENTITY) or secrets.token_hex(8))
    _do(store, lambda work: work.note(IDENTITY, orjson.dumps(identity)))
    return identity


def _note(path: Path) -> str:
    return f":absorbed {path.name}"


def _add(first: Store, surplus: Store, path: Path, identity: str) -> None:
    """All of it in one transaction."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=5)) as db:

        def add(work: Transaction) -> None:
            for name, given in surplus.tally.inputs.items():
                own = work.tally.inputs.setdefault(name, InputTally())
                own.accepted += given.accepted
                own.repeated += given.repeated
            for name, passed in surplus.tally.outputs.items():
                _add_output(work, name, passed)
            for table, statement in MERGE.items():
                if table != "notes":
                    rows = db.execute(f"SELECT * FROM {table}")  # noqa: S608
                    work.merge(statement, rows)
            for output, letter, created in _letters(db):
                work.bury_again(output, letter, created)
            work.note(_note(path), orjson.dumps(identity))

        _do(first, add)


def _add_output(work: Transaction, name: str, passed: OutputTally) -> None:
    if name not in work.tally.outputs:
        work.attach(name)
    own = work.tally.outputs[name]
    for counter in ("accepted", "delivered", "buried", "filtered", "dropped", "forgotten"):
        setattr(own, counter, getattr(own, counter) + getattr(passed, counter))


def _letters(db: sqlite3.Connection) -> Iterator[tuple[str, Buried, float]]:
    rows = db.execute("SELECT output, input, reason, created, document FROM dead ORDER BY id")
    for output, owner, reason, created, document in rows:
        yield output, Buried(bytes(document), reason, owner), created


def _do(store: Store, work: Any) -> None:
    try:
        [result] = store.commit([work], [], float("inf")).results
    except sqlite3.Error as error:
        raise SpoolError(f"the files of former workers cannot be merged: {error}") from error
    if isinstance(result, SpoolError):
        raise result
