"""Rows that the database had not been told of when the bridge ended are found in their segments."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from bridge.config import SpoolConfig
from bridge.spool import Batch, Progress, Spool, committer
from bridge.spool.records import size_of
from bridge.spool.segments import Segments
from tests.spool.conftest import indexed, sql, texts

MIB = 2**20


@pytest.fixture(autouse=True)
def never_indexed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is told of rows in an hour, or with something else."""
    monkeypatch.setattr(committer, "INDEX_SECONDS", 3600)


async def after_a_kill(directory: Path, name: str = "killed") -> Spool:
    """A spool with the files that the first one has at this moment."""
    copy = directory.with_name(name)
    shutil.copytree(directory, copy)
    return await Spool.open(SpoolConfig(directory=copy), is_locked=True)


def damage(directory: Path, place: int) -> None:
    """Overwrite 100 octets of the only segment."""
    (segment,) = (directory / "worker-0.db-rows").iterdir()
    with segment.open("r+b") as file:
        file.seek(place)
        file.write(bytes(100))


def first_letters(batches: list[Batch]) -> list[bytes]:
    """The first letter of each document."""
    return [text[:1] for text in texts(batches)]


async def begun(spool: Spool) -> None:
    """The first commit tells of everything; only those behind it have time."""
    await spool.append("in", [b"0"])
    await indexed(spool)


async def test_a_row_that_was_accepted_is_found(spool: Spool, directory: Path) -> None:
    """With its input, its target and its accounts, though no table has it."""
    await spool.attach("second")
    await begun(spool)
    await spool.append("in", [b"1", b"2"])
    await spool.append("other", [b"3"], target="second")
    assert sql(directory, "SELECT id FROM batches") == [(1,)]
    killed = await after_a_kill(directory)
    assert texts(await killed.read("out", 0, MIB)) == [b"0", b"1", b"2"]
    assert texts(await killed.read("second", 0, MIB)) == [b"0", b"1", b"2", b"3"]
    expected, balance = await spool.balance(), await killed.balance()
    assert balance.holds
    assert balance == expected
    await killed.close()


async def test_it_is_found_once(spool: Spool, directory: Path) -> None:
    """The next start finds it in the database."""
    await begun(spool)
    await spool.append("in", [b"1"])
    for life in range(3):
        killed = await after_a_kill(directory, f"life {life}")
        assert (await killed.balance()).inputs["in"].accepted == 2 + life
        await killed.append("in", [b"of life %d" % life])
        directory = directory.with_name(f"life {life}")
        shutil.copytree(directory, directory.with_name(f"as of {life}"))
        await killed.close()
    assert [row for (row,) in sql(directory, "SELECT id FROM batches")] == [1, 2, 3, 4, 5]


