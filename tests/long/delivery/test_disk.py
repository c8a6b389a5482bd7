"""A disk that gets full: inputs wait, outputs go on, and all resumes by itself."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.lab import Lab
from tests.lab.play import Way, judge, play
from tests.lab.scenarios import Scenario
from tests.long.delivery.conftest import Table

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root"),
]

DISK_MIB = 48
RATE = 8000


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


def filled(disk: Path, reserve: str, by_others: bool) -> Scenario:
    """The spool fills its disk while the receiver is away; then others take what is left of it,
    to the last byte, and free it again when events have been flowing for a while."""

    async def scenario(lab: Lab, rate: float, seconds: float) -> None:
        await lab.start(spool=disk / "spool", limits=f"min_free_bytes: {reserve}")
        lab.fault()
        await lab.receiver.kill()
        lab.send(rate, 3600)
        first = await until_it_waits(lab)
        if by_others:
            fill(disk / "filler")
        await lab.receiver.start()
        if by_others:
            async with asyncio.timeout(60):
                while not lab.receiver.written():
                    await asyncio.sleep(0.1)
            await asyncio.sleep(seconds)
            assert lab.bridge.is_running
            (disk / "filler").unlink()
        async with asyncio.timeout(120):
            while await lab.accepted() <= first + rate:
                await asyncio.sleep(0.2)
        lab.stop_sending()

    return scenario


async def until_it_waits(lab: Lab) -> int:
    """How many events are accepted when the input waits."""
    before, now = -1, await lab.accepted()
    while now != before or not now:
        await asyncio.sleep(1)
        before, now = now, await lab.accepted()
    return now


def fill(path: Path) -> None:
    """Take all that is left of a disk."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            return


@pytest.mark.parametrize("by_others", [False, True], ids=["itself", "others"])
@pytest.mark.parametrize("reserve", ["4MiB", "0"])
async def test_a_full_disk(
    disk: Path, reserve: str, by_others: bool, tmp_path: Path, table: Table
) -> None:
    """With no byte left, because of others, it may be that what arrives cannot be written down as
    delivered: then that waits for space, and nothing is sent again as long as the bridge runs."""
    way = Way()
    outcome = await play(filled(disk, reserve, by_others), way, tmp_path / "lab", RATE, 5, 240)
    who = "others" if by_others else "events"
    table.add(f"disk full by {who} (min_free_bytes {reserve})", way, outcome)
    judge(outcome, RATE)
