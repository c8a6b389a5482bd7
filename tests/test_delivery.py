"""From the spool to one output: order, window, hold-back, back-off, dead letters."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import orjson
import pytest

from bridge.clock import Clock, SystemClock
from bridge.config import SpoolConfig
from bridge.delivery import Delivery
from bridge.errors import Rejected, Retryable
from bridge.health import Health, State
from bridge.inputs import Context
from bridge.outputs import Batch, Output, OutputConfig, Selection
from bridge.spool import OutputBalance, Spool
from tests.clocks import HastyClock, JumpingClock


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

    async def send(self, batch: Batch) -> None:
        self.started.append(batch)
        await self.gate.wait()
        self.script(batch)
        self.confirmed += batch.messages()

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


@pytest.fixture
def hasty(bench: Bench) -> Bench:
    """The same on a fast clock, so that pauses and hold-backs are short."""
    bench.clock = HastyClock()
    return bench


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


async def test_the_cursor_lags_by_the_hold_back(bench: Bench) -> None:
    output = bench.start(Holding)
    await bench.put(1, 3)
    await until(lambda: len(output.confirmed) == 3)
    assert not await bench.spool.empty()
    await bench.emptied()


@pytest.mark.parametrize("jump", [1e9, -1e9])
async def test_the_hold_back_is_one_of_time_that_passes(bench: Bench, jump: float) -> None:
    """A wall clock that is put forward makes it no shorter, one that is put back no longer."""
    bench.clock = clock = JumpingClock()
    output = bench.start(Holding)
    before = clock.monotonic()
    await bench.put(1, 3)
    await until(lambda: len(output.confirmed) == 3)
    clock.ahead = jump
    await bench.emptied()
    assert Holding.hold_back_seconds < clock.monotonic() - before < 10


async def test_an_unclean_end_repeats_what_was_held_back(bench: Bench) -> None:
    output = bench.start(Holding)
    await bench.put(1, 3)
    await until(lambda: len(output.confirmed) == 3)
    output.break_now.set()
    await until(lambda: len(output.confirmed) == 6)
    assert numbers(output.confirmed) == [1, 2, 3, 1, 2, 3]
    await bench.emptied()
    assert (await bench.spool.balance()).outputs["out"].delivered == 3


async def test_the_time_during_which_a_peer_is_frozen_does_not_count(hasty: Bench) -> None:
    """Killed in the end, it takes with it what it had read just before it froze."""
    output = hasty.start(Holding)
    output.lives.clear()
    await hasty.spool.append("in", [document(n) for n in (1, 2, 3)])
    await until(lambda: len(output.confirmed) == 3)
    await hasty.clock.sleep(10 * Holding.hold_back_seconds)
    assert (await hasty.balance()).delivered == 0
    output.break_now.set()
    await until(lambda: len(output.confirmed) == 6)
    output.lives.set()
    await hasty.emptied()
    assert (await hasty.balance()).delivered == 3


async def test_a_later_confirmation_is_a_sign_of_life(hasty: Bench) -> None:
    output = hasty.start(Holding)
    output.lives.clear()
    await hasty.spool.append("in", [document(n) for n in (1, 2, 3)])
    await until(lambda: len(output.confirmed) == 3)
    await hasty.clock.sleep(2 * Holding.hold_back_seconds)
    await hasty.put(4, 4)
    async with asyncio.timeout(10):
        while (await hasty.balance()).delivered < 3:
            await asyncio.sleep(0.005)
    assert (await hasty.balance()).spooled == 1


async def test_a_peer_that_gives_no_sign_of_life_leaves_it_in_doubt(bench: Bench) -> None:
    output = bench.start(Holding)
    answers = iter([Retryable("gone")])

    async def alive() -> None:
        if error := next(answers, None):
            raise error

    output.alive = alive  # type: ignore[method-assign]
    await bench.put(1, 3)
    await bench.emptied()
    assert numbers(output.confirmed) == [1, 2, 3, 1, 2, 3]
    assert (await bench.balance()).delivered == 3


async def test_after_several_failures_only_confirmations_are_waited_for(hasty: Bench) -> None:
    """A peer that was restarted several times gets what waits without a hold-back for each row."""
    output = hasty.start(HoldingLong)
    failing = {1: 1, 2: 3, 3: 4}

    def script(batch: Batch) -> None:
        if numbers(batch.messages()) == [failing.get(output.connections)]:
            raise Retryable("reset")

    output.script = script
    output.gate.clear()
    await hasty.put(1, 12)
    output.gate.set()
    await until(lambda: set(numbers(output.confirmed)) == set(range(1, 13)))
    assert hasty.delivery._window.is_careful
    assert (await hasty.balance()).delivered == 0


async def test_when_the_peer_is_away_again_what_was_held_back_is_repeated(bench: Bench) -> None:
    """A connection that cannot be made is as unclean an end as any."""
    output = bench.start(Holding)
    await bench.put(1, 3)
    await until(lambda: len(output.confirmed) == 3)
    attempts = iter([Retryable("refused")])

    async def connect() -> None:
        if error := next(attempts, None):
            raise error

    output.connect = connect  # type: ignore[method-assign]
    output.script = lambda batch: (_ for _ in ()).throw(Retryable("reset"))
    await bench.put(4, 4)
    await until(lambda: len(output.started) == 4)
    output.script = lambda batch: None
    await bench.emptied()
    assert numbers(output.confirmed) == [1, 2, 3, 1, 2, 3, 4]


async def test_after_a_failure_little_is_sent_at_first(bench: Bench) -> None:
    output = bench.start(Windowed)
    output.gate.clear()
    failures = iter([Retryable("reset")])

    def script(batch: Batch) -> None:
        if error := next(failures, None):
            raise error

    output.script = script
    await bench.put(1, 20)
    await until(lambda: len(output.started) == 20)
    output.gate.set()
    output.gate = asyncio.Event()
    await until(lambda: output.connections == 2 and len(output.started) == 21)
    await asyncio.sleep(0.05)
    assert len(output.started) == 21
    assert output.flushes
    output.gate.set()
    await bench.emptied()
    assert set(numbers(output.confirmed)) == set(range(1, 21))


def refuse(*poison: int) -> Callable[[Batch], None]:
    """Every batch with one of these numbers breaks the connection."""

    def script(batch: Batch) -> None:
        if set(numbers(batch.messages())) & set(poison):
            raise Retryable("connection reset by peer")

    return script


async def dead(bench: Bench) -> list[int]:
    letters = await bench.spool.dead_letters()
    documents = [await bench.spool.document(letter.id) for letter in letters]
    return numbers([one for one in documents if one])


@pytest.mark.parametrize("cls", [ScriptedOutput, Windowed, Holding])
async def test_a_message_that_breaks_every_connection_is_buried_alone(
    hasty: Bench, cls: type[ScriptedOutput]
) -> None:
    output = hasty.start(cls)
    output.script = refuse(17)
    await hasty.spool.append("in", [document(number) for number in range(1, 11)])
    await hasty.spool.append("in", [document(number) for number in range(11, 41)])
    await hasty.put(41, 50)
    await hasty.emptied()
    assert set(numbers(output.confirmed)) == set(range(1, 51)) - {17}
    assert await dead(hasty) == [17]
    balance = await hasty.balance()
    assert (balance.delivered, balance.buried) == (49, 1)
    (letter,) = await hasty.spool.dead_letters()
    assert "3 times in a row" in letter.reason
    assert "connection reset by peer" in letter.reason


async def test_several_such_messages_are_found_wherever_they_are(hasty: Bench) -> None:
    output = hasty.start(Windowed)
    output.script = refuse(1, 2, 8)
    await hasty.spool.append("in", [document(number) for number in range(1, 9)])
    await hasty.put(9, 9)
    await hasty.emptied()
    assert set(numbers(output.confirmed)) == {3, 4, 5, 6, 7, 9}
    assert sorted(await dead(hasty)) == [1, 2, 8]
    assert (await hasty.balance()).delivered == 6


async def test_a_message_alone_in_its_batch_is_blamed_when_later_ones_arrive(hasty: Bench) -> None:
    output = hasty.start()
    output.script = refuse(1)
    await hasty.put(1, 3)
    await hasty.emptied()
    assert set(numbers(output.confirmed)) == {2, 3}
    assert await dead(hasty) == [1]


async def test_without_a_witness_nobody_is_blamed(hasty: Bench) -> None:
    output = hasty.start()
    output.script = refuse(1)
    await hasty.put(1, 1)
    await until(lambda: output.connections > 10)
    assert await dead(hasty) == []
    await hasty.put(2, 2)
    await hasty.emptied()
    assert await dead(hasty) == [1]


async def test_a_peer_that_takes_nothing_costs_no_message(hasty: Bench) -> None:
    output = hasty.start(Windowed)
    output.script = refuse(*range(1, 41))
    for first in (1, 21):
        await hasty.spool.append("in", [document(number) for number in range(first, first + 20)])
    await until(lambda: output.connections > 15)
    assert await dead(hasty) == []
    output.script = lambda batch: None
    await hasty.emptied()
    assert set(numbers(output.confirmed)) == set(range(1, 41))
    assert (await hasty.balance()).delivered == 40


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
