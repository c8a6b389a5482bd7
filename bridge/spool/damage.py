"""What becomes of a damaged file: it is set aside, whole, and a new one is begun in its place."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bridge.errors import SpoolError
from bridge.spool.lock import sync

WAL: Final = "-wal"
SHM: Final = "-shm"
ROWS: Final = "-rows"
"""The folder of the segments."""
MARK: Final = ".damaged-"
WAL_HEADER_BYTES: Final = 32
MAGIC: Final = b"SQLite format 3\0"


class Impossible(Exception):
    """A value in the file is none that was ever written."""


class Damaged(SpoolError):
    """The content of the file was not what had been written, and it was set `aside`."""

    def __init__(self, reason: str, aside: Path) -> None:
        self.reason = reason
        self.aside = aside
        super().__init__(f"the spool was damaged ({reason}) and set aside as {aside}")


def is_damage(error: Exception) -> bool:
    """Whether the content of the file is to blame, and not the disk, a lock, or a statement.

    Of SQLite's errors only SQLITE_CORRUPT and SQLITE_NOTADB say so, and what Python raises without
    a code for a text that is not UTF-8. An I/O error may pass, and setting the file aside would
    then be the damage.
    """
    if not isinstance(error, sqlite3.Error):
        return isinstance(error, Impossible)
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return type(error) is sqlite3.OperationalError and "UTF-8" in str(error)
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_outage(error: BaseException) -> bool:
    """Whether the disk or the file is to blame, and not a statement of ours."""
    if not isinstance(error, sqlite3.Error):
        return isinstance(error, OSError)
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    return code not in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISUSE)


def why(error: BaseException) -> str:
    """The reason without the number that the system gives it."""
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def beside(path: Path, suffix: str) -> Path:
    """What is kept beside a database."""
    return path.with_name(path.name + suffix)


def set_aside(path: Path, now: float) -> Path:
    """Rename a database, its WAL and its rows to a name with the time (UTC); the new name.

    The database goes first: what a crash leaves behind is set aside at the next start.
    Raises SpoolError.
    """
    aside = free_name(path, now)
    try:
        for suffix in ("", WAL, ROWS):
            if beside(path, suffix).exists():
                beside(path, suffix).rename(beside(aside, suffix))
        beside(path, SHM).unlink(missing_ok=True)
        sync(path.parent)
    except OSError as error:
        raise SpoolError(
            f"the spool {path} is damaged and cannot be set aside: {error.strerror}: "
            "move it away to start with an empty spool"
        ) from error
    return aside


def free_name(path: Path, now: float) -> Path:
    """`worker-0.db.damaged-20260102T030405Z`; with a number when there is one of that second."""
    time = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    name, number = path.with_name(f"{path.name}{MARK}{time}"), 1
    while any(beside(name, suffix).exists() for suffix in ("", WAL, ROWS)):
        number += 1
        name = path.with_name(f"{path.name}{MARK}{time}-{number}")
    return name


def files_aside(path: Path) -> list[Path]:
    """What was set aside in the place of a database and is still there, the oldest first."""
    found = (one for one in path.parent.glob(f"{path.name}{MARK}*") if one.suffix != SHM)
    names = (one.name.removesuffix(WAL).removesuffix(ROWS) for one in found)
    return sorted({path.with_name(name) for name in names})


def all_aside(directory: Path) -> list[Path]:
    """The same for all files of a spool directory."""
    names = {one.name.partition(MARK)[0] for one in directory.glob(f"worker-*{MARK}*")}
    return [one for name in sorted(names) for one in files_aside(directory / name)]
