"""From the spool to one output: order, window, hold-back, back-off, dead letters."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import orjson
import pytest

from bridge.clock import SystemClock
from bridge.config import SpoolConfig
from bridge.delivery import Delivery
from bridge.errors import Rejected, Retryable
from bridge.health import Health, State
from bridge.inputs import Context
from bridge.outputs import Batch, Output, OutputConfig, Selection
from bridge.spool import Spool


class ScriptedOutput(Output):
    """Confirms when told to; `script` may raise for a batch instead."""

    def __init__(self, config: OutputConfig, context: Context) -> None:
        super().__init__(config, context)
        self.connections = 0
        self.started: list[Batch] = []
        self.confirmed: list[bytes] = []
        self.script: Callable[[Batch], None] = lambda batch: None
        self.gate = asyncio.Event()
        self.gate.set()
        self.break_now = asyncio.Event()

    async def connect(self) -> None:
        self.connections += 1
        self.break_now.clear()

    async def send(self, batch: Batch) -> None:
        self.started.append(batch)
        await self.gate.wait()
        self.script(batch)
        self.confirmed += batch.messages()

    async def broken(self) -> None:
        await self.break_now.wait()

    async def close(self) -> None:
        pass


class Windowed(ScriptedOutput):
    window_bytes = 1_000_000


class Holding(Windowed):
    hold_back_seconds = 0.3


def document(number: int, event_type: str = "test") -> bytes:
    return orjson.dumps({"version": "1.1", "_n": number, "_event_type": event_type})


def numbers(messages: list[bytes]) -> list[int]:
    return [orjson.loads(message)["_n"] for message in messages]


class Bench:
    """A real spool, a scripted output and the delivery between them."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.health = Health()
        self.tasks: list[asyncio.Task[None]] = []

    def start(self, cls: type[ScriptedOutput] = ScriptedOutput, **config: object) -> ScriptedOutput:
        context = Context(
            id="out",
            log=logging.getLogger("bridge.test"),
            clock=SystemClock(),
            report=lambda state, detail="": self.health.report("out", state, detail),
            count=lambda name, n=1, label="": self.health.count("out", name, n, label),
            checkpoint=None,  # type: ignore[arg-type]
            unseen=None,  # type: ignore[arg-type]
            kinds={},
        )
        output = cls(OutputConfig(type="scripted", **config), context)
        self.delivery = Delivery(output, self.spool, SystemClock())
        self.tasks.append(asyncio.create_task(self.delivery.run()))
        return output

    async def put(self, first: int, last: int, source: str = "in") -> None:
        """Each number becomes a row of its own."""
        for number in range(first, last + 1):
            await self.spool.append(source, [document(number)])

    async def emptied(self) -> None:
        async with asyncio.timeout(10):
            while not await self.spool.empty():
                await asyncio.sleep(0.005)

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    config = SpoolConfig(directory=tmp_path / "spool", max_bytes=10_000_000, min_free_bytes=0)
    spool = await Spool.open(config)
    bench = Bench(spool)
    try:
        yield bench
    finally:
        await bench.stop()
        await spool.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def test_messages_arrive_in_the_order_of_the_spool(bench: Bench) -> None:
    output = bench.start()
    await bench.put(1, 20)
    await bench.emptied()
    assert numbers(output.confirmed) == list(range(1, 21))


async def test_without_a_window_one_batch_is_under_way(bench: Bench) -> None:
    output = bench.start()
    output.gate.clear()
    await bench.put(1, 5)
    await until(lambda: bool(output.started))
    await asyncio.sleep(0.05)
    assert len(output.started) == 1


async def test_with_a_window_sends_run_at_once_in_order(bench: Bench) -> None:
    output = bench.start(Windowed)
    output.gate.clear()
    await bench.put(1, 5)
    await until(lambda: len(output.started) == 5)
    assert numbers([batch.data for batch in output.started]) == [1, 2, 3, 4, 5]
    output.gate.set()
    await bench.emptied()


