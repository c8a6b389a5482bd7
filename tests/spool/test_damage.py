"""A damaged file is set aside, and the spool begins anew."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from bridge.errors import SpoolError
from bridge.spool import Progress, Spool, Taken, damage
from bridge.spool.damage import free_name, is_damage, set_aside
from bridge.spool.recent import KEPT_BYTES
from bridge.spool.salvage import salvage
from tests.clocks import VirtualClock
from tests.spool.conftest import Opener, deliver, sql, texts

NAME = "worker-0.db.damaged-20231114T221320Z"


async def fill(opened: Opener) -> None:
    """A spool that was closed in good order, with a row."""
    spool = await opened()
    await spool.attach("out")
    await spool.append("in", [b"old"], checkpoint={"walk": 1})
    await spool.close()


async def works(opened: Opener) -> None:
    """Whether the spool takes events and gives them."""
    spool = await opened(clock=VirtualClock())
    await spool.attach("out")
    await spool.append("in", [b"new"])
    assert await deliver(spool) == [b"new"]
    assert (await spool.balance()).holds
    await spool.close()


def overwrite(path: Path, start: int, content: bytes) -> None:
    """Write into a file, as a broken disk does."""
    with path.open("r+b") as file:
        file.seek(start)
        file.write(content)


@pytest.mark.parametrize(
    ("start", "content"),
    [
        (0, b"\0" * 100),
        (0, b"\0" * 16384),
        (0, b"somebody else's file\n" * 1000),
        (68, b"\0\0\0\0"),
        (100, b"\0" * 8),
        (16384 - 600, b"X"),
        (16384 * 2, b"\xff" * 16384),
    ],
    ids=["header", "first page", "foreign", "application", "no tables", "definition", "page"],
)
async def test_a_damaged_file_is_set_aside_at_the_start(
    opened: Opener, directory: Path, start: int, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Under a name with the time, as it is; the log says what to do."""
    await fill(opened)
    overwrite(directory / "worker-0.db", start, content)
    before = (directory / "worker-0.db").read_bytes()
    await works(opened)
    after = (directory / NAME).read_bytes()
    assert len(after) == len(before)
    assert after[100:] == before[100:]
    assert NAME in caplog.text
    assert "gelf-bridge spool salvage" in caplog.text


async def test_a_file_that_is_no_database_is_set_aside(opened: Opener, directory: Path) -> None:
    """It is kept, and never prevents the start."""
    directory.mkdir()
    (directory / "worker-0.db").write_bytes(b"no database at all\n" * 1000)
    await works(opened)
    assert (directory / NAME).read_bytes() == b"no database at all\n" * 1000


async def test_an_empty_file_is_a_new_spool(opened: Opener, directory: Path) -> None:
    """As after a creation that was interrupted."""
    directory.mkdir()
    (directory / "worker-0.db").touch()
    await works(opened)
    assert not (directory / NAME).exists()


async def test_a_wal_without_its_database_is_set_aside(opened: Opener, directory: Path) -> None:
    """SQLite would delete it, and what is in it."""
    await fill(opened)
    (directory / "worker-0.db").unlink()
    (directory / "worker-0.db-wal").write_bytes(b"frames" * 10_000)
    await works(opened)
    assert (directory / f"{NAME}-wal").read_bytes() == b"frames" * 10_000


async def test_a_wal_goes_with_its_database(opened: Opener, directory: Path) -> None:
    """The newest events are in it."""
    await fill(opened)
    (directory / "worker-0.db").write_bytes(b"no database" * 1000)
    (directory / "worker-0.db-wal").write_bytes(b"frames" * 10_000)
    await works(opened)
    assert (directory / f"{NAME}-wal").read_bytes() == b"frames" * 10_000


def test_nothing_that_was_set_aside_is_overwritten(tmp_path: Path) -> None:
    """Two in one second have two names."""
    path = tmp_path / "worker-0.db"
    for text in ("one", "two", "three"):
        path.write_text(text)
        set_aside(path, 0.0)
    found = damage.files_aside(path)
    assert [one.read_text() for one in found] == ["one", "two", "three"]
    assert free_name(path, 0.0).name == "worker-0.db.damaged-19700101T000000Z-4"


async def test_a_file_that_cannot_be_opened_stays(opened: Opener, directory: Path) -> None:
    """Only its content is a reason to set it aside."""
    directory.mkdir()
    (directory / "worker-0.db").mkdir()
    with pytest.raises(SpoolError, match=r"cannot be opened: Is a directory$"):
        await opened()
    assert damage.files_aside(directory / "worker-0.db") == []


def test_a_lock_is_no_damage(tmp_path: Path) -> None:
    """Nor is a statement of ours that is wrong."""
    db = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None, timeout=0)
    db.execute("BEGIN IMMEDIATE")
    for statement in ("BEGIN IMMEDIATE", "SELECT nothing"):
        with pytest.raises(sqlite3.Error) as caught:
            other.execute(statement)
        assert not is_damage(caught.value)
    db.close()
    other.close()


async def test_a_foreign_database_is_not_set_aside(opened: Opener, directory: Path) -> None:
    """It belongs to somebody, and a wrong `directory` is a mistake to be told."""
    directory.mkdir()
    sql(directory, "CREATE TABLE somebody (name)")
    with pytest.raises(SpoolError, match="not a spool"):
        await opened()
    assert damage.files_aside(directory / "worker-0.db") == []


