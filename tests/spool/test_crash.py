"""A process that is killed under load loses nothing that it had accepted."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bridge.spool import Spool
from tests.spool.conftest import Opener, sql, texts

LOAD = Path(__file__).with_name("load.py")
KILLS = 6


class Said(NamedTuple):
    """What the load has said last, or what the spool says of it."""

    taken: int = 0
    plain: int = 0
    passed: int = 0


def said(lines: Iterable[bytes]) -> Said:
    """The last numbers in some lines of the load."""
    return Said(**{(words := line.decode().split())[0]: int(words[1]) for line in lines})


async def live_and_die(directory: Path, lines: int) -> Said:
    """Let the load run until it has said so many lines; what it had said when it was killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(LOAD), str(directory), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    found = [await process.stdout.readline() for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    found += (await process.stdout.read()).splitlines()
    await process.wait()
    return said(found)


async def check(spool: Spool, directory: Path) -> Said:
    """Every accepted event is accounted for; how many there are, how many `quick` has passed."""
    checkpoint = await spool.checkpoint("in", "walk") or 0
    balance = await spool.balance()
    assert balance.holds
    accepted = {name: one.accepted for name, one in balance.inputs.items()}
    assert accepted.get("in", 0) == checkpoint
    for output, account in balance.outputs.items():
        assert account.accepted == sum(accepted.values())
        if account.spooled:
            batches = await spool.read(output, await spool.attach(output), 2**30)
            assert sum(batch.count for batch in batches) == account.spooled
            for name, total in accepted.items():
                own = [batch for batch in batches if batch.input == name]
                numbers = [int(text) for text in texts(own)]
                assert numbers == list(range(total - len(numbers), total))
    assert await spool.unseen("in", [str(n) for n in range(checkpoint)]) == set()
    assert await spool.unseen("in", [str(checkpoint)]) == {str(checkpoint)}
    buried = sum(account.buried for account in balance.outputs.values())
    assert buried == sum((await spool.dead_counts()).values())
    assert sql(directory, "PRAGMA integrity_check") == [("ok",)]
    quick = balance.outputs["quick"]
    return Said(checkpoint, accepted.get("plain", 0), quick.accepted - quick.spooled)


async def test_nothing_accepted_is_lost_by_a_kill(opened: Opener, directory: Path) -> None:
    """Again and again in the same directory: rows, checkpoint, keys and accounts agree."""
    passed_before = 0
    for kill in range(KILLS):
        before = await live_and_die(directory, 20 + 67 * kill)
        spool = await opened()
        now = await check(spool, directory)
        assert now.taken >= before.taken
        assert now.plain >= before.plain
        assert now.passed >= passed_before + before.passed
        passed_before = now.passed
        await spool.close()
    assert passed_before > 0