async def test_after_a_break_everything_unconfirmed_is_sent_again(bench: Bench) -> None:
    output = bench.start(Windowed)
    failures = iter([Retryable("reset")])

    def script(batch: Batch) -> None:
        if numbers(batch.messages()) == [3] and (error := next(failures, None)):
            raise error

    output.script = script
    output.gate.clear()
    await bench.put(1, 5)
    await until(lambda: len(output.started) == 5)
    output.gate.set()
    await bench.emptied()
    assert output.connections == 2
    assert set(numbers(output.confirmed)) == {1, 2, 3, 4, 5}
    assert numbers([batch.data for batch in output.started[5:]]) == [3, 4, 5]
    assert bench.health.counters["out", "resent", ""] == 3


async def test_rejected_messages_are_buried_and_the_others_stand(bench: Bench) -> None:
    output = bench.start()

    def script(batch: Batch) -> None:
        raise Rejected([1], "too odd")

    output.script = script
    await bench.spool.append("in", [document(1), document(2), document(3)])
    await bench.emptied()
    balance = (await bench.spool.balance()).outputs["out"]
    assert (balance.delivered, balance.buried, balance.spooled) == (2, 1, 0)


async def test_only_and_except_filter_by_input_and_event_type(bench: Bench) -> None:
    output = bench.start(only=Selection(inputs=["in"]), **{"except": Selection(event_types=["x"])})
    await bench.spool.append("in", [document(1), document(2, "x"), document(3)])
    await bench.spool.append("other", [document(4)])
    await bench.emptied()
    assert numbers(output.confirmed) == [1, 3]
    balance = (await bench.spool.balance()).outputs["out"]
    assert (balance.delivered, balance.filtered) == (2, 2)


async def test_the_cursor_lags_by_the_hold_back(bench: Bench) -> None:
    output = bench.start(Holding)
    await bench.put(1, 3)
    await until(lambda: len(output.confirmed) == 3)
    assert not await bench.spool.empty()
    await bench.emptied()


async def test_an_unclean_end_repeats_what_was_held_back(bench: Bench) -> None:
    output = bench.start(Holding)
    await bench.put(1, 3)
    await until(lambda: len(output.confirmed) == 3)
    output.break_now.set()
    await until(lambda: len(output.confirmed) == 6)
    assert numbers(output.confirmed) == [1, 2, 3, 1, 2, 3]
    await bench.emptied()
    assert (await bench.spool.balance()).outputs["out"].delivered == 3


async def test_a_drain_waits_for_what_is_under_way_and_starts_nothing_new(bench: Bench) -> None:
    output = bench.start(Holding)
    output.gate.clear()
    await bench.put(1, 1)
    await until(lambda: len(output.started) == 1)
    draining = asyncio.create_task(bench.delivery.drain())
    await asyncio.sleep(0.02)
    await bench.put(2, 2)
    assert not draining.done()
    output.gate.set()
    async with asyncio.timeout(5):
        await draining
    assert numbers(output.confirmed) == [1]
    balance = (await bench.spool.balance()).outputs["out"]
    assert (balance.delivered, balance.spooled) == (1, 1)


async def test_a_drain_does_not_wait_for_a_peer_that_is_away(bench: Bench) -> None:
    class Away(ScriptedOutput):
        async def connect(self) -> None:
            raise Retryable("cannot connect", retry_after=3600)

    bench.start(Away)
    await bench.put(1, 1)
    await until(lambda: bench.health.status("out") is not None)
    async with asyncio.timeout(5):
        await bench.delivery.drain()


async def test_the_status_tells_why_it_tries_again(bench: Bench) -> None:
    class Away(ScriptedOutput):
        async def connect(self) -> None:
            raise Retryable("cannot connect to graylog.example.org:12201: refused")

    bench.start(Away)
    await until(lambda: bench.health.status("out") is not None)
    status = bench.health.status("out")
    assert status is not None
    assert status.state is State.RETRYING
    assert "cannot connect to graylog.example.org:12201: refused; next try in" in status.detail


async def test_delivery_goes_on_where_it_stopped(bench: Bench) -> None:
    first = bench.start()
    await bench.put(1, 3)
    await bench.emptied()
    await bench.delivery.drain()
    await bench.put(4, 6)
    second = bench.start()
    await bench.emptied()
    assert numbers(first.confirmed) == [1, 2, 3]
    assert numbers(second.confirmed) == [4, 5, 6]
