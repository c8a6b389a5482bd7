"""A power failure takes nothing that was accepted before it."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from bridge.config import SpoolConfig
from bridge.spool import Spool
from tests.spool.conftest import sql
from tests.spool.power import Disk, Step, record
from tests.spool.test_crash import LOAD, Said, check, said

MUST = os.environ.get("GELF_BRIDGE_REQUIRE_FAULTS") == "1"

pytestmark = pytest.mark.skipif(
    not MUST and not shutil.which("strace"), reason="strace is not installed"
)


async def judge(directory: Path, lines: list[bytes]) -> None:
    """Everything that was said to be accepted is there, and nothing was taken for damage."""
    before = said(lines)
    spool = await Spool.open(SpoolConfig(directory=directory, min_free_bytes=0))
    try:
        assert spool.aside == []
        if "quick" in (await spool.balance()).outputs:
            now = await check(spool, directory)
        else:
            now = Said(await spool.checkpoint("in", "walk") or 0)
        assert now.taken >= before.taken
        assert now.plain >= before.plain
        assert now.passed >= before.passed
        assert sql(directory, "PRAGMA integrity_check") == [("ok",)]
    finally:
        await spool.close()


async def fail_everywhere(steps: list[Step], folder: Path, failures: int, seed: int) -> int:
    """Let the power fail at that many moments; how many syncs had come before the last one."""
    chance = random.Random(seed)
    moments = sorted(chance.sample(range(len(steps)), failures))
    disk, syncs = Disk(), 0
    for number, step in enumerate(steps):
        disk.do(step)
        syncs += step.call == "sync"
        if moments and number == moments[0]:
            moments.pop(0)
            directory = folder / str(number)
            disk.fail(directory, chance, chance.choice([0, 0.3, 0.7, 0.97, 1]))
            await judge(directory, disk.said)
            shutil.rmtree(directory)
    return syncs


async def test_what_was_accepted_survives_a_power_failure(tmp_path: Path) -> None:
    """At any moment, whatever part of the writes after the last sync has reached the disk."""
    steps = record(tmp_path, str(LOAD), str(tmp_path / "spool"), "700")
    syncs = await fail_everywhere(steps, tmp_path, 15, 1)
    assert syncs > 10
    assert any(step.call == "say" for step in steps)
