"""The file of the spool: its tables, its settings, its version."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final

from bridge.errors import SpoolError, SpoolTooNew
from bridge.spool.damage import Impossible, why
from bridge.spool.lock import worker_of

FORMAT: Final = 1
APPLICATION: Final = 0x47454C46  # "GELF", tells a spool from any other SQLite file
LETTERS: Final = 10**12
"""How many ids of dead letters each worker has for itself."""
PAGE_BYTES: Final = 16 * 1024
WAL_PAGES: Final = 256

# The rows themselves are in segments: a record begins at `start` of `segment`.
# AUTOINCREMENT, because an id that came again would be taken for one that was delivered.
# Counters share one table and so one page: a small commit writes whole pages to the WAL.
TABLES: Final = (
    """CREATE TABLE batches (
        id INTEGER PRIMARY KEY AUTOINCREMENT, input TEXT NOT NULL, target TEXT,
        count INTEGER NOT NULL, bytes INTEGER NOT NULL, created REAL NOT NULL,
        segment INTEGER NOT NULL, start INTEGER NOT NULL)""",
    "CREATE INDEX targeted ON batches (target, id) WHERE target IS NOT NULL",
    """CREATE TABLE counters (
        kind TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL,
        PRIMARY KEY (kind, id, name)) WITHOUT ROWID""",
    """CREATE TABLE checkpoints (
        input TEXT NOT NULL, stream TEXT NOT NULL, value BLOB NOT NULL, updated REAL NOT NULL,
        PRIMARY KEY (input, stream)) WITHOUT ROWID""",
    """CREATE TABLE seen (
        input TEXT NOT NULL, key BLOB NOT NULL, offered INTEGER NOT NULL,
        PRIMARY KEY (input, key)) WITHOUT ROWID""",
    "CREATE INDEX seen_by_age ON seen (offered)",
    """CREATE TABLE kinds (field TEXT PRIMARY KEY, kind TEXT NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE notes (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE dead (
        id INTEGER PRIMARY KEY AUTOINCREMENT, output TEXT NOT NULL, input TEXT NOT NULL,
        reason TEXT NOT NULL, created REAL NOT NULL, bytes INTEGER NOT NULL,
        document BLOB NOT NULL)""",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {FORMAT}",
)


def connect(path: Path) -> sqlite3.Connection:
    """Open the file for writing, or make an empty one. Raises SpoolError."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        return sqlite3.connect(path, timeout=5, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise SpoolError(f"the spool {path} cannot be opened: {why(error)}") from error


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open the file for reading beside the writer."""
    db = sqlite3.connect(path, timeout=5, isolation_level=None)
    db.execute("PRAGMA query_only = ON")
    db.execute("PRAGMA cache_size = -1024")
    return db


def configure(db: sqlite3.Connection) -> None:
    """Settings of the connection, and those that a new file must have before its first table."""
    for setting in (
        f"page_size = {PAGE_BYTES}",
        "auto_vacuum = INCREMENTAL",
        "journal_mode = WAL",
        "synchronous = FULL",
        f"wal_autocheckpoint = {WAL_PAGES}",
        f"journal_size_limit = {2 * WAL_PAGES * PAGE_BYTES}",
        # Some distributions overwrite deleted rows with zeros, which doubles what is written.
        "secure_delete = OFF",
        "cache_size = -4096",
    ):
        db.execute(f"PRAGMA {setting}").fetchall()
    if db.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        raise SpoolError("the spool needs a local disk: change spool.directory")


def create(db: sqlite3.Connection, path: Path) -> None:
    """Create the tables in an empty file; refuse a foreign or a newer one.

    The tables are compared with what they must be: a flipped bit in their definitions would
    otherwise show as an error in a statement of ours. Raises SpoolError, SpoolTooNew, or Impossible
    when it is a damaged spool.
    """
    version, application = pragma(db, "user_version"), pragma(db, "application_id")
    there = {sql for (sql,) in db.execute("SELECT sql FROM sqlite_master")}
    ours = there >= set(TABLES[:-2])
    if not there and not application:
        db.execute("BEGIN IMMEDIATE")
        for statement in TABLES:
            db.execute(statement)
        if worker := worker_of(path):
            db.execute("INSERT INTO sqlite_sequence VALUES ('dead', ?)", (worker * LETTERS,))
        db.execute("COMMIT")
    elif application == APPLICATION and version > FORMAT:
        raise SpoolTooNew(str(path), version, FORMAT)
    elif application != APPLICATION and not ours:
        raise SpoolError(f"{path} is not a spool: move it away, or change spool.directory")
    elif application != APPLICATION or not ours:
        raise Impossible("its tables are not those of a spool")


def pragma(db: sqlite3.Connection, name: str) -> int:
    """The value of a numeric setting."""
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])
