"""The power fails at any moment: what was accepted is there, and the accounts hold."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sys
from pathlib import Path

import pytest

from bridge.config import SpoolConfig
from bridge.spool import Spool
from tests.lab.lab import Outcome
from tests.long.conftest import Table
from tests.long.recorder import Recording, command, points
from tests.spool.test_crash import LOAD, check

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not shutil.which("strace"), reason="the recorder is strace"),
]

LINES = 3000
CUTS = 200


async def record(directory: Path, trace: Path) -> None:
    """A life of the load under the recorder, ended by SIGKILL."""
    load = command(trace, sys.executable, str(LOAD), str(directory))
    process = await asyncio.create_subprocess_exec(*load, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    for _ in range(LINES):
        await process.stdout.readline()
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    os.kill(int(children.split()[0]), signal.SIGKILL)
    await process.stdout.read()
    await process.wait()


async def test_a_power_cut_at_any_moment(tmp_path: Path, table: Table) -> None:
    directory, trace, cut = tmp_path / "spool", tmp_path / "trace", tmp_path / "cut"
    await record(directory, trace)
    recording = Recording(trace, directory)
    chance = random.Random(1)
    taken_in_all = found_in_all = 0
    for said in recording.cuts(points(recording, CUTS, chance), chance, cut):
        lines = said.decode().split("\n")
        taken = max((int(line[6:]) for line in lines if line.startswith("taken ")), default=0)
        found = await accepted(cut) if taken else 0
        assert found >= taken
        assert not list(cut.glob("*damaged*"))
        taken_in_all, found_in_all = taken_in_all + taken, found_in_all + found
    assert taken_in_all > 0
    table.add("power cut", "spool alone", Outcome(taken_in_all, found_in_all, 0, 0), CUTS)


async def accepted(directory: Path) -> int:
    """How many events a spool holds or has accounted for; everything in it must agree."""
    spool = await Spool.open(SpoolConfig(directory=directory, min_free_bytes=0))
    try:
        for output in ("quick", "slow"):
            await spool.attach(output)
        return (await check(spool, directory))[0]
    finally:
        await spool.close()
