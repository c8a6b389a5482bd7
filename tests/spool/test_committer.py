"""Group commit, and a file that cannot be written."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.errors import SpoolError
from bridge.spool import Progress, Spool, Taken, committer
from bridge.spool.packing import ROW_BYTES
from bridge.spool.pen import PythonPen
from bridge.spool.segments import write_in_python
from bridge.spool.store import Store
from bridge.spool.transaction import Transaction
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
    """One sync for all that came together, and rows of a bounded size."""
    futures = [spool.append("in", [b"x" * 700]) for _ in range(1000)]
    futures += [spool.append("other", [b"y"]) for _ in range(1000)]
    await asyncio.gather(*futures)
    await indexed(spool)
    rows = sql(directory, "SELECT input, count, bytes, created FROM batches ORDER BY id")
    assert len({created for _, _, _, created in rows}) <= 2
    assert sum(count for _, count, _, _ in rows) == 2000
    assert max(size for _, _, size, _ in rows) <= ROW_BYTES
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
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
async def test_a_group_is_never_written_before_one_that_failed(
    opened: Opener, directory: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    """It stands ready behind it, and the order of calls is the order of rows."""
    is_ready = threading.Event()
    tries = []

    def failing(file: int, start: int, rows: list[tuple[bytes, bytes]]) -> None:
        tries.append([data[:1] for _, data in rows if data])
        if len(tries) == 1:
            is_ready.wait(10)
            raise OSError(error, os.strerror(error))
        write_in_python(file, start, rows)

    monkeypatch.setattr(committer, "new_pen", PythonPen)
    monkeypatch.setattr("bridge.spool.segments.write_rows", failing)
    spool = await opened()
    await spool.attach("out")
    futures = [spool.append("in", [b"%d" % number + b"x" * MIB]) for number in range(6)]
    while len(committer_of(spool)._under_way) < committer.GROUPS:
        await asyncio.sleep(0.001)
    is_ready.set()
    await asyncio.gather(*futures)
    assert tries == [[b"0", b"1"], [b"0", b"1"], [b"2", b"3"], [b"4", b"5"]]
    read = await spool.read("out", 0, 8 * MIB)
    assert [text[:1] for text in texts(read)] == [b"%d" % number for number in range(6)]
    assert (await spool.balance()).holds
    await spool.close()
    spool = await opened()
    assert await deliver(spool) == [b"%d" % number + b"x" * MIB for number in range(6)]
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


async def test_a_bug_reaches_progress_that_has_time(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not in the group that met the bug."""

    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    await spool.append("in", [b"a"])
    monkeypatch.setattr(Store, "draft", broken)
    progress = spool.advance("out", Progress(1, delivered=1))
    appended = spool.append("in", [b"b"])
    async with asyncio.timeout(5):
        for future in (progress, appended):
            with pytest.raises(SpoolError, match="a bug"):
                await future


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
