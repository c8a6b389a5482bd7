"""From the spool to one output: order, window, hold-back, back-off, dead letters."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.config import SpoolConfig
from bridge.errors import Rejected, Retryable
from bridge.health import State
from bridge.outputs import Batch, Selection
from bridge.spool import Spool
from tests.clocks import HastyClock
from tests.delivery.bench import (
    Bench,
    Holding,
    ScriptedOutput,
    Windowed,
    document,
    numbers,
    until,
)


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


async def test_rejected_messages_are_buried_and_the_others_stand(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    output = bench.start()

    def script(batch: Batch) -> None:
        raise Rejected([1], "too odd")

    output.script = script
    await bench.spool.append("in", [document(1), document(2), document(3)])
    await bench.emptied()
    balance = (await bench.spool.balance()).outputs["out"]
    assert (balance.delivered, balance.buried, balance.spooled) == (2, 1, 0)
    assert "buried 1 of the events, see gelf-bridge dead: too odd" in caplog.messages


async def test_only_and_except_filter_by_input_and_event_type(bench: Bench) -> None:
    output = bench.start(only=Selection(inputs=["in"]), **{"except": Selection(event_types=["x"])})
    await bench.spool.append("in", [document(1), document(2, "x"), document(3)])
    await bench.spool.append("other", [document(4)])
    await bench.emptied()
    assert numbers(output.confirmed) == [1, 3]
    balance = (await bench.spool.balance()).outputs["out"]
    assert (balance.delivered, balance.filtered) == (2, 2)


async def test_a_slow_output_does_not_stall_another(bench: Bench) -> None:
    slow = bench.start(name="slow")
    slow.gate.clear()
    quick = bench.start()
    await bench.put(1, 20)
    await until(lambda: len(quick.confirmed) == 20)
    assert numbers(quick.confirmed) == list(range(1, 21))
    slow.gate.set()
    await bench.emptied()
    assert slow.confirmed == quick.confirmed
    assert (await bench.balance()).delivered == 20


async def test_rows_dropped_while_they_are_under_way_keep_the_account(tmp_path: Path) -> None:
    config = SpoolConfig(
        directory=tmp_path / "spool", max_bytes=1000, min_free_bytes=0, on_full="drop_oldest"
    )
    spool = await Spool.open(config)
    bench = Bench(spool)
    output = bench.start(Holding)
    output.gate.clear()
    try:
        await bench.put(1, 5)
        await until(lambda: len(output.started) == 5)
        for number in range(6, 60):
            await spool.append("in", [document(number)])
        assert (await bench.balance()).dropped > 5
        output.gate.set()
        await bench.emptied()
        balance = await bench.balance()
        assert balance.delivered == len(set(numbers(output.confirmed)))
        assert balance.delivered + balance.dropped == 59
    finally:
        await bench.stop()
        await spool.close()


async def test_rows_dropped_before_they_are_repeated_are_gone_and_counted(tmp_path: Path) -> None:
    config = SpoolConfig(
        directory=tmp_path / "spool", max_bytes=1000, min_free_bytes=0, on_full="drop_oldest"
    )
    spool = await Spool.open(config)
    bench = Bench(spool, HastyClock())
    output = bench.start(Holding)
    try:
        await bench.put(1, 5)
        await until(lambda: len(output.confirmed) == 5)
        output.gate.clear()
        output.break_now.set()
        for number in range(6, 60):
            await spool.append("in", [document(number)])
        output.gate.set()
        await bench.emptied()
        balance = await bench.balance()
        assert balance.delivered + balance.dropped == 59
    finally:
        await bench.stop()
        await spool.close()


async def test_a_drain_does_not_wait_for_a_connection(bench: Bench) -> None:
    class Slow(ScriptedOutput):
        async def connect(self) -> None:
            self.connections += 1
            await asyncio.sleep(3600)

    output = bench.start(Slow)
    await until(lambda: output.connections == 1)
    async with asyncio.timeout(5):
        await bench.delivery.drain()


async def test_a_drain_asks_for_the_confirmation(bench: Bench) -> None:
    output = bench.start(Windowed)
    output.gate.clear()
    await bench.put(1, 1)
    await until(lambda: bool(output.started))
    draining = asyncio.create_task(bench.delivery.drain())
    await until(lambda: output.flushes > 0)
    output.gate.set()
    async with asyncio.timeout(5):
        await draining


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
    assert "cannot connect to graylog.example.org:12201: refused; next try " in status.detail


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
