"""What is confirmed is kept a while longer, in case the peer dies before it has written it."""

from __future__ import annotations

import asyncio
import time

import pytest

from bridge.errors import Retryable
from bridge.outputs import Batch
from tests.clocks import JumpingClock
from tests.delivery.bench import (
    Asking,
    Bench,
    Holding,
    HoldingLong,
    ScriptedOutput,
    Windowed,
    document,
    numbers,
    until,
)


async def test_the_cursor_lags_by_the_hold_back(bench: Bench) -> None:
    output = bench.start(Holding)
    await bench.put(1, 3)
    await until(lambda: len(output.confirmed) == 3)
    assert not await bench.spool.empty()
    await bench.emptied()


async def test_without_a_hold_back_no_sign_of_life_is_waited_for(bench: Bench) -> None:
    output = bench.start()
    output.lives.clear()
    await bench.put(1, 3)
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


async def one_confirmed_one_sent(bench: Bench, cls: type[ScriptedOutput]) -> ScriptedOutput:
    """One row is held back, another one is under way; the output does not say that it lives."""
    output = bench.start(cls)
    output.lives.clear()
    await bench.put(1, 1)
    await until(lambda: len(output.confirmed) == 1)
    output.gate.clear()
    await bench.put(2, 2)
    await until(lambda: len(output.started) == 2)
    return output


async def test_a_confirmation_that_waited_for_its_turn_is_no_sign_of_life(bench: Bench) -> None:
    """The peer that gave it may have been killed long before the bridge got a processor again."""
    output = await one_confirmed_one_sent(bench, Holding)
    time.sleep(1.2 * Holding.hold_back_seconds)  # noqa: ASYNC251
    output.gate.set()
    await until(lambda: len(output.confirmed) == 2)
    output.break_now.set()
    await until(lambda: len(output.confirmed) == 4)
    assert numbers(output.confirmed) == [1, 2, 1, 2]
    output.lives.set()
    await bench.emptied()


async def test_a_confirmation_that_was_asked_for_late_is_a_sign_of_that_time(bench: Bench) -> None:
    """A peer that is behind confirms long after the send."""
    output = await one_confirmed_one_sent(bench, Asking)
    await asyncio.sleep(1.2 * Holding.hold_back_seconds)
    output.gate.set()
    async with asyncio.timeout(10):
        while (await bench.balance()).delivered < 1:
            await asyncio.sleep(0.005)


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
