"""A spool, a scripted output and the delivery loop between them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import orjson

from bridge.clock import Clock, SystemClock
from bridge.delivery import Delivery
from bridge.health import Health
from bridge.inputs import Context
from bridge.outputs import Batch, Output, OutputConfig
from bridge.spool import OutputBalance, Spool


class ScriptedOutput(Output):
    """Confirms when told to; `script` may raise for a batch instead."""

    def __init__(self, config: OutputConfig, context: Context) -> None:
        super().__init__(config, context)
        self.connections = 0
        self.flushes = 0
        self.started: list[Batch] = []
        self.confirmed: list[bytes] = []
        self.script: Callable[[Batch], None] = lambda batch: None
        self.gate = asyncio.Event()
        self.gate.set()
        self.break_now = asyncio.Event()
        self.lives = asyncio.Event()
        self.lives.set()

    async def connect(self) -> None:
        self.connections += 1
        self.break_now.clear()

    async def send(self, batch: Batch) -> float | None:
        self.started.append(batch)
        await self.gate.wait()
        self.script(batch)
        self.confirmed += batch.messages()
        return None

    def flush(self) -> None:
        self.flushes += 1

    async def broken(self) -> str:
        await self.break_now.wait()
        return "it went away"

    async def alive(self) -> None:
        await self.lives.wait()

    async def close(self) -> None:
        pass


class Windowed(ScriptedOutput):
    window_bytes = 1_000_000


class Holding(Windowed):
    hold_back_seconds = 0.3


class Asking(Holding):
    """It is asked for a confirmation when the gate opens."""

    async def send(self, batch: Batch) -> float | None:
        await super().send(batch)
        return self.context.clock.monotonic()


class HoldingLong(Windowed):
    hold_back_seconds = 3600


def document(number: int, event_type: str = "test") -> bytes:
    return orjson.dumps({"version": "1.1", "_n": number, "_event_type": event_type})


def numbers(messages: list[bytes]) -> list[int]:
    return [orjson.loads(message)["_n"] for message in messages]


class Bench:
    """A real spool, a scripted output and the delivery between them."""

    def __init__(self, spool: Spool, clock: Clock | None = None) -> None:
        self.spool = spool
        self.clock = clock or SystemClock()
        self.health = Health()
        self.tasks: list[asyncio.Task[None]] = []

    def start(
        self, cls: type[ScriptedOutput] = ScriptedOutput, *, name: str = "out", **config: object
    ) -> ScriptedOutput:
        context = Context(
            id=name,
            log=logging.getLogger("bridge.test"),
            clock=self.clock,
            report=lambda state, detail="": self.health.report("out", state, detail),
            count=lambda name, n=1, label="": self.health.count("out", name, n, label),
            checkpoint=None,  # type: ignore[arg-type]
            unseen=None,  # type: ignore[arg-type]
            kinds={},
        )
        output = cls(OutputConfig(type="scripted", **config), context)
        self.delivery = Delivery(output, self.spool, self.clock)
        self.tasks.append(asyncio.create_task(self.delivery.run()))
        return output

    async def put(self, first: int, last: int, source: str = "in") -> None:
        """Each number becomes a row of its own."""
        for number in range(first, last + 1):
            await self.spool.append(source, [document(number)])

    async def balance(self) -> OutputBalance:
        """The account of the output, which must hold."""
        balance = await self.spool.balance()
        assert balance.holds
        return balance.outputs["out"]

    async def emptied(self) -> None:
        async with asyncio.timeout(10):
            while not await self.spool.empty():
                await asyncio.sleep(0.005)

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)