async def test_rows_of_several_segments_are_found(
    spool: Spool, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.spool.segments.SEGMENT_BYTES", 65536)
    monkeypatch.setattr("bridge.spool.segments.FULL_BYTES", 49152)
    await begun(spool)
    documents = [b"%d" % number + b" " * 9000 for number in range(30)]
    for document in documents:
        await spool.append("in", [document])
    killed = await after_a_kill(directory)
    assert texts(await killed.read("out", 1, MIB)) == documents
    assert len(list((directory / "worker-0.db-rows").iterdir())) > 4
    await killed.close()


async def test_rows_behind_others_that_are_gone_are_found(spool: Spool, directory: Path) -> None:
    """The last row that the database has is not the last one that was written."""
    await spool.attach("second")
    await begun(spool)
    await spool.append("in", [b"for two" + b" " * 5000], target="second")
    await indexed(spool)
    done = spool.advance("second", Progress(2, delivered=2))
    await spool.attach("third")
    await done
    assert sql(directory, "SELECT id FROM batches") == [(1,)]
    await spool.append("in", [b"1"])
    killed = await after_a_kill(directory)
    assert texts(await killed.read("out", 0, MIB)) == [b"0", b"1"]
    await killed.close()


async def test_rows_behind_nothing_are_found(spool: Spool, directory: Path) -> None:
    """All that was there before is delivered; its octets still lie in the segment."""
    await begun(spool)
    await spool.append("in", [b"x" * 2 * MIB])
    await indexed(spool)
    done = spool.advance("out", Progress(2, delivered=2))
    await spool.attach("out")
    await done
    assert sql(directory, "SELECT id FROM batches") == []
    await spool.append("in", [b"1"])
    await spool.append("in", [b"2"])
    killed = await after_a_kill(directory)
    assert texts(await killed.read("out", 2, MIB)) == [b"1", b"2"]
    assert (await killed.balance()).holds
    await killed.close()


@pytest.mark.parametrize(("first", "left"), [(0, [b"0", b"2", b"3"]), (5100, [b"0", b"1", b"3"])])
async def test_a_damaged_row_costs_no_other(
    spool: Spool,
    directory: Path,
    caplog: pytest.LogCaptureFixture,
    first: int,
    left: list[bytes],
) -> None:
    """It is told, and the rows behind it are there."""
    await begun(spool)
    end = size_of("in", None, 1)
    for text in (b"1", b"2", b"3"):
        await spool.append("in", [text * 5000])
    damage(directory, end + first)
    killed = await after_a_kill(directory)
    assert first_letters(await killed.read("out", 0, MIB)) == left
    assert "1 of the newest rows in" in caplog.text
    assert "cannot be read" in caplog.text
    assert (await killed.balance()).holds
    await killed.append("in", [b"4"])
    await indexed(killed)
    assert first_letters(await killed.read("out", 0, MIB)) == [*left, b"4"]
    await killed.close()


async def test_what_was_cut_is_not_accepted(
    spool: Spool, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A row at the end is there with all its octets, or it was never accepted."""
    await begun(spool)
    for text in (b"1", b"2"):
        await spool.append("in", [text * 5000])
    damage(directory, 2 * 5000)
    killed = await after_a_kill(directory)
    assert first_letters(await killed.read("out", 0, MIB)) == [b"0", b"1"]
    assert not caplog.text
    await killed.append("in", [b"3"])
    await indexed(killed)
    assert first_letters(await killed.read("out", 0, MIB)) == [b"0", b"1", b"3"]
    await killed.close()


@pytest.mark.parametrize("options", [{"uids": ["a"]}, {"checkpoint": {"walk": 1}}])
async def test_a_row_of_a_transaction_is_accepted_with_it(
    spool: Spool, directory: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    """Killed between the two, neither row nor key nor checkpoint is there."""
    await begun(spool)
    await spool.append("in", [b"1"])
    write, copies = Segments.write, []

    def and_copy(segments: Segments) -> None:
        write(segments)
        copies.append(shutil.copytree(directory, directory.with_name("killed")))

    monkeypatch.setattr(Segments, "write", and_copy)
    await spool.append("in", [b"2"], **options)
    monkeypatch.undo()
    assert len(copies) == 1
    killed = await Spool.open(SpoolConfig(directory=copies[0]), is_locked=True)
    assert texts(await killed.read("out", 0, MIB)) == [b"0", b"1"]
    assert await killed.unseen("in", ["a"]) == {"a"}
    assert await killed.checkpoint("in", "walk") is None
    await killed.close()


async def test_a_stop_tells_the_database_of_everything(spool: Spool, directory: Path) -> None:
    await begun(spool)
    await spool.append("in", [b"1"])
    await spool.close()
    assert sql(directory, "SELECT id, count FROM batches") == [(1, 1), (2, 1)]


async def test_a_late_output_finds_rows_on_the_disk_at_once(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait until the database would be told of them anyway."""
    monkeypatch.setattr("bridge.spool.recent.KEPT_BYTES", 1000)
    await begun(spool)
    documents = [b"%d" % number * 900 for number in range(5)]
    for document in documents:
        await spool.append("in", [document])
    found: list[bytes] = []
    position = 1
    while len(found) < len(documents):
        batches = await spool.read("out", position, MIB)
        found += texts(batches)
        position = batches[-1].id
    assert found == documents


async def test_progress_waits_for_the_database_and_not_longer(spool: Spool) -> None:
    """It is committed with whatever must be written at once."""
    await begun(spool)
    progress = spool.advance("out", Progress(1, delivered=1))
    await spool.append("in", [b"1"])
    assert not progress.done()
    await spool.append("in", [b"2"], checkpoint={"walk": 1})
    assert progress.done()


async def test_progress_does_not_wait_while_there_is_no_room(
    directory: Path,
) -> None:
    spool = await Spool.open(SpoolConfig(directory=directory, max_bytes=1000))
    await spool.attach("out")
    await begun(spool)
    await spool.append("in", [b"x" * 900])
    waiting = spool.append("in", [b"y" * 900])
    while not spool.full:
        await asyncio.sleep(0.001)
    await spool.advance("out", Progress(2, delivered=2))
    await waiting
    await spool.close()