async def test_everything_small_goes_on_in_the_new_file(opened: Opener, directory: Path) -> None:
    """Checkpoints, keys, kinds, notes, accounts and ids; only the rows wait to be salvaged."""
    spool = await opened()
    await spool.attach("out")
    kinds = {"field": "text"}
    for number in range(3):
        event = [b"%d" % number]
        await spool.append("in", event, uids=[f"{number}"], checkpoint={"w": number}, kinds=kinds)
    await spool.remember("note", [1])
    await spool.advance("out", Progress(1, delivered=1))
    await spool.close()
    overwrite(directory / "worker-0.db", 0, b"\0" * 100)
    spool = await opened()
    assert await spool.checkpoint("in", "w") == 2
    assert await spool.unseen("in", ["0", "2", "3"]) == {"3"}
    assert spool.kinds == kinds
    assert spool.recall("note") == [1]
    balance = await spool.balance()
    assert balance.holds
    assert balance.inputs["in"].accepted == 3
    out = balance.outputs["out"]
    assert (out.accepted, out.delivered, out.dropped, out.spooled) == (3, 1, 2, 0)
    await spool.append("in", [b"new"])
    assert [batch.id for batch in await spool.read("out", 0, 1000)] == [4]
    assert len(spool.aside) == 1


def damage_in_use(directory: Path) -> None:
    """Zeros over everything, as a disk may write while the bridge runs."""
    for path in (*directory.glob("worker-0.db*"), *directory.glob("*-rows/*")):
        if path.is_file():
            overwrite(path, 0, b"\0" * path.stat().st_size)


async def test_a_file_that_is_damaged_in_use_is_replaced(
    spool: Spool, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is still in memory is not even lost, and whoever waits gets what was asked for."""
    spool.kinds["known"] = "text"
    await spool.append("in", [b"one"], checkpoint={"walk": 1})
    await spool.append("in", [b"two"])
    under_way = await spool.read("out", 0, 2**20)
    size = KEPT_BYTES * 3 // 4
    for letter in (b"y", b"z"):
        await spool.append("in", [letter * size])
    damage_in_use(directory)
    async with asyncio.timeout(10):
        assert texts(await spool.read("out", 0, 1)) == [b"z" * size]
        assert await spool.append("in", [b"three"], checkpoint={"walk": 3}) == Taken(1, 0)
    assert len(spool.aside) == 1
    assert spool.trouble == ""
    await spool.advance("out", Progress(under_way[-1].id, delivered=2))
    assert (await deliver(spool))[-1] == b"three"
    assert await spool.checkpoint("in", "walk") == 3
    balance = await spool.balance()
    assert balance.holds
    assert balance.outputs["out"].dropped == 1  # the one that was on the disk alone
    assert sql(directory, "PRAGMA integrity_check") == [("ok",)]


async def three(opened: Opener) -> None:
    """A spool that was closed in good order, with three rows."""
    spool = await opened()
    await spool.attach("out")
    for number in range(3):
        await spool.append("in", [b"%d" % number])
    await spool.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE batches SET segment = 99 WHERE id = 3",
        "UPDATE batches SET segment = 'x' WHERE id = 3",
        "UPDATE batches SET start = start + 1 WHERE id = 1",
        "UPDATE batches SET bytes = 1 << 60 WHERE id = 3",
        "UPDATE batches SET input = 7 WHERE id = 1",
        "DELETE FROM batches WHERE id = 3",
        "DELETE FROM batches",
    ],
)
async def test_what_is_damaged_decides_about_no_row(
    opened: Opener, directory: Path, statement: str
) -> None:
    """A file of rows is given up only when it is certain that they are all delivered."""
    await three(opened)
    sql(directory, statement)
    await works(opened)
    (aside,) = damage.files_aside(directory / "worker-0.db")
    assert salvage(aside, directory, 2**20).events == 3


async def test_a_row_that_is_damaged_between_others_is_noticed_when_it_is_read(
    opened: Opener, directory: Path
) -> None:
    await three(opened)
    sql(directory, "UPDATE batches SET bytes = 'much' WHERE id = 2")
    spool = await opened()
    position = await spool.attach("out")
    reading = asyncio.ensure_future(spool.read("out", position, 2**20))
    async with asyncio.timeout(10):
        while not spool.aside:
            await asyncio.sleep(0.01)
        await spool.append("in", [b"new"])
        assert texts(await reading) == [b"new"]
    await spool.close()
    assert salvage(spool.aside[0], directory, 2**20).events == 3


@pytest.mark.parametrize("change", ["segment = segment + 1", "start = start + 1"])
async def test_what_is_damaged_in_use_decides_about_no_row(
    opened: Opener, directory: Path, change: str
) -> None:
    """Before files are written again, the first row that is left must be where it is said to be."""
    spool = await opened()
    await spool.attach("out")
    for number in range(40):
        await spool.append("in", [b"%d" % number * 2**20])
    await spool.advance("out", Progress(0))
    sql(directory, f"UPDATE batches SET {change} WHERE id > 20")
    await spool.advance("out", Progress(20, delivered=20))
    async with asyncio.timeout(10):
        while not spool.aside:
            await asyncio.sleep(0.01)
    await spool.close()
    assert salvage(spool.aside[0], directory, 2**30).events >= 20
