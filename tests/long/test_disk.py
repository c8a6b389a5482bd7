"""A disk that gets full: inputs wait, outputs go on, and all resumes by itself."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.lab import Lab, lab
from tests.long.conftest import Table

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root"),
]

DISK_MIB = 48
RATE = 4000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, in memory."""
    path = tmp_path / "disk"
    path.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(path)]
    subprocess.run(["mount", *options], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


async def until_it_waits(own: Lab) -> int:
    """How many events are accepted when the input waits."""
    before, now = -1, await own.accepted()
    while now != before or not now:
        await asyncio.sleep(1)
        before, now = now, await own.accepted()
    return now


def fill(path: Path) -> None:
    """Take all that is left of a disk."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            return


@pytest.mark.parametrize("reserve", ["4MiB", "0"])
async def test_a_full_disk(disk: Path, reserve: str, tmp_path: Path, table: Table) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    async with lab(folder) as own:
        await own.start(spool=disk / "spool", limits=f"min_free_bytes: {reserve}")
        await own.receiver.kill()
        own.send(RATE, 3600)
        first = await until_it_waits(own)
        filler = disk / "filler"
        fill(filler)
        await own.receiver.start()
        await asyncio.sleep(5)
        assert own.bridge.is_running
        filler.unlink()
        async with asyncio.timeout(60):
            while await own.accepted() <= first + RATE:
                await asyncio.sleep(0.2)
        own.stop_sending()
        outcome = await own.outcome(timeout=200)
    table.add("disk full", f"tcp, fake Graylog, min_free_bytes {reserve}", outcome, 1)
    assert outcome.lost == 0
    assert outcome.delivered == outcome.accepted > first
