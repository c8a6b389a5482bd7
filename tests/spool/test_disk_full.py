"""A disk that is really full: inputs wait, outputs go on, and all resumes by itself."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.config import SpoolConfig
from bridge.errors import SpoolError
from bridge.spool import Progress, Spool, committer
from bridge.spool.salvage import salvage
from tests.spool.conftest import sql, texts
from tests.spool.wrecks import PAGE, make

MIB = 1024 * 1024
DISK = 32 * MIB
MUST = os.environ.get("GELF_BRIDGE_REQUIRE_FAULTS") == "1"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 MiB, in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        assert not MUST, done.stderr
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is tried again soon."""
    monkeypatch.setattr(committer, "RETRY_SECONDS", 0.05)


def occupy(disk: Path, leave: int) -> Path:
    """Somebody else's file, which leaves so many bytes free."""
    status = os.statvfs(disk)
    hog = disk / "hog"
    hog.write_bytes(bytes(max(0, status.f_bavail * status.f_frsize - leave)))
    return hog


async def opened(disk: Path) -> Spool:
    config = SpoolConfig(directory=disk / "spool", max_bytes=1024 * MIB, min_free_bytes=0)
    spool = await Spool.open(config)
    await spool.attach("out")
    return spool


async def take(spool: Spool, count: int) -> list[bytes]:
    """Deliver so many events, as many at a time as are read at once."""
    found: list[bytes] = []
    position = await spool.attach("out")
    while len(found) < count:
        for batch in await spool.read("out", position, MIB):
            advancing = spool.advance("out", Progress(batch.id, delivered=batch.count))
            position = batch.id
            found += texts([batch])
        await advancing
    return found


def event(number: int) -> bytes:
    return b"%d " % number * 20_000


async def test_a_disk_that_fills_up_by_events_empties_again(disk: Path) -> None:
    """Far more than it holds gets through, in order, and none is lost."""
    spool = await opened(disk)
    flying = [spool.append("in", [event(number)]) for number in range(600)]
    async with asyncio.timeout(20):
        while not spool.full:
            await asyncio.sleep(0.01)
        assert not flying[-1].done()
        assert (await spool.balance()).holds
        assert await take(spool, 600) == [event(number) for number in range(600)]
        await asyncio.gather(*flying)
    assert (spool.full, spool.trouble) == ("", "")
    assert (await spool.balance()).holds
    await spool.close()
    assert sql(disk / "spool", "PRAGMA integrity_check") == [("ok",)]


async def test_a_disk_that_others_fill_costs_nothing(disk: Path) -> None:
    """With not a byte left nothing can be committed; afterwards all resumes by itself."""
    spool = await opened(disk)
    await asyncio.gather(*(spool.append("in", [event(number)]) for number in range(40)))
    hog = occupy(disk, 0)
    waiting = [spool.append("in", [event(number)]) for number in range(40, 60)]
    async with asyncio.timeout(20):
        while not spool.full and not spool.trouble:
            await asyncio.sleep(0.01)
        delivering = asyncio.create_task(take(spool, 60))
        while not spool.trouble:
            await asyncio.sleep(0.01)
        hog.unlink()
        assert await delivering == [event(number) for number in range(60)]
        await asyncio.gather(*waiting)
    assert (spool.full, spool.trouble, spool.aside) == ("", "", [])
    assert (await spool.balance()).holds
    await spool.close()


async def test_a_kill_on_a_full_disk_loses_nothing(disk: Path) -> None:
    """The files are as they were at that moment, and are opened as soon as there is room."""
    spool = await opened(disk)
    await asyncio.gather(*(spool.append("in", [event(number)]) for number in range(40)))
    occupy(disk, 0)
    spool.append("in", [event(40)])
    while not spool.full and not spool.trouble:
        await asyncio.sleep(0.01)
    copy = disk.with_name("copy")
    shutil.copytree(disk / "spool", copy)
    await spool.close()
    spool = await Spool.open(SpoolConfig(directory=copy, min_free_bytes=0))
    assert (await take(spool, 40))[:40] == [event(number) for number in range(40)]
    assert spool.aside == []
    await spool.close()


async def test_a_new_spool_on_a_full_disk_is_told(disk: Path) -> None:
    occupy(disk, 0)
    with pytest.raises(SpoolError, match=r"disk"):
        await opened(disk)


async def test_a_damaged_file_on_a_full_disk_waits_for_room(disk: Path, tmp_path: Path) -> None:
    """It is set aside, nothing of it is lost, and the start succeeds when there is room."""
    image = await make(tmp_path / "made")
    image.write(disk / "spool", main=bytes(PAGE) + image.main[PAGE:])
    hog = occupy(disk, 0)
    with pytest.raises(SpoolError):
        await opened(disk)
    hog.unlink()
    spool = await opened(disk)
    (aside,) = spool.aside
    await spool.close()
    assert salvage(aside, disk / "spool", MIB).rows == len(image.waiting)
