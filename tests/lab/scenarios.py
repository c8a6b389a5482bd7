"""What can happen to a receiver, or to the bridge, while events flow.

Each scenario takes a laboratory that is not started yet, the rate in events a second and a scale
of time, and tells it each fault.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable

from tests.lab.lab import Lab
from tests.lab.proxy import DyingProxy

Scenario = Callable[[Lab, float, float], Awaitable[None]]

AWAY = 0.4
"""How long a receiver stays away, on the scale of the scenario."""


async def crash(lab: Lab, rate: float, scale: float) -> None:
    """The receiver keeps up, and is killed twice."""
    await lab.start()
    lab.send(rate, 4 * scale)
    for _ in range(2):
        await asyncio.sleep(1.2 * scale)
        await go_away(lab, lab.receiver.kill, scale)


async def behind(lab: Lab, rate: float, scale: float) -> None:
    """It reads at half the rate, and is killed."""
    await lab.start(rate=rate / 2)
    lab.send(rate, 3 * scale)
    await asyncio.sleep(2 * scale)
    await go_away(lab, lab.receiver.kill, scale)


async def stop(lab: Lab, rate: float, scale: float) -> None:
    """The same, but it stops in order, as an input that an administrator stops."""
    await lab.start(rate=rate / 2)
    lab.send(rate, 3 * scale)
    await asyncio.sleep(2 * scale)
    await go_away(lab, lab.receiver.terminate, scale)


async def freeze(lab: Lab, rate: float, scale: float) -> None:
    """It freezes (a long pause of its memory management, a full journal), and is then killed."""
    await frozen(lab, rate, scale)
    await lab.receiver.kill()
    await asyncio.sleep(AWAY * scale)
    await lab.receiver.start()


async def pause(lab: Lab, rate: float, scale: float) -> None:
    """It freezes, and goes on."""
    await frozen(lab, rate, scale)
    lab.receiver.signal(signal.SIGCONT)


async def proxy(lab: Lab, rate: float, scale: float) -> None:
    """A load balancer in between dies with what it holds."""
    between = DyingProxy(lab.target)
    await between.start()
    lab.closing.push_async_callback(between.die)
    lab.through = between.port
    await lab.start()
    lab.send(rate, 3 * scale)
    await asyncio.sleep(1.5 * scale)
    lab.fault()
    await between.die()
    await asyncio.sleep(AWAY * scale)
    await between.start()


async def starved(lab: Lab, rate: float, scale: float) -> None:
    """The receiver is killed while the bridge gets no processor, just after it had come back."""
    chance = random.Random(1)
    await lab.start()
    lab.send(rate, 9 * scale)
    for _ in range(4):
        await asyncio.sleep(0.5 * scale)
        await go_away(lab, lab.receiver.kill, scale)
        await asyncio.sleep(chance.uniform(0, 0.3) * scale)
        lab.bridge.signal(signal.SIGSTOP)
        await asyncio.sleep(0.005)
        await go_away(lab, lab.receiver.kill, scale)
        await asyncio.sleep(0.8 * scale)
        lab.bridge.signal(signal.SIGCONT)


async def jumps(lab: Lab, rate: float, scale: float) -> None:
    """The bridge's wall clock jumps all the time, while the receiver is killed twice."""
    lab.program = "tests.lab.jumping"
    await crash(lab, rate, scale)


async def steady(lab: Lab, rate: float, scale: float) -> None:
    """Nothing happens."""
    await lab.start()
    lab.send(rate, 2 * scale)


def killed(times: int, seed: int) -> Scenario:
    """The bridge is killed so often, at random moments under load; with every third time its
    receiver."""

    async def scenario(lab: Lab, rate: float, scale: float) -> None:
        chance = random.Random(seed)
        await lab.start()
        lab.send(rate, 3600)
        for number in range(times):
            before = await lab.accepted()
            while await lab.accepted() == before:
                await asyncio.sleep(0.01)
            await asyncio.sleep(chance.uniform(0, 0.4) * scale)
            lab.fault()
            if number % 3 == 1:
                await lab.receiver.kill()
            await lab.bridge.kill()
            if not lab.receiver.is_running:
                await lab.receiver.start()
            await lab.bridge.start()
        lab.stop_sending()

    return scenario


async def frozen(lab: Lab, rate: float, scale: float) -> None:
    """Events flow, and the receiver stops to read for a while."""
    await lab.start()
    lab.send(rate, 3 * scale)
    await asyncio.sleep(1 * scale)
    lab.fault()
    lab.receiver.signal(signal.SIGSTOP)
    await asyncio.sleep(1 * scale)


async def go_away(lab: Lab, leave: Callable[[], Awaitable[object]], scale: float) -> None:
    """The receiver leaves, and comes back."""
    lab.fault()
    await leave()
    lab.gone()
    await asyncio.sleep(AWAY * scale)
    await lab.receiver.start()


RECEIVER: dict[str, Scenario] = {
    "crash": crash,
    "behind": behind,
    "stop": stop,
    "freeze": freeze,
    "pause": pause,
}
"""What happens to the receiver itself."""
SCENARIOS: dict[str, Scenario] = {
    **RECEIVER,
    "proxy": proxy,
    "starved": starved,
    "jumps": jumps,
    "steady": steady,
}
