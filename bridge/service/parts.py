"""One input or one output at work, from its start to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from bridge.clock import Clock
from bridge.config.moment import Moment
from bridge.delivery import Delivery
from bridge.emit import Agree, Emitter
from bridge.errors import BridgeError
from bridge.health import State
from bridge.inputs import Input
from bridge.inputs.poller import Poller, Progress
from bridge.outputs import Output
from bridge.retry import persist, soon
from bridge.service.replay import replay
from bridge.spool import Spool, Taken
from bridge.tap import Taps

MAX_PAUSE_SECONDS = 60.0


class Receiver:
    """An input at work; after a failure it is started again with growing pauses."""

    def __init__(
        self, component: Input, spool: Spool, clock: Clock, taps: Taps, agree: Agree
    ) -> None:
        self.component = component
        self._context = component.context
        self._clock = clock
        self._spool = spool
        count = component.context.count
        self._emit = Emitter(component, spool, clock, count, taps, agree)
        self._task: asyncio.Task[None] | None = None

    def start(self, core: asyncio.TaskGroup) -> None:
        """Run until `stop`."""
        self._context.report(State.STARTING, "")
        self._task = core.create_task(self._run())

    async def stop(self) -> None:
        """Stop it and wait until what it had read is durable; safe without a start and twice."""
        if self._task and not self._task.done():
            self._context.report(State.STOPPING, "")
            await self.cut()
        self._context.report(State.STOPPED, "")

    async def replay(self, lines: Sequence[bytes]) -> Taken:
        """Take records from a file, besides what comes by itself; see `bridge.service.replay`."""
        return await replay(lines, self.component, self._emit, self._spool)

    async def poll(self) -> None:
        """One round instead of a run; raises what it failed with, or BridgeError for a listener."""
        await self._poller().poll(self._emit)

    async def backfill(
        self, since: Moment | None, until: Moment | None, tell: Callable[[Progress], None]
    ) -> None:
        """Give the past besides what comes by itself; see `bridge.inputs.poller`."""
        await self._poller().backfill(self._emit, since, until, tell)

    def _poller(self) -> Poller:
        if isinstance(self.component, Poller):
            return self.component
        raise BridgeError(f"the input {self._context.id} listens: it cannot be asked for events")

    async def cut(self) -> None:
        """Cancel it and wait for its end.

        The first time lets it wait until what it has read is durable, and a full spool may never
        have room for that; the second time ends that wait.
        """
        await _end(self._task)

    async def _run(self) -> None:
        await persist(
            partial(self.component.run, self._emit),
            errors=(Exception,),
            clock=self._clock,
            failed=self._failed,
            max_seconds=MAX_PAUSE_SECONDS,
        )
        self._context.report(State.STOPPED, "finished")

    def _failed(self, error: BaseException, pause: float) -> None:
        self._context.count("failures")
        reason = str(error) or type(error).__name__
        self._context.report(State.RETRYING, f"{reason}; starting again {soon(pause)}")
        self._context.log.debug("failure", exc_info=error)


class Sender:
    """An output at work."""

    def __init__(self, component: Output, spool: Spool, clock: Clock) -> None:
        self.component = component
        self._context = component.context
        self._delivery = Delivery(component, spool, clock)
        self._task: asyncio.Task[None] | None = None

    def start(self, core: asyncio.TaskGroup) -> None:
        """Deliver until `stop`."""
        self._context.report(State.STARTING, "")
        self._task = core.create_task(self._delivery.run())

    async def stop(self) -> None:
        """Start no more sends and wait until those under way are confirmed; safe without a start.

        When that is cancelled, what is not confirmed stays in the spool.
        """
        if self._task and not self._task.done():
            await self._delivery.drain()
            await self.cut()

    async def cut(self) -> None:
        """Cancel it and wait for its end."""
        await _end(self._task)


async def _end(task: asyncio.Task[None] | None) -> None:
    if task and not task.done():
        task.cancel()
        await asyncio.wait([task])
