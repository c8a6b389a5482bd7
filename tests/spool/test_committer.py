"""Group commit, room, and a file that cannot be written."""

from __future__ import annotations

import asyncio
import os
import resource
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bridge.errors import SpoolError
from bridge.spool import Buried, Progress, Spool, Taken, committer
from bridge.spool.segments import FULL_BYTES
from bridge.spool.store import Done, Store
from bridge.spool.transaction import Transaction
from bridge.spool.waiting import Limits
from tests.spool.conftest import Opener, deliver, indexed, sql, texts

KIB = 1024
MIB = 1024 * 1024


@pytest.fixture
def one_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first commit the next one would be due in an hour."""
    monkeypatch.setattr(committer, "COMMIT_SECONDS", 3600)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is tried again at once."""
    monkeypatch.setattr(committer, "RETRY_SECONDS", 0.05)


async def test_many_appends_share_few_commits(spool: Spool, directory: Path) -> None:
    """One sync for all that came together, and rows of 512 KiB at most."""
    futures = [spool.append("in", [b"x" * 700]) for _ in range(1000)]
    futures += [spool.append("other", [b"y"]) for _ in range(1000)]
    await asyncio.gather(*futures)
    await indexed(spool)
    rows = sql(directory, "SELECT input, count, bytes, created FROM batches ORDER BY id")
    assert len({created for _, _, _, created in rows}) <= 2
    assert sum(count for _, count, _, _ in rows) == 2000
    assert max(size for _, _, size, _ in rows) <= 512 * KIB
    assert len(rows) <= 4


@pytest.mark.usefixtures("one_commit")
async def test_a_commit_waits_for_company_unless_much_is_waiting(spool: Spool) -> None:
    """One now, the next after the interval or with the first MiB."""
    await asyncio.sleep(0)
    small = spool.append("in", [b"small"])
    while committer_of(spool).unsettled.total() < 1:
        await asyncio.sleep(0)
    assert not small.done()
    assert await spool.append("in", [b"x" * MIB]) == Taken(1, 0)
    assert small.done()


@pytest.mark.usefixtures("one_commit")
async def test_what_a_full_group_has_left_does_not_wait_if_it_is_much(spool: Spool) -> None:
    """Nothing more may come meanwhile: whoever sends it may be waiting, too."""
    async with asyncio.timeout(5):
        await asyncio.gather(*(spool.append("in", [b"x" * (MIB + 1)]) for _ in range(3)))


@pytest.mark.usefixtures("one_commit")
async def test_close_does_not_wait_for_company(spool: Spool) -> None:
    """An orderly stop has little time."""
    future = spool.append("in", [b"last"])
    await spool.close()
    assert await future == Taken(1, 0)


async def test_a_group_is_bounded(spool: Spool, directory: Path) -> None:
    """It takes about 2 MiB, whatever waits, so that a commit is short."""
    futures = [spool.append("in", [b"x" * MIB]) for _ in range(12)]
    await asyncio.gather(*futures)
    await indexed(spool)
    commits = sql(directory, "SELECT SUM(bytes) FROM batches GROUP BY created")
    assert len(commits) >= 3
    assert (directory / "worker-0.db-wal").stat().st_size < 24 * MIB


