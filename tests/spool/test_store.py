"""Tidying: old keys are forgotten, and what is not needed goes back to the disk."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.spool import Progress, Spool, Taken, committer, store
from bridge.spool.segments import SPARES
from tests.spool.conftest import Opener, deliver, sql

DAY = 24 * 3600
MIB = 2**20


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


def segments(directory: Path) -> list[Path]:
    """The files with the rows."""
    return list((directory / "worker-0.db-rows").iterdir())


async def test_the_disk_is_given_back_after_an_outage(
    spool: Spool, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Soon, but for the segment in use, the next one, and a few for the rows after it."""
    monkeypatch.setattr(committer, "RETRY_SECONDS", 0.01)
    await asyncio.gather(*(spool.append("in", [b"x" * MIB]) for _ in range(80)))
    assert len(segments(directory)) >= 5
    while not await spool.empty():
        await deliver(spool)
    async with asyncio.timeout(10):
        while len(segments(directory)) > 2 + SPARES:
            await asyncio.sleep(0.01)
    assert sql(directory, "PRAGMA page_count")[0][0] < 100
    assert sql(directory, "PRAGMA integrity_check") == [("ok",)]


async def test_segments_are_used_again(spool: Spool, directory: Path) -> None:
    """A spool that keeps up stays small, however much goes through it."""
    for _ in range(80):
        future = spool.append("in", [b"x" * MIB])
        await deliver(spool)
        await future
    await spool.advance("out", Progress(0))
    assert len(segments(directory)) == 1
    assert sql(directory, "PRAGMA page_count")[0][0] < 100
    assert (directory / "worker-0.db-wal").stat().st_size < 24 * MIB


async def test_a_slow_output_keeps_the_rows_of_all(opened: Opener, directory: Path) -> None:
    """Files go in order; whoever is behind finds everything, also after a restart."""
    spool = await opened()
    for output in ("out", "slow"):
        await spool.attach(output)
    events = [b"%d" % number * MIB for number in range(1, 10)] * 6
    for event in events:
        await spool.append("in", [event])
        await deliver(spool)
    await spool.close()
    spool = await opened()
    assert await deliver(spool, "slow") == events
    assert await spool.empty()
    assert len(segments(directory)) <= 1 + SPARES


async def test_rows_for_one_output_alone_make_room_alone(opened: Opener, directory: Path) -> None:
    """However far behind the others are."""
    spool = await opened()
    for output in ("out", "other"):
        await spool.attach(output)
    for _ in range(80):
        future = spool.append("in", [b"x" * MIB], target="out")
        await deliver(spool)
        await future
    assert len(segments(directory)) <= 1 + SPARES
