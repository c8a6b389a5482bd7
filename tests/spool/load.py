"""A process that works a spool as hard as it can until it is killed, and says what was committed.

Run as `python load.py DIRECTORY [LINES]`; after so many lines it ends as if killed. It prints
`taken N` when the events below N are accepted, `plain N` when those below N are that have neither
key nor checkpoint, and `passed N` when the output `quick` has accounted for N.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from bridge.config import SpoolConfig
from bridge.spool import Batch, Buried, Progress, Spool, segments

WINDOW = 64
# Small files, so that they are used again and again.
segments.SEGMENT_BYTES, segments.FULL_BYTES, segments.FREE_BYTES = 65536, 49152, 16384

LINES = int(sys.argv[2]) if len(sys.argv) > 2 else 2**60
said = 0


def say(text: str) -> None:
    """In one system call, so that no line is cut by a kill."""
    global said
    os.write(1, text.encode() + b"\n")
    said += 1
    if said == LINES:
        os._exit(0)


async def produce(spool: Spool) -> None:
    """Numbered events, with a checkpoint that says which number comes next."""
    number = await spool.checkpoint("in", "walk") or 0
    flying: set[asyncio.Future[None]] = set()
    while True:
        numbers = range(number, number + number % 23 + 1)
        number = numbers.stop
        append = spool.append(
            "in",
            [b"%d" % n + b" " * (n % 700) for n in numbers],
            uids=[str(n) for n in numbers],
            checkpoint={"walk": number},
        )
        append.add_done_callback(lambda _, number=number: say(f"taken {number}"))
        flying.add(append)
        if len(flying) >= WINDOW:
            _, flying = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)


async def produce_plainly(spool: Spool) -> None:
    """Numbered events without keys and checkpoints; the accounts say which number comes next."""
    inputs = (await spool.balance()).inputs
    number = inputs["plain"].accepted if "plain" in inputs else 0
    while True:
        numbers = range(number, number + number % 19 + 1)
        number = numbers.stop
        await asyncio.gather(
            *(spool.append("plain", [b"%d" % n + b" " * (n % 900)]) for n in numbers)
        )
        say(f"plain {number}")
        await asyncio.sleep(number % 3 / 100)


def fate(batch: Batch) -> Progress:
    """One event of a row in hundred is buried, every third row is filtered."""
    if batch.id % 3 == 0:
        return Progress(batch.id, filtered=batch.count)
    if batch.id % 100 == 1:
        buried = Buried(batch.messages()[0], "it looks odd", batch.input)
        return Progress(batch.id, delivered=batch.count - 1, buried=(buried,))
    return Progress(batch.id, delivered=batch.count)


async def consume(spool: Spool, output: str, pause: float) -> None:
    """Take everything, one row a transaction at most."""
    position = await spool.attach(output)
    passed = 0
    while True:
        for batch in await spool.read(output, position, 64 * 1024):
            await spool.advance(output, fate(batch))
            position = batch.id
            passed += batch.count
            if output == "quick":
                say(f"passed {passed}")
            await asyncio.sleep(pause)


async def main(directory: Path) -> None:
    spool = await Spool.open(SpoolConfig(directory=directory, max_bytes=4 * 1024 * 1024))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(consume(spool, "quick", 0))
        tasks.create_task(consume(spool, "slow", 0.02))
        tasks.create_task(produce(spool))
        tasks.create_task(produce_plainly(spool))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