def committer_of(spool: Spool) -> committer.Committer:
    return spool._committer


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
    """It drops as much as comes and no more, once its segment is full."""
    disk = Disk(1, 1000 * MIB, 300 * MIB)
    monkeypatch.setattr(os, "statvfs", lambda path: disk)
    spool = await opened(min_free_bytes=200 * MIB, on_full="drop_oldest")
    await spool.attach("out")
    for _ in range(FULL_BYTES // MIB):
        await spool.append("in", [b"a" * MIB])
    disk = disk._replace(f_bavail=0)
    await spool.append("in", [b"b" * MIB])
    dropped = (await spool.balance()).outputs["out"].dropped
    assert 1 <= dropped <= 2


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Writes beyond a file size fail, as they do on a full or broken disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("impatient")
async def test_a_disk_that_fails_stops_inputs_and_not_outputs(
    spool: Spool, directory: Path
) -> None:
    """It is said, tried again, and nothing is lost or taken twice."""
    said: list[str] = []
    spool.on_trouble(said.append)
    await spool.append("in", [b"a"], checkpoint={"walk": 1})
    wal = (directory / "worker-0.db-wal").stat().st_size
    with no_file_larger_than(wal + 256 * KIB):
        large = spool.append("in", [b"b" * MIB], uids=["b"], checkpoint={"walk": 2})
        while not spool.trouble:
            await asyncio.sleep(0.001)
        assert await deliver(spool) == [b"a"]
        assert not large.done()
        assert (await spool.balance()).holds
        assert "trying again" in spool.trouble
    assert await large == Taken(1, 0)
    assert spool.trouble == ""
    assert said == [said[0], ""]
    assert texts(await spool.read("out", 0, 1)) == [b"b" * MIB]
    assert await spool.checkpoint("in", "walk") == 2
    assert (await spool.balance()).holds


@pytest.mark.usefixtures("impatient")
async def test_the_order_survives_a_disk_that_fails(spool: Spool, directory: Path) -> None:
    """What is tried again stays before what came meanwhile."""
    tried = (directory / "worker-0.db-wal").stat().st_size
    with no_file_larger_than(tried):
        futures = []
        while not spool.trouble or len(futures) < 100:
            futures.append(spool.append("in", [b"%d" % len(futures)]))
            await asyncio.sleep(0.001)
    await asyncio.gather(*futures)
    assert texts(await spool.read("out", 0, MIB)) == [b"%d" % n for n in range(len(futures))]


@pytest.mark.usefixtures("impatient")
async def test_a_group_is_never_written_before_one_that_failed(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands ready behind it, and the order of calls is the order of rows."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    is_ready = threading.Event()
    commit, tries = Store.commit, []

    def failing(
        store: Store, orders: list[Any], appends: list[Any], ceiling: float, *, index: bool
    ) -> Done:
        tries.append([append.data[:1] for append in appends])
        if len(tries) == 1:
            is_ready.wait(10)
            raise error
        return commit(store, orders, appends, ceiling, index=index)

    monkeypatch.setattr(Store, "commit", failing)
    futures = [spool.append("in", [b"%d" % number + b"x" * MIB]) for number in range(6)]
    while len(committer_of(spool)._under_way) < committer.GROUPS:
        await asyncio.sleep(0.001)
    is_ready.set()
    await asyncio.gather(*futures)
    assert tries[0] == tries[1] == [b"0", b"1"]
    assert [text[:1] for text in texts(await spool.read("out", 0, 8 * MIB))] == [
        b"%d" % number for number in range(6)
    ]
    assert (await spool.balance()).holds


@pytest.mark.usefixtures("impatient")
async def test_progress_waits_for_the_disk_when_nothing_can_be_written(spool: Spool) -> None:
    """And is committed when it is back."""
    await spool.append("in", [b"a"])
    with no_file_larger_than(KIB):
        progress = spool.advance("out", Progress(1, delivered=1))
        while not spool.trouble:
            await asyncio.sleep(0.001)
        assert (await spool.balance()).outputs["out"].delivered == 0
    await progress
    assert await spool.empty()
    assert spool.trouble == ""


async def test_close_gives_up_on_a_disk_that_fails(spool: Spool) -> None:
    """An orderly stop must end; what waits was never accepted."""
    with no_file_larger_than(KIB):
        future = spool.append("in", [b"a" * 2 * KIB])
        await spool.close()
    with pytest.raises(SpoolError, match="not committed"):
        await future


async def test_a_bug_in_the_writer_reaches_everybody(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for ever on a spool that has stopped."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    reading = asyncio.create_task(spool.read("out", 0, 1))
    monkeypatch.setattr(Store, "commit", broken)
    with pytest.raises(SpoolError, match="a bug"):
        await spool.append("in", [b"a"])
    with pytest.raises(SpoolError, match="a bug"):
        await reading
    with pytest.raises(SpoolError, match="a bug"):
        spool.append("in", [b"b"])


async def test_a_bug_in_the_middle_leaves_nothing_half_done(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole group is rolled back, and the next start finds what was committed before."""

    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    spool = await opened()
    await spool.append("in", [b"a"], checkpoint={"walk": 1})
    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "save", broken)
        with pytest.raises(SpoolError, match="a bug"):
            await spool.append("in", [b"b"], checkpoint={"walk": 2})
        await spool.close()
    spool = await opened()
    assert texts(await spool.read("out", await spool.attach("out"), 1)) == [b"a"]
    assert await spool.checkpoint("in", "walk") == 1
    assert (await spool.balance()).holds
