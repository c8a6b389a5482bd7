"""A fake Cylance API with many threats as a process of its own: `python -m … COUNT DAYS`.

Prints where it serves, then serves until it is killed.
"""

from __future__ import annotations

import asyncio
import sys
import time

from bridge.inputs.cylance.fake import FakeCylance

DELAY_SECONDS = 0.05
"""For each answer; the real one takes longer."""


async def serve(count: int, days: float) -> None:
    """Serve so many threats, spread over so many days."""
    cylance = FakeCylance()
    cylance.api.delay_seconds = DELAY_SECONDS
    now = time.time()
    for number in range(count):
        then = now - days * 86_400 * (1 - (number + 0.5) / count)
        cylance.world.add_threat(then, then, devices=0)
    async with cylance:
        print(cylance.base_url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
