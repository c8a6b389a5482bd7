"""Room in the spool and on its disk, and what waits for it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import NamedTuple

import pytest

from bridge.errors import SpoolError
from bridge.spool import Buried, Progress, Spool, Taken
from bridge.spool.segments import FULL_BYTES
from bridge.spool.waiting import Limits
from tests.spool.conftest import Opener, deliver, texts

MIB = 1024 * 1024


async def until_full(spool: Spool) -> None:
    """Wait until appends wait for room."""
    async with asyncio.timeout(5):
        while not spool.full:
            await asyncio.sleep(0.001)


async def test_a_full_spool_lets_appends_wait(opened: Opener) -> None:
    """In order, the smaller ones behind the larger ones, until an output makes room."""
    spool = await opened(max_bytes=1000)
    await spool.attach("out")
    await spool.append("in", [b"a" * 900])
    large, small = spool.append("in", [b"b" * 800]), spool.append("in", [b"c"])
    await until_full(spool)
    assert "900 bytes of at most 1000" in spool.full
    assert not large.done()
    assert not small.done()
    balance = await spool.balance()
    assert balance.holds
    assert balance.inputs["in"].in_flight == 2
    assert balance.bytes == 900
    assert await deliver(spool) == [b"a" * 900]
    assert (await large, await small) == (Taken(1, 0), Taken(1, 0))
    assert spool.full == ""
    assert await deliver(spool) == [b"b" * 800, b"c"]


async def test_progress_never_waits_behind_a_full_spool(opened: Opener) -> None:
    """Nor do dead letters, or the spool could not get out of it."""
    spool = await opened(max_bytes=100)
    await spool.attach("out")
    await spool.append("in", [b"a" * 50, b"b" * 40])
    waiting = spool.append("in", [b"c" * 50])
    await until_full(spool)
    await spool.advance("out", Progress(1, delivered=1, buried=(Buried(b"b" * 40, "no", "in"),)))
    assert await waiting == Taken(1, 0)


async def test_an_append_larger_than_the_spool_gets_through_alone(opened: Opener) -> None:
    """It waits for an empty spool, and then it does not wait for ever."""
    spool = await opened(max_bytes=1000)
    await spool.attach("out")
    await spool.append("in", [b"a"])
    huge = spool.append("in", [b"b" * 5000, b"c" * 5000])
    await until_full(spool)
    await deliver(spool)
    assert await huge == Taken(2, 0)
    assert await deliver(spool) == [b"b" * 5000, b"c" * 5000]


async def test_what_does_not_fit_at_the_end_was_never_accepted(opened: Opener) -> None:
    """Whoever still waits hears it, and the next start knows nothing of it."""
    spool = await opened(max_bytes=100)
    await spool.append("in", [b"a" * 90])
    waiting = spool.append("in", [b"b" * 90])
    await until_full(spool)
    await spool.close()
    with pytest.raises(SpoolError, match="not committed"):
        await waiting
    spool = await opened()
    assert texts(await spool.read("out", await spool.attach("out"), 1000)) == [b"a" * 90]


async def test_drop_oldest_makes_room(opened: Opener) -> None:
    """The oldest rows go, counted for each output that had not delivered them."""
    spool = await opened(max_bytes=300, on_full="drop_oldest")
    await spool.attach("out")
    await spool.attach("fast")
    for text in (b"a", b"b", b"c"):
        await spool.append("in", [text * 90])
    await deliver(spool, "fast", 1)
    await spool.append("in", [b"d" * 150])
    balance = await spool.balance()
    assert balance.holds
    assert (balance.outputs["out"].dropped, balance.outputs["fast"].dropped) == (2, 1)
    assert texts(await spool.read("out", 0, 1000)) == [b"c" * 90, b"d" * 150]
    assert await spool.attach("out") == 2


async def test_drop_oldest_gives_way_to_something_larger_than_everything(opened: Opener) -> None:
    """It is alone then."""
    spool = await opened(max_bytes=100, on_full="drop_oldest")
    await spool.attach("out")
    await spool.append("in", [b"a"])
    await spool.append("in", [b"b" * 500])
    await spool.append("in", [b"c"])
    assert await deliver(spool) == [b"c"]
    assert (await spool.balance()).outputs["out"].dropped == 2


async def test_room_made_in_the_same_commit_is_not_made_twice(opened: Opener) -> None:
    """An output that frees the space just then saves the rows of the others."""
    spool = await opened(max_bytes=200, on_full="drop_oldest")
    await spool.attach("out")
    await spool.append("in", [b"a" * 99])
    await spool.append("in", [b"b" * 99])
    progress = spool.advance("out", Progress(1, delivered=1))
    await spool.append("in", [b"c" * 99])
    await progress
    assert (await spool.balance()).outputs["out"].dropped == 0


async def test_dropped_under_way_and_delivered_counts_as_delivered(opened: Opener) -> None:
    """The delivery does not know of the drop, and the accounts must hold."""
    spool = await opened(max_bytes=200, on_full="drop_oldest")
    await spool.attach("out")
    await spool.append("in", [b"a" * 90])
    await spool.append("in", [b"b" * 90])
    under_way = await spool.read("out", 0, 1000)
    await spool.append("in", [b"c" * 190])
    assert (await spool.balance()).outputs["out"].dropped == 2
    await spool.advance("out", Progress(under_way[0].id, delivered=1))
    out = (await spool.balance()).outputs["out"]
    assert (out.delivered, out.dropped, out.holds) == (1, 1, True)
    with pytest.raises(SpoolError):
        await spool.advance("out", Progress(under_way[1].id, delivered=2))


class Disk(NamedTuple):
    """The part of `os.statvfs_result` that counts."""

    f_frsize: int
    f_blocks: int
    f_bavail: int


async def test_little_free_disk_counts_as_full(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more of the disk is taken, but the segment that is there is used, and used again."""
    disk = Disk(1, 1000 * MIB, 300 * MIB)
    monkeypatch.setattr(os, "statvfs", lambda path: disk)
    spool = await opened(min_free_bytes=200 * MIB)
    await spool.attach("out")
    await spool.append("in", [b"a" * MIB])
    disk = disk._replace(f_bavail=100 * MIB)
    waiting = [spool.append("in", [b"b" * MIB]) for _ in range(20)]
    await until_full(spool)
    assert "disk" in spool.full
    assert 5 < sum(one.done() for one in waiting) < 15
    while not all(one.done() for one in waiting):
        await deliver(spool)
    assert spool.full == ""


