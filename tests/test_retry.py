"""Pauses between attempts."""

from __future__ import annotations

import pytest

from bridge.errors import Retryable
from bridge.retry import persist, soon
from tests.clocks import VirtualClock


async def test_it_tries_until_the_attempt_returns() -> None:
    clock, pauses = VirtualClock(), []
    outcomes = [Retryable("away"), OSError("refused"), None]

    async def attempt() -> str:
        if outcome := outcomes.pop(0):
            raise outcome
        return "done"

    result = await persist(
        attempt,
        errors=(Retryable, OSError),
        clock=clock,
        failed=lambda error, pause: pauses.append((str(error), pause)),
    )
    assert result == "done"
    assert [reason for reason, _ in pauses] == ["away", "refused"]


async def test_other_errors_go_through() -> None:
    async def attempt() -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        await persist(attempt, errors=(OSError,), clock=VirtualClock(), failed=lambda *_: None)


async def test_pauses_are_bounded() -> None:
    clock, pauses = VirtualClock(), []
    failures = iter(range(50))

    async def attempt() -> None:
        if next(failures) < 40:
            raise OSError("refused")

    await persist(
        attempt,
        errors=(OSError,),
        clock=clock,
        failed=lambda _, pause: pauses.append(pause),
        max_seconds=3.0,
    )
    assert len(pauses) == 40
    assert max(pauses) <= 3.0
    assert sum(pauses[10:]) > 3.0


async def test_the_peer_s_own_wish_is_a_floor() -> None:
    clock, pauses = VirtualClock(), []
    outcomes = [Retryable("busy", retry_after=60.0), None]

    async def attempt() -> None:
        if outcome := outcomes.pop(0):
            raise outcome

    await persist(
        attempt, errors=(Retryable,), clock=clock, failed=lambda _, pause: pauses.append(pause)
    )
    assert pauses == [60.0]
    assert clock.monotonic() == 60.0


async def test_after_a_healthy_time_the_pauses_start_small_again() -> None:
    clock, pauses = VirtualClock(), []
    runs = iter(range(31))

    async def attempt() -> None:
        run = next(runs)
        if run >= 20:
            await clock.sleep(60)
        if run < 30:
            raise OSError("refused")

    await persist(
        attempt,
        errors=(OSError,),
        clock=clock,
        failed=lambda _, pause: pauses.append(pause),
        max_seconds=1000.0,
    )
    assert all(pause <= 0.5 for pause in pauses[20:])


def test_a_pause_is_told_in_words() -> None:
    assert [soon(pause) for pause in (0.0, 0.04, 0.05, 3.46)] == [
        "at once",
        "at once",
        "in 0.1 s",
        "in 3.5 s",
    ]
