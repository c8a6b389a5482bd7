"""The newest rows in memory, and appends that wait until they are read."""

from __future__ import annotations

import asyncio

import pytest

from bridge.spool import Spool, Taken, committer, recent
from bridge.spool.model import Batch
from bridge.spool.recent import Recent
from bridge.spool.transaction import Row
from tests.spool.conftest import deliver, texts

KIB = 1024


def row(position: int, size: int = 10, target: str | None = None) -> Row:
    return Row(Batch(position, "in", 1, b"x" * size), target)


def ids(batches: list[Batch]) -> list[int]:
    return [batch.id for batch in batches]


def test_it_reads_as_the_file_does() -> None:
    """One row at least, then up to a size, and only what is meant for the output."""
    rows = Recent(4)
    rows.add([row(5), row(6, target="other"), row(7), row(9)], floor=0)
    assert ids(rows.read("out", 4, 0)) == [5]
    assert ids(rows.read("out", 4, 20)) == [5, 7]
    assert ids(rows.read("other", 5, 100)) == [6, 7, 9]
    assert rows.read("out", 9, 100) == []


def test_deleted_rows_are_let_go() -> None:
    """They cost memory, and nobody will ask for them."""
    rows = Recent(0)
    rows.add([row(1), row(2), row(3)], floor=0)
    rows.add([], floor=2)
    assert rows.start == 2
    assert ids(rows.read("out", 2, 100)) == [3]


def test_what_everybody_has_read_is_let_go() -> None:
    """Whoever wants it once more, because it did not arrive, finds it on the disk."""
    rows = Recent(0)
    rows.add([row(1), row(2), row(3)], floor=0)
    rows.read("slow", 0, 0)
    rows.read("out", 0, 100)
    rows.add([row(4)], floor=0)
    assert rows.start == 1
    assert ids(rows.read("slow", 1, 100)) == [2, 3, 4]
    rows.add([row(5)], floor=0)
    assert rows.start == 3


def test_it_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go; what is left is without a gap."""
    monkeypatch.setattr(recent, "KEPT_BYTES", 100)
    rows = Recent(0)
    rows.add([row(n, size=40) for n in range(1, 6)], floor=0)
    assert rows.start == 3
    assert ids(rows.read("out", 3, 1000)) == [4, 5]
    rows.add([row(6, size=500)], floor=0)
    assert rows.start == 6
    rows.add([row(7)], floor=0)
    assert ids(rows.read("out", 6, 1000)) == [7]


def test_it_is_bounded_in_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small ones are not cheap either."""
    monkeypatch.setattr(recent, "KEPT_ROWS", 3)
    rows = Recent(0)
    rows.add([row(n) for n in range(1, 11)], floor=0)
    assert rows.start == 7


def test_it_knows_what_is_not_read() -> None:
    """By an output that reads from memory, and only what is meant for it."""
    rows = Recent(0)
    rows.add([row(1, 60), row(2, 30), row(3, 10, target="other")], floor=0)
    assert rows.unread() == 0
    rows.read("out", 0, 60)
    assert rows.unread() == 30
    rows.read("other", 0, 0)
    assert rows.unread() == 40
    rows.forget(["other"])
    assert rows.unread() == 30


def test_who_reads_from_the_disk_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it reads from memory again."""
    monkeypatch.setattr(recent, "KEPT_BYTES", 100)
    rows = Recent(0)
    rows.add([row(1, 60)], floor=0)
    rows.read("out", 0, 0)
    rows.add([row(2, 90)], floor=0)
    assert rows.unread() == 90
    rows.add([row(3, 80)], floor=0)
    assert rows.unread() == 0
    rows.add([row(4, 10)], floor=0)
    rows.read("out", 2, 0)
    assert rows.unread() == 10


def keep(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """So many bytes fit into memory."""
    for module in (recent, committer):
        monkeypatch.setattr(module, "KEPT_BYTES", size)
    monkeypatch.setattr(committer, "CAUGHT_UP_BYTES", 100)


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of 1 KiB fits into memory, a second one does not."""
    keep(monkeypatch, 1500)


@pytest.fixture
def very_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An output that keeps up is waited for without end."""
    monkeypatch.setattr(committer, "PATIENCE_SECONDS", 3600)


@pytest.mark.usefixtures("small_memory", "very_patient")
async def test_appends_wait_for_an_output_that_keeps_up(spool: Spool) -> None:
    """What it has not read stays in memory; as soon as it has, they go on."""
    await spool.attach("out")
    await spool.append("in", [b"1" * KIB])
    first = await spool.read("out", 0, 1)
    await spool.append("in", [b"2" * KIB])
    third = spool.append("in", [b"3" * KIB])
    await spool.remember("orders", "do not wait")
    await asyncio.sleep(0.05)
    assert not third.done()
    second = await spool.read("out", first[-1].id, 1)
    assert await third == Taken(1, 0)
    assert texts(await spool.read("out", second[-1].id, 1)) == [b"3" * KIB]


@pytest.mark.usefixtures("small_memory")
async def test_a_stuck_output_is_waited_for_once(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a moment; then it must read from the disk, and holds up nobody."""
    await spool.attach("out")
    await spool.append("in", [b"1" * KIB])
    await spool.read("out", 0, 1)
    began = asyncio.get_running_loop().time()
    for _ in range(3):
        await spool.append("in", [b"x" * KIB])
    assert asyncio.get_running_loop().time() - began >= committer.PATIENCE_SECONDS
    monkeypatch.setattr(committer, "PATIENCE_SECONDS", 3600)
    for _ in range(5):
        await spool.append("in", [b"x" * KIB])
    assert len(await deliver(spool)) == 9


async def test_a_slow_output_is_left_behind(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads again and again, and never catches up: it does not set the pace of the inputs."""
    keep(monkeypatch, 3500)
    await spool.attach("out")
    await spool.append("in", [b"x" * KIB])
    at = (await spool.read("out", 0, 1))[-1].id
    for _ in range(3):
        await spool.append("in", [b"x" * KIB])
    for _ in range(20):
        future = spool.append("in", [b"x" * KIB])
        await asyncio.sleep(committer.PATIENCE_SECONDS / 2)
        at = (await spool.read("out", at, 1))[-1].id
        await future
    monkeypatch.setattr(committer, "PATIENCE_SECONDS", 3600)
    async with asyncio.timeout(10):
        for _ in range(3):
            await spool.append("in", [b"x" * KIB])


async def test_patience_comes_back_with_time(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """At full rate an output catches up seldom; that is no reason to leave it behind."""
    keep(monkeypatch, 1500)
    monkeypatch.setattr(committer, "PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(committer, "PATIENCE_SHARE", 1.5)
    await spool.attach("out")
    await spool.append("in", [b"x" * KIB])
    at = (await spool.read("out", 0, 1))[-1].id
    await spool.append("in", [b"x" * KIB])
    for _ in range(12):
        future = spool.append("in", [b"x" * KIB])
        await asyncio.sleep(0.05)
        assert not future.done()
        at = (await spool.read("out", at, 1))[-1].id
        await future


@pytest.mark.usefixtures("small_memory", "very_patient")
async def test_close_waits_for_no_output(spool: Spool) -> None:
    """What was appended is committed, whoever has not read it."""
    await spool.attach("out")
    await spool.append("in", [b"1" * KIB])
    await spool.read("out", 0, 1)
    futures = [spool.append("in", [b"x" * KIB]) for _ in range(2)]
    await asyncio.sleep(0.05)
    assert not any(future.done() for future in futures)
    await spool.close()
    assert [future.result() for future in futures] == [Taken(1, 0)] * 2
