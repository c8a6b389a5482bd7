"""One timer for all who want to be woken."""

from __future__ import annotations

import asyncio

from bridge.spool.alarm import Alarm


async def test_it_rings_once_at_the_earliest_time() -> None:
    loop = asyncio.get_running_loop()
    rung: list[float] = []
    alarm = Alarm(lambda: rung.append(loop.time()))
    now = loop.time()
    for seconds in (0.05, 0.02, 0.04):
        alarm.set(now + seconds)
    await asyncio.sleep(0.1)
    assert len(rung) == 1
    assert 0.02 <= rung[0] - now < 0.04


async def test_it_can_be_set_again_when_it_has_rung() -> None:
    rung = asyncio.Event()
    alarm = Alarm(rung.set)
    for _ in range(2):
        rung.clear()
        alarm.set(asyncio.get_running_loop().time())
        async with asyncio.timeout(5):
            await rung.wait()
