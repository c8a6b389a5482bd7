"""A wall clock that jumps a day back or forth changes nothing but the ages that are shown."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.spool import Taken, committer
from tests.spool.conftest import Opener, deliver, sql

DAY = 24 * 3600


class JumpingClock:
    """The wall clock is set by the test; the other one only goes on."""

    def __init__(self) -> None:
        self.wall = 1_700_000_000.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@pytest.mark.parametrize("jump", [-DAY, DAY])
async def test_events_keep_their_order_and_go_on(opened: Opener, jump: float) -> None:
    """Commits are grouped by the monotonic clock, so none waits for the old time to come."""
    clock = JumpingClock()
    spool = await opened(clock=clock)
    await spool.attach("out")
    await spool.append("in", [b"before"], uids=["1"], checkpoint={"walk": 1})
    clock.wall += jump
    async with asyncio.timeout(2):
        assert await spool.append("in", [b"after"], uids=["2"], checkpoint={"walk": 2})
        assert await spool.append("in", [b"again"], uids=["1"]) == Taken(0, 1)
    assert await spool.checkpoint("in", "walk") == 2
    assert await deliver(spool) == [b"before", b"after"]
    assert (await spool.balance()).holds


@pytest.mark.parametrize("jump", [-DAY, DAY])
async def test_keys_are_not_forgotten(
    opened: Opener, directory: Path, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    """A day is little beside forty."""
    monkeypatch.setattr(committer, "RETRY_SECONDS", 0.01)
    clock = JumpingClock()
    spool = await opened(clock=clock)
    await spool.append("in", [b"x"] * 100, uids=[str(number) for number in range(100)])
    clock.wall += jump
    for number in range(5):  # the tidying comes after commits
        await spool.append("in", [], checkpoint={"walk": number})
        await asyncio.sleep(0.02)
    assert sql(directory, "SELECT count(*) FROM seen") == [(100,)]
    assert await spool.unseen("in", [str(number) for number in range(100)]) == set()


async def test_a_key_offered_after_a_jump_back_keeps_its_later_time(
    opened: Opener, directory: Path
) -> None:
    """Otherwise it would be forgotten a day too early when the clock is right again."""
    clock = JumpingClock()
    spool = await opened(clock=clock)
    await spool.append("in", [b"x"], uids=["1"])
    clock.wall -= DAY
    await spool.append("in", [b"x"], uids=["1"])
    assert sql(directory, "SELECT offered FROM seen") == [(1_700_000_000,)]


async def test_ages_are_those_of_the_wall_clock(opened: Opener) -> None:
    """Which is all that can be said of an event of another start of the machine."""
    clock = JumpingClock()
    spool = await opened(clock=clock)
    await spool.attach("out")
    await spool.append("in", [b"before"])
    clock.wall -= DAY
    await spool.append("in", [b"after"])
    balance = await spool.balance()
    assert balance.oldest == balance.outputs["out"].oldest == 1_700_000_000
