"""A process that is killed under load loses nothing that it had accepted."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from bridge.spool import Spool
from tests.spool.conftest import Opener, sql, texts

LOAD = Path(__file__).with_name("load.py")
KILLS = 6


async def live_and_die(directory: Path, lines: int) -> tuple[int, int]:
    """Let the load run until it has said so many lines; what it had said when it was killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(LOAD), str(directory), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    said = [await process.stdout.readline() for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    said += (await process.stdout.read()).splitlines()
    await process.wait()
    last = {"taken": 0, "passed": 0}
    for line in said:
        word, number = line.decode().split()
        last[word] = int(number)
    return last["taken"], last["passed"]


async def check(spool: Spool, directory: Path) -> tuple[int, int]:
    """Every accepted event is accounted for; how many there are, how many `quick` has passed."""
    checkpoint = await spool.checkpoint("in", "walk")
    balance = await spool.balance()
    assert balance.holds
    assert balance.inputs["in"].accepted == checkpoint
    for output, account in balance.outputs.items():
        assert account.accepted == checkpoint
        if account.spooled:
            batches = await spool.read(output, await spool.attach(output), 2**30)
            numbers = [int(text) for text in texts(batches)]
            assert numbers == list(range(checkpoint - account.spooled, checkpoint))
    assert await spool.unseen("in", [str(n) for n in range(checkpoint)]) == set()
    assert await spool.unseen("in", [str(checkpoint)]) == {str(checkpoint)}
    buried = sum(account.buried for account in balance.outputs.values())
    assert buried == sum((await spool.dead_counts()).values())
    assert sql(directory, "PRAGMA integrity_check") == [("ok",)]
    quick = balance.outputs["quick"]
    return checkpoint, quick.accepted - quick.spooled


async def test_nothing_accepted_is_lost_by_a_kill(opened: Opener, directory: Path) -> None:
    """Again and again in the same directory: rows, checkpoint, keys and accounts agree."""
    passed_before = 0
    for kill in range(KILLS):
        taken, passed = await live_and_die(directory, 20 + 67 * kill)
        spool = await opened()
        accepted, passed_now = await check(spool, directory)
        assert accepted >= taken
        assert passed_now >= passed_before + passed
        passed_before = passed_now
        await spool.close()
    assert passed_before > 0