def test_the_reserve_leaves_small_disks_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    """256 MiB of 64 MiB could never be free; and it is never less than WAL and segment need."""
    monkeypatch.setattr(os, "statvfs", lambda path: Disk(1, 64 * MIB, 60 * MIB))
    assert Limits(Path("/"), 1, 256 * MIB, drop_oldest=False).free() == 44 * MIB
    monkeypatch.setattr(os, "statvfs", lambda path: Disk(1, 640 * MIB, 60 * MIB))
    assert Limits(Path("/"), 1, 0, drop_oldest=False).free() == 36 * MIB


async def test_drop_oldest_keeps_the_disk_free_too(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It drops as much as comes and no more, once its segments are full."""
    disk = Disk(1, 1000 * MIB, 300 * MIB)
    monkeypatch.setattr(os, "statvfs", lambda path: disk)
    spool = await opened(min_free_bytes=200 * MIB, on_full="drop_oldest")
    await spool.attach("out")
    for _ in range(FULL_BYTES // MIB):
        await spool.append("in", [b"a" * MIB])
    disk = disk._replace(f_bavail=0)
    dropped = took = 0
    while not dropped and took < 2 * FULL_BYTES // MIB:
        await spool.append("in", [b"b" * MIB])
        took += 1
        dropped = (await spool.balance()).outputs["out"].dropped
    assert 1 <= dropped <= 2
