"""Trying again with growing pauses: one policy for outputs, inputs and pollers, on tenacity."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.wait import wait_base, wait_random_exponential

from bridge.clock import Clock

T = TypeVar("T")

HEALTHY_SECONDS = 10.0


class _Pause(wait_base):
    """Full-jitter pauses that grow with failures in a row, not below the error's `retry_after`."""

    def __init__(self, clock: Clock, max_seconds: float, healthy_seconds: float) -> None:
        self._clock = clock
        self._healthy_seconds = healthy_seconds
        self._growing = wait_random_exponential(multiplier=0.25, max=max_seconds)
        self._failures = 0
        self.started = clock.monotonic()

    def __call__(self, retry_state: RetryCallState) -> float:
        if self._clock.monotonic() - self.started >= self._healthy_seconds:
            self._failures = 0
        self._failures += 1
        retry_state.attempt_number = self._failures
        asked = getattr(
            retry_state.outcome and retry_state.outcome.exception(), "retry_after", None
        )
        return max(asked or 0.0, self._growing(retry_state))


async def persist(
    attempt: Callable[[], Awaitable[T]],
    *,
    errors: tuple[type[Exception], ...],
    clock: Clock,
    failed: Callable[[BaseException, float], None],
    max_seconds: float = 15.0,
    sleep: Callable[[float], Awaitable[None]] | None = None,
    healthy_seconds: float = HEALTHY_SECONDS,
) -> T:
    """Call `attempt` until it returns; after each of `errors` tell `failed(error, pause)`, pause.

    Other exceptions go through. Pauses are random between 0 and a bound that doubles up to
    `max_seconds`; `sleep` (default: the clock's) may end early. An attempt that lasted for
    `healthy_seconds` ends a row of failures: the pauses start small again.
    """
    pause = _Pause(clock, max_seconds, healthy_seconds)

    def before_sleep(state: RetryCallState) -> None:
        if state.outcome and (error := state.outcome.exception()):
            failed(error, state.upcoming_sleep)

    async def timed() -> T:
        pause.started = clock.monotonic()
        return await attempt()

    return await AsyncRetrying(
        retry=retry_if_exception_type(errors),
        wait=pause,
        sleep=sleep or clock.sleep,
        before_sleep=before_sleep,
    )(timed)


def soon(pause: float) -> str:
    """When the next attempt comes, in words: `at once`, `in 3.5 s`."""
    return f"in {pause:.1f} s" if pause >= 0.05 else "at once"
