"""Spools in a temporary directory, and a second look at their file by plain SQL."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.config import SpoolConfig
from bridge.spool import Batch, Progress, Spool
from bridge.spool.records import Place, Record, size_of
from bridge.spool.segments import Records

Opener = Callable[..., Awaitable[Spool]]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the spool of a test lives."""
    return tmp_path / "spool"


@pytest.fixture
async def opened(directory: Path) -> AsyncIterator[Opener]:
    """Opens a spool with options of SpoolConfig; what is left open is closed at the end."""
    spools: list[Spool] = []

    async def opener(**options: Any) -> Spool:
        clock = options.pop("clock", None)
        spool = await Spool.open(SpoolConfig(directory=directory, **options), clock)
        spools.append(spool)
        return spool

    yield opener
    for spool in spools:
        await spool.close()


@pytest.fixture
async def spool(opened: Opener) -> Spool:
    """A spool with one output, `out`."""
    spool = await opened()
    await spool.attach("out")
    return spool


async def indexed(spool: Spool) -> None:
    """Let the database know of all rows."""
    spool._committer.hurry()
    while spool._committer.unindexed is not None:
        await asyncio.sleep(0.001)


def sql(directory: Path, query: str) -> list[Any]:
    """What another process would find in the file."""
    db = sqlite3.connect(directory / "worker-0.db", isolation_level=None)
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def stored(directory: Path, after: int = 0) -> list[Record]:
    """The rows of the file, read from their segments."""
    found = []
    records = Records(directory / "worker-0.db-rows")
    query = f"SELECT id, input, target, bytes, segment, start FROM batches WHERE id > {after}"
    for rowid, owner, target, size, *place in sql(directory, f"{query} ORDER BY id"):
        record = records.record(Place(*place), size_of(owner, target, size))
        assert record is not None
        assert (record.id, record.input, record.target) == (rowid, owner, target)
        found.append(record)
    records.close()
    return found


def texts(batches: list[Batch]) -> list[bytes]:
    """The documents of some batches, in order."""
    return [message for batch in batches for message in batch.messages()]


async def deliver(spool: Spool, output: str = "out", max_bytes: int = 2**30) -> list[bytes]:
    """Read from the committed cursor on, and report all of it as delivered."""
    batches = await spool.read(output, await spool.attach(output), max_bytes)
    count = sum(batch.count for batch in batches)
    await spool.advance(output, Progress(batches[-1].id, delivered=count))
    return texts(batches)
