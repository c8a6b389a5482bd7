"""The file of the spool: its version, its rights, and what is not a spool."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bridge.errors import SpoolError, SpoolTooNew
from bridge.spool import schema
from tests.spool.conftest import Opener, sql


async def test_a_new_file_is_private_and_durable(opened: Opener, directory: Path) -> None:
    """WAL with large pages, free pages that can be given back, and a version."""
    await opened()
    assert (directory / "worker-0.db").stat().st_mode & 0o777 == 0o600
    assert (directory / "worker-0.db-wal").stat().st_mode & 0o777 == 0o600
    assert sql(directory, "PRAGMA journal_mode") == [("wal",)]
    assert sql(directory, "PRAGMA page_size") == [(16384,)]
    assert sql(directory, "PRAGMA auto_vacuum") == [(2,)]
    assert sql(directory, "PRAGMA user_version") == [(schema.FORMAT,)]


def test_every_commit_is_synced(tmp_path: Path) -> None:
    """FULL: an accepted event survives a power failure."""
    db = schema.connect(tmp_path / "worker-0.db")
    schema.configure(db)
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)
    db.close()


async def test_a_newer_version_is_refused(opened: Opener, directory: Path) -> None:
    """Both versions are named, and the file is left as it is."""
    await (await opened()).close()
    sql(directory, f"PRAGMA user_version = {schema.FORMAT + 1}")
    with pytest.raises(SpoolTooNew) as caught:
        await opened()
    assert (caught.value.found, caught.value.known) == (schema.FORMAT + 1, schema.FORMAT)
    sql(directory, f"PRAGMA user_version = {schema.FORMAT}")
    await opened()


def empty(directory: Path) -> None:
    directory.mkdir()


def half_made(directory: Path) -> None:
    directory.mkdir()
    db = sqlite3.connect(directory / "worker-0.db")
    schema.configure(db)
    db.close()


async def test_a_foreign_database_is_refused(opened: Opener, directory: Path) -> None:
    """It belongs to somebody."""
    empty(directory)
    sql(directory, "CREATE TABLE somebody (name)")
    with pytest.raises(SpoolError, match="not a spool"):
        await opened()
    assert sql(directory, "SELECT name FROM sqlite_master") == [("somebody",)]


async def test_a_creation_that_was_interrupted_is_finished(opened: Opener, directory: Path) -> None:
    """Killed after the file was made, and before its tables were."""
    half_made(directory)
    spool = await opened()
    await spool.append("in", [b"a"])
