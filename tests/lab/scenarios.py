"""What can happen to a receiver while events flow.

Each scenario takes a laboratory that is not started yet, the rate in events a second and a scale
of time; it returns how many faults it made.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

from tests.lab.lab import Lab
from tests.lab.proxy import DyingProxy

Scenario = Callable[[Lab, float, float], Awaitable[int]]


async def crash(lab: Lab, rate: float, scale: float) -> int:
    """The receiver keeps up, and is killed twice."""
    await lab.start()
    lab.send(rate, 4 * scale)
    for _ in range(2):
        await asyncio.sleep(1.2 * scale)
        await lab.receiver.kill()
        await asyncio.sleep(0.4 * scale)
        await lab.receiver.start()
    await lab.sent()
    return 2


async def behind(lab: Lab, rate: float, scale: float) -> int:
    """It reads at half the rate, and is killed."""
    await lab.start(rate=rate / 2)
    lab.send(rate, 3 * scale)
    await asyncio.sleep(2 * scale)
    await lab.receiver.kill()
    await asyncio.sleep(0.4 * scale)
    await lab.receiver.start()
    await lab.sent()
    return 1


async def stop(lab: Lab, rate: float, scale: float) -> int:
    """The same, but it stops in order, as an input that an administrator stops."""
    await lab.start(rate=rate / 2)
    lab.send(rate, 3 * scale)
    await asyncio.sleep(2 * scale)
    await lab.receiver.terminate()
    await asyncio.sleep(0.4 * scale)
    await lab.receiver.start()
    await lab.sent()
    return 1


async def freeze(lab: Lab, rate: float, scale: float) -> int:
    """It freezes (a long pause of its memory management, a full journal), and is then killed."""
    await lab.start()
    lab.send(rate, 3 * scale)
    await asyncio.sleep(1 * scale)
    lab.receiver.signal(signal.SIGSTOP)
    await asyncio.sleep(1 * scale)
    await lab.receiver.kill()
    await asyncio.sleep(0.4 * scale)
    await lab.receiver.start()
    await lab.sent()
    return 1


async def pause(lab: Lab, rate: float, scale: float) -> int:
    """It freezes, and goes on."""
    await lab.start()
    lab.send(rate, 3 * scale)
    await asyncio.sleep(1 * scale)
    lab.receiver.signal(signal.SIGSTOP)
    await asyncio.sleep(1 * scale)
    lab.receiver.signal(signal.SIGCONT)
    await lab.sent()
    return 1


async def proxy(lab: Lab, rate: float, scale: float) -> int:
    """A load balancer in between dies with what it holds."""
    between = DyingProxy(lab.target)
    await between.start()
    lab.through = between.port
    try:
        await lab.start()
        lab.send(rate, 3 * scale)
        await asyncio.sleep(1.5 * scale)
        await between.die()
        await asyncio.sleep(0.4 * scale)
        await between.start()
        await lab.sent()
        await lab.bridge.drained()
    finally:
        await between.die()
    return 1


SCENARIOS: dict[str, Scenario] = {
    "crash": crash,
    "behind": behind,
    "stop": stop,
    "freeze": freeze,
    "pause": pause,
    "proxy": proxy,
}
