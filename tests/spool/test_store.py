"""Tidying: old keys are forgotten, and free pages go back to the disk."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.spool import Progress, Spool, Taken, committer, store
from tests.spool.conftest import Opener, deliver, sql

DAY = 24 * 3600


class Calendar:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.time = 1_700_000_000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tidying takes place often."""
    monkeypatch.setattr(committer, "RETRY_SECONDS", 0.01)


async def offer(spool: Spool, uid: str) -> Taken:
    return await spool.append("in", [b"event"], uids=[uid])


async def test_a_key_is_forgotten_after_forty_days(opened: Opener, directory: Path) -> None:
    """Forty days after it was last offered, not after it was first taken."""
    calendar = Calendar()
    spool = await opened(clock=calendar)
    await offer(spool, "old")
    await offer(spool, "asked for again")
    calendar.time += 30 * DAY
    assert await offer(spool, "asked for again") == Taken(0, 1)
    calendar.time += 15 * DAY
    await offer(spool, "new")
    async with asyncio.timeout(5):
        while sql(directory, "SELECT count(*) FROM seen") != [(2,)]:
            await asyncio.sleep(0.01)
    assert await offer(spool, "asked for again") == Taken(0, 1)
    assert await offer(spool, "old") == Taken(1, 0)


async def test_many_old_keys_go_in_slices(opened: Opener, directory: Path) -> None:
    """A slice at a time, without another commit."""
    calendar = Calendar()
    spool = await opened(clock=calendar)
    count = 2 * store.SLICE + 1
    await spool.append("in", [b"x"] * count, uids=[str(n) for n in range(count)])
    calendar.time += 41 * DAY
    await spool.append("in", [], checkpoint={"walk": 1})
    async with asyncio.timeout(5):
        while sql(directory, "SELECT count(*) FROM seen") != [(0,)]:
            await asyncio.sleep(0.01)


async def test_the_file_shrinks_after_an_outage(
    spool: Spool, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the pages that the next rows will take."""
    monkeypatch.setattr(store, "SPARE_PAGES", 64)
    await asyncio.gather(*(spool.append("in", [b"x" * 2**20]) for _ in range(24)))
    grown = sql(directory, "PRAGMA page_count")[0][0]
    assert grown > 24 * 64
    while not await spool.empty():
        await deliver(spool)
    async with asyncio.timeout(5):
        while sql(directory, "PRAGMA page_count")[0][0] > 100:
            await asyncio.sleep(0.01)
    assert sql(directory, "PRAGMA integrity_check") == [("ok",)]


async def test_pages_are_used_again(spool: Spool, directory: Path) -> None:
    """A spool that keeps up stays small, however much goes through it."""
    for _ in range(40):
        future = spool.append("in", [b"x" * 2**20])
        await deliver(spool)
        await future
    await spool.advance("out", Progress(0))
    assert sql(directory, "PRAGMA page_count")[0][0] < 8 * 64
    assert (directory / "worker-0.db-wal").stat().st_size < 24 * 2**20
