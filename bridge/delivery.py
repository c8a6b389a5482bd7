"""From the spool to one output: order, window, hold-back, back-off, dead letters.

::

    committed          confirmed            sent                  spool's end
        │  held back       │   under way      │      waiting           │
    ────┴──────────────────┴──────────────────┴────────────────────────┴──▶ rows

Sends start in the order of the spool. `confirmed` follows the unbroken prefix of batches whose
`send` returned; `committed` is the cursor in the spool and lags by the output's
`hold_back_seconds`. After an error everything behind `confirmed` is sent again; after an unclean
end of a connection that carried confirmed messages, everything behind `committed`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson

from bridge.clock import Clock
from bridge.errors import Rejected, Retryable
from bridge.health import State
from bridge.outputs import Output, OutputConfig, Selection
from bridge.retry import persist
from bridge.spool import Batch, Buried, Progress, Spool

T = TypeVar("T")

READ_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Sent:
    """A row under way: what of it is sent (None: nothing was selected), and its send."""

    row: Batch
    batch: Batch | None
    send: asyncio.Future[None]

    @property
    def size(self) -> int:
        return len(self.batch.data) if self.batch else 0

    def progress(self) -> Progress:
        """What a finished send means for the cursor; raises what the send raised."""
        sent = self.batch.count if self.batch else 0
        buried: tuple[Buried, ...] = ()
        try:
            self.send.result()
        except Rejected as rejected:
            buried = self._buried(rejected)
        return Progress(self.row.id, sent - len(buried), self.row.count - sent, buried)

    def _buried(self, rejected: Rejected) -> tuple[Buried, ...]:
        messages = self.batch.messages() if self.batch else []
        return tuple(
            Buried(messages[index], rejected.reason, self.row.input)
            for index in sorted(set(rejected.indexes))
        )


@dataclass(frozen=True, slots=True)
class _Held:
    """Confirmed, to be committed at `due` on the monotonic clock."""

    due: float
    progress: Progress


@dataclass(slots=True)
class _Session:
    """What lives as long as one connection."""

    wake: asyncio.Event = field(default_factory=asyncio.Event)
    broken: asyncio.Task[None] | None = None
    reading: asyncio.Task[list[Batch]] | None = None
    alarm: asyncio.Task[None] | None = None
    rows: deque[Batch] = field(default_factory=deque)
    flying: deque[_Sent] = field(default_factory=deque)
    flying_bytes: int = 0

    def watch(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run `work`; its end wakes the loop."""
        task = asyncio.ensure_future(work)
        task.add_done_callback(lambda _: self.wake.set())
        return task

    async def cancel(self) -> None:
        """Cancel everything that still runs and wait for it."""
        sends = [sent.send for sent in self.flying]
        tasks = [task for task in (self.broken, self.reading, self.alarm, *sends) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Delivery:
    """The loop of one output; `run` ends only by `drain` or by being cancelled."""

    def __init__(self, output: Output, spool: Spool, clock: Clock) -> None:
        self._output = output
        self._context = output.context
        self._id = output.context.id
        self._spool = spool
        self._clock = clock
        self._select = selector(output.config)
        self._committed = 0
        self._read_at = 0
        self._held: deque[_Held] = deque()
        self._committing: asyncio.Task[None] | None = None
        self._draining = asyncio.Event()
        self._drained = asyncio.Event()
        self._session = _Session()

    async def run(self) -> None:
        """Deliver until drained, connecting again after every break."""
        self._committed = self._read_at = await self._spool.attach(self._id)
        try:
            await persist(
                self._deliver,
                errors=(Retryable, OSError),
                clock=self._clock,
                failed=self._failed,
                sleep=self._pause,
            )
        finally:
            self._drained.set()
            self._context.report(State.STOPPED, "")

    async def drain(self) -> None:
        """Start no more sends; return when everything under way is confirmed and committed."""
        self._draining.set()
        self._session.wake.set()
        await self._drained.wait()

    async def _deliver(self) -> None:
        """One connection, from connecting to its end."""
        if self._draining.is_set():
            return
        self._session = session = _Session()
        try:
            await self._output.connect()
            self._context.report(State.OK, "connected")
            session.broken = session.watch(self._output.broken())
            while True:
                session.wake.clear()
                self._step()
                if self._draining.is_set() and self._is_settled():
                    return
                await session.wake.wait()
        finally:
            await self._end()

    def _step(self) -> None:
        """Everything that can be done without waiting."""
        session = self._session
        self._check_broken()
        self._settle()
        self._commit()
        if session.reading and session.reading.done():
            session.rows.extend(session.reading.result())
            session.reading = None
            self._read_at = session.rows[-1].id
        if self._draining.is_set():
            return
        self._send_rows()
        if not session.reading and not session.rows:
            session.reading = session.watch(self._spool.read(self._id, self._read_at, READ_BYTES))

    def _is_settled(self) -> bool:
        return not (self._session.flying or self._held or self._committing)

    def _check_broken(self) -> None:
        broken = self._session.broken
        if broken and broken.done():
            broken.result()
            self._context.count("resent", sum(held.progress.delivered for held in self._held))
            self._held.clear()
            raise Retryable("the peer went away without having confirmed all that it was sent")

    def _send_rows(self) -> None:
        """Start sends while the window has room; one batch may always be under way."""
        session = self._session
        while session.rows:
            size = len(session.rows[0].data)
            if session.flying and session.flying_bytes + size > self._output.window_bytes:
                return
            row = session.rows.popleft()
            batch = self._select(row)
            send = session.watch(self._output.send(batch) if batch else asyncio.sleep(0))
            sent = _Sent(row, batch, send)
            session.flying.append(sent)
            session.flying_bytes += sent.size

    def _settle(self) -> None:
        """Take the unbroken prefix of finished sends; raise what any other send raised."""
        flying = self._session.flying
        due = self._clock.monotonic() + self._output.hold_back_seconds
        while flying and flying[0].send.done():
            self._held.append(_Held(due, flying[0].progress()))
            self._session.flying_bytes -= flying.popleft().size
        for sent in flying:
            if sent.send.done():
                sent.progress()

    def _commit(self) -> None:
        """Move the cursor over what was held back long enough, one transaction at a time."""
        if self._committing:
            if not self._committing.done():
                return
            self._committing.result()
            self._committing = None
        now, due = self._clock.monotonic(), []
        while self._held and self._held[0].due <= now:
            due.append(self._held.popleft().progress)
        if due:
            self._committing = self._session.watch(self._advance(united(due)))
        elif self._held:
            self._set_alarm(self._held[0].due - now)

    async def _advance(self, progress: Progress) -> None:
        await self._spool.advance(self._id, progress)
        self._committed = progress.position

    def _set_alarm(self, seconds: float) -> None:
        session = self._session
        if session.alarm is None or session.alarm.done():
            session.alarm = session.watch(self._clock.sleep(seconds))

    async def _end(self) -> None:
        """Let go of the connection; what is not confirmed will be read again."""
        session = self._session
        await session.cancel()
        self._context.count("resent", sum(s.batch.count for s in session.flying if s.batch))
        await self._output.close()
        if self._committing:
            await self._committing
            self._committing = None
        self._read_at = self._held[-1].progress.position if self._held else self._committed

    def _failed(self, error: BaseException, pause: float) -> None:
        self._context.report(State.RETRYING, f"{error}; next try in {pause:.1f} s")
        self._context.count("failures")

    async def _pause(self, seconds: float) -> None:
        """Wait before the next connection; a drain ends the wait."""
        waits = [
            asyncio.ensure_future(self._clock.sleep(seconds)),
            asyncio.ensure_future(self._draining.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()


def united(parts: Sequence[Progress]) -> Progress:
    """Consecutive steps as one."""
    return Progress(
        position=parts[-1].position,
        delivered=sum(part.delivered for part in parts),
        filtered=sum(part.filtered for part in parts),
        buried=tuple(buried for part in parts for buried in part.buried),
    )


def selector(config: OutputConfig) -> Callable[[Batch], Batch | None]:
    """What `only` and `except` leave of a batch: all, fewer messages, or None."""
    only, exclude = config.only, config.exclude
    if only is None and exclude is None:
        return lambda batch: batch

    def wanted(message: bytes, source: str) -> bool:
        event_type = orjson.loads(message).get("_event_type", "")
        if only is not None and not _selects(only, source, event_type):
            return False
        return exclude is None or not _selects(exclude, source, event_type)

    def select(batch: Batch) -> Batch | None:
        messages = [message for message in batch.messages() if wanted(message, batch.input)]
        if not messages:
            return None
        return Batch(batch.id, batch.input, len(messages), b"\0".join(messages))

    return select


def _selects(selection: Selection, source: str, event_type: str) -> bool:
    return source in selection.inputs or event_type in selection.event_types
