"""Appends that wait until the newest rows are read."""

from __future__ import annotations

import asyncio

import pytest

from bridge.spool import Batch, Spool, Taken, patience, recent
from bridge.spool.packing import ROW_BYTES
from bridge.spool.rows import Row
from tests.spool.conftest import deliver, texts

KIB = 1024


def keep(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """So many bytes fit into memory."""
    monkeypatch.setattr(recent, "KEPT_BYTES", size)
    monkeypatch.setattr(patience, "UNREAD_BYTES", size)
    monkeypatch.setattr(patience, "CAUGHT_UP_BYTES", 100)


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of 1 KiB fits into memory, a second one does not."""
    keep(monkeypatch, 1500)


@pytest.fixture
def very_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An output that keeps up is waited for without end."""
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 3600)


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
    assert asyncio.get_running_loop().time() - began >= patience.PATIENCE_SECONDS
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 3600)
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
        await asyncio.sleep(patience.PATIENCE_SECONDS / 2)
        at = (await spool.read("out", at, 1))[-1].id
        await future
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 3600)
    async with asyncio.timeout(10):
        for _ in range(3):
            await spool.append("in", [b"x" * KIB])


async def test_patience_comes_back_with_time(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """At full rate an output catches up seldom; that is no reason to leave it behind."""
    keep(monkeypatch, 1500)
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(patience, "PATIENCE_SHARE", 1.5)
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


async def test_a_group_that_gets_larger_than_planned_pushes_nothing_out() -> None:
    """Appends are not cut in two: there is room for one more than what is waited for."""
    kept = recent.Recent(0)
    size = patience.UNREAD_BYTES // 2
    kept.read("out", 0, 1)
    kept.add([Row(Batch(1, "in", 1, b"x" * size), None)], 0)
    waiting = patience.Patience(kept)
    assert not waiting.waits(0.0, patience.UNREAD_BYTES - size)
    assert waiting.waits(0.0, patience.UNREAD_BYTES - size + 1)
    larger = patience.UNREAD_BYTES - size + ROW_BYTES
    kept.add([Row(Batch(2, "in", 1, b"x" * larger), None)], 0)
    assert [batch.id for batch in kept.read("out", 0, 2 * recent.KEPT_BYTES)] == [1, 2]
