"""What is under way is counted, bounded and waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from bridge.event import Event
from bridge.inputs.cef.handover import MAX_BYTES, Handover


class Spool:
    """An `emit` whose futures the test resolves."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[None]] = []

    def __call__(
        self, events: Iterable[Event], checkpoint: object = None, once: bool = False
    ) -> asyncio.Future[None]:
        self.waiting.append(asyncio.get_running_loop().create_future())
        return self.waiting[-1]


async def test_it_is_full_at_the_bound_and_until_half_of_it_is_durable() -> None:
    spool = Spool()
    handover = Handover(spool)
    changes: list[bool] = []
    handover.on_change.append(lambda: changes.append(handover.full))
    for _ in range(4):
        handover.give([], MAX_BYTES // 4)
    assert changes == [True]
    for number, future in enumerate(spool.waiting):
        future.set_result(None)
        await asyncio.sleep(0)
        assert handover.full is (number < 2)
    assert changes == [True, False]


async def test_long_documents_count_more_than_what_they_were_made_of() -> None:
    spool = Spool()
    handover = Handover(spool)
    handover.give([b"x" * MAX_BYTES, b"x" * (MAX_BYTES - 2)], 1)
    assert not handover.full
    handover.give([b"x" * 2], 0)
    assert handover.full
    for future in spool.waiting:
        future.set_result(None)
    await handover.settled()
    assert not handover.full


async def test_done_is_called_when_the_events_are_durable() -> None:
    spool = Spool()
    handover = Handover(spool)
    done: list[int] = []
    handover.give([], 1, lambda: done.append(1))
    await asyncio.sleep(0)
    assert not done
    spool.waiting[0].set_result(None)
    await handover.settled()
    assert done == [1]


async def test_a_failure_is_told_once_and_the_rest_is_waited_for() -> None:
    spool = Spool()
    handover = Handover(spool)
    for _ in range(3):
        handover.give([], 1)
    spool.waiting[0].set_exception(OSError("first"))
    spool.waiting[1].set_exception(OSError("second"))
    settling = asyncio.get_running_loop().create_task(handover.settled())
    with pytest.raises(OSError, match="first"):
        await handover.failed
    assert not settling.done()
    spool.waiting[2].set_result(None)
    await settling


async def test_a_failure_that_nobody_waits_for_makes_no_noise() -> None:
    """While the input is being stopped nobody awaits `failed`; the spool tells of it itself."""
    spool = Spool()
    handover = Handover(spool)
    handover.give([], 1)
    spool.waiting[0].set_exception(OSError("late"))
    await handover.settled()
    assert handover.failed.done()
