"""A message that breaks every connection is found and buried alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.errors import Retryable
from bridge.outputs import Batch
from tests.delivery.bench import (
    Bench,
    Holding,
    ScriptedOutput,
    Windowed,
    document,
    numbers,
    until,
)


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
