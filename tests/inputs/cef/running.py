"""A CEF input on a free port of this machine, with an `emit` that only collects."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from bridge.clock import Clock, SystemClock
from bridge.event import Event
from bridge.health import State
from bridge.inputs import Context, Json
from bridge.inputs.cef import CefConfig, CefInput


class Collector:
    """An `emit` that keeps events; while `durable` is not set, nothing becomes durable."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.durable = asyncio.Event()
        self.durable.set()
        self.failure: Exception | None = None
        self._more = asyncio.Condition()

    def __call__(
        self,
        events: Iterable[Event],
        checkpoint: Mapping[str, Json] | None = None,
        once: bool = False,
    ) -> asyncio.Task[None]:
        self.events.extend(events)
        return asyncio.get_running_loop().create_task(self._commit())

    async def _commit(self) -> None:
        async with self._more:
            self._more.notify_all()
        await self.durable.wait()
        if self.failure:
            raise self.failure

    async def wait_for(self, number: int) -> list[Event]:
        """The events, once there are so many."""
        async with self._more, asyncio.timeout(20):
            await self._more.wait_for(lambda: len(self.events) >= number)
        return self.events

    @property
    def texts(self) -> list[str]:
        return [str(event["full_message"]) for event in self.events]


class HandClock:
    """A clock that stands still until `advance` moves it; who slept long enough wakes then."""

    def __init__(self) -> None:
        self._time = 1_700_000_000.0
        self._sleeping: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._time

    def monotonic(self) -> float:
        return self._time

    async def sleep(self, seconds: float) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleeping.append((self._time + seconds, waiting))
        await waiting

    def advance(self, seconds: float) -> None:
        self._time += seconds
        due = [entry for entry in self._sleeping if entry[0] <= self._time]
        for entry in due:
            self._sleeping.remove(entry)
            if not entry[1].done():
                entry[1].set_result(None)


class Running:
    """The input, its task, what it emitted, counted and reported."""

    def __init__(self, clock: Clock, options: dict[str, Any]) -> None:
        self.emit = Collector()
        self.counts: Counter[tuple[str, str]] = Counter()
        self.reports: asyncio.Queue[tuple[State, str]] = asyncio.Queue()
        self.detail = ""
        context = Context(
            id="front",
            log=logging.getLogger("bridge.input.front"),
            clock=clock,
            report=lambda state, detail: self.reports.put_nowait((state, detail)),
            count=self._count,
            checkpoint=None,  # type: ignore[arg-type]
            unseen=None,  # type: ignore[arg-type]
            kinds={},
        )
        config = CefConfig.model_validate({"type": "cef", "address": "127.0.0.1:0"} | options)
        self.input = CefInput(config, context)
        self.task = asyncio.get_running_loop().create_task(self.input.run(self.emit))

    def _count(self, name: str, n: int = 1, label: str = "") -> None:
        self.counts[name, label] += n

    @property
    def address(self) -> tuple[str, int]:
        return self.input.addresses[0]

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


@asynccontextmanager
async def running(clock: Clock | None = None, **options: Any) -> AsyncIterator[Running]:
    """A listening input; it is stopped at the end."""
    front = Running(clock or SystemClock(), options)
    report = asyncio.get_running_loop().create_task(front.reports.get())
    await asyncio.wait({report, front.task}, return_when=asyncio.FIRST_COMPLETED)
    if not report.done():
        report.cancel()
        await front.task
    state, front.detail = report.result()
    assert state is State.OK
    try:
        yield front
    finally:
        await front.stop()


async def send(front: Running, data: bytes, tls: ssl.SSLContext | None = None) -> None:
    """One connection that sends this and ends."""
    name = "localhost" if tls else None
    _, writer = await asyncio.open_connection(*front.address, ssl=tls, server_hostname=name)
    writer.write(data)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


def record(number: int, more: str = "") -> str:
    """A record that can be told from others."""
    return f"CEF:0|Example|Gate|1.0|7|Login|5|externalId={number}{more}"


async def settled(front: Running) -> None:
    """Wait until the input has read nothing new for a while."""
    before = -1
    while before != len(front.emit.events):
        before = len(front.emit.events)
        await asyncio.sleep(0.1)
