"""What a polled source needs besides its own API: rounds, pauses, positions, backfill.

A source derives from `Poller` and writes `pages`. The rest is here, once: each stream has a walk of
its own that goes on where its checkpoint says; a round asks again for the last minutes
(`overlap_seconds`) and now and then for the last day (`look_back_seconds`), because lists show
things late; what was taken before is dropped by its `event_uid` in the same transaction.
"""

from __future__ import annotations

import asyncio
import random
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Final, TypeVar

from pydantic import Field

from bridge.config.moment import Moment
from bridge.errors import BridgeError, Denied, Retryable
from bridge.event import Event
from bridge.health import State
from bridge.inputs import Context, Emit, Input, InputConfig, Json
from bridge.inputs.position import Page, Position, Progress
from bridge.retry import persist, soon

T = TypeVar("T")

DENIED_SECONDS: Final = 3600.0
"""How long a stream rests that the peer does not let us read."""
MAX_PAUSE_SECONDS: Final = 60.0
JITTER: Final = 0.1
ONCE_SECONDS: Final = 300.0
"""How long `run --once` keeps trying."""


class PollerConfig(InputConfig):
    """The options that every poller has."""

    start: Moment = Moment("-24h")
    """Where the first start begins: `now`, an age such as `-24h` or `-7d`, or a date. From then on
    the checkpoint counts."""
    interval_seconds: float = Field(default=60.0, ge=1)
    """From the begin of one round to the next; a round that takes longer delays the next."""
    overlap_seconds: float = Field(default=1800.0, ge=0, le=86_400)
    """How much of the past each round asks for again, for what was listed late."""
    look_back_seconds: float = Field(default=86_400.0, ge=0, le=30 * 86_400)
    """How much of the past is asked for at the start and every `look_back_interval_seconds`."""
    look_back_interval_seconds: float = Field(default=3600.0, ge=1)
    """How often the long look back is taken."""


class Poller(Input):
    """A source that is asked; see the module."""

    Config: ClassVar[type[InputConfig]] = PollerConfig
    config: PollerConfig

    streams: Sequence[str] = ()
    """The walks of this poller; each has a checkpoint of its own."""
    account: str = ""
    """Whose data this is; the checkpoints of another account are refused."""

    def __init__(self, config: Any, context: Context) -> None:
        super().__init__(config, context)
        self._said: dict[str, tuple[State, str]] = {}
        self._looked_back: dict[str, float] = {}
        self._users = 0
        self._gives_up_at: float | None = None

    # What a source writes

    @abstractmethod
    def pages(
        self, stream: str, since: float, until: float | None = None, *, oldest: float = 0.0
    ) -> AsyncIterator[Page]:
        """Everything of a stream from `since` on (to now, or to `until`), the oldest first.

        May repeat itself and give more than was asked for, but nothing that is certainly before
        `oldest`; must not leave anything out. Raises Denied when the stream may not be read, and
        Retryable when the walk has to be taken again.
        """

    async def open(self) -> None:
        """Get ready for `pages`, without waiting for anybody."""

    async def close(self) -> None:
        """Let go of what `open` got."""

    async def now(self) -> float:
        """The time at the source, in seconds since the epoch."""
        return self.context.clock.now()

    def interval(self, stream: str) -> float:
        """Seconds from the begin of one round of a stream to the next."""
        return self.config.interval_seconds

    @property
    def history(self) -> Sequence[str]:
        """The streams of which the past can be asked for."""
        return self.streams

    # What the host calls

    async def run(self, emit: Emit) -> None:
        """Poll every stream until cancelled."""
        async with self.opened():
            await _all(self._follow(stream, emit) for stream in self.streams)

    async def poll(self, emit: Emit) -> None:
        """One round of every stream, for `run --once`.

        Raises what the first stream that failed raised (Denied, or Retryable after trying for five
        minutes); the others are polled nevertheless.
        """
        failed: list[BridgeError] = []
        self._gives_up_at = self.context.clock.monotonic() + ONCE_SECONDS
        async with self.opened():
            for stream in self.streams:
                try:
                    await self._attempt(stream, emit)
                except (Denied, Retryable) as error:
                    self.say(stream, State.FAILED, str(error))
                    failed.append(error)
        self._gives_up_at = None
        if failed:
            raise failed[0]

    async def backfill(
        self,
        emit: Emit,
        since: Moment | None,
        until: Moment | None = None,
        tell: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        """Give the past of every stream that has one, marked `bridge_backfill`.

        One that was interrupted goes on where it was when it is asked for in the same words, or
        without `since`. Raises BridgeError when there is nothing to go on with.
        """
        async with self.opened():
            for stream in self.history:
                await self._begin_backfill(stream, since, until, emit)
            for stream in self.history:
                attempt = partial(self._fill, stream, emit, tell)
                try:
                    await self.patiently(_backfill(stream), attempt)
                finally:
                    self.say(_backfill(stream), State.OK, "")
            await emit((), checkpoint=dict.fromkeys(map(_backfill, self.history)))

    # What a source may use

    async def patiently(self, part: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """Call `attempt` until it raises no Retryable; `part` is whose status tells of it."""
        result = await persist(
            attempt,
            errors=(Retryable,),
            clock=self.context.clock,
            failed=partial(self.failed, part),
            max_seconds=MAX_PAUSE_SECONDS,
        )
        self.say(part, State.OK, "")
        return result

    def failed(self, part: str, error: BaseException, pause: float) -> None:
        """Tell that a part failed and is tried again; raises the error when time is up."""
        until = self._gives_up_at
        if until is not None and self.context.clock.monotonic() + pause > until:
            raise error
        self.context.count("retries")
        self.say(part, State.RETRYING, f"{error}; trying again {soon(pause)}")

    def say(self, part: str, state: State, detail: str) -> None:
        """Set the status of one part; the input's is the worst of them."""
        if self._said.get(part) == (state, detail):
            return
        self._said[part] = (state, detail)
        found = [state for state, _ in self._said.values()]
        worst = next((one for one in (State.FAILED, State.RETRYING) if one in found), State.OK)
        told = dict.fromkeys(text for one, text in self._said.values() if one is worst and text)
        self.context.report(worst, "; ".join(told) or f"polling {', '.join(self.streams)}")

    async def state(self, stream: str) -> Json:
        """What the last complete walk of a stream left in `Page.state`."""
        value = await self.context.checkpoint(stream)
        return value.get("state") if value else None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Open while anybody needs it."""
        if not self._users:
            await self.open()
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                await self.close()

    # Rounds

    async def _follow(self, stream: str, emit: Emit) -> None:
        clock = self.context.clock
        while True:
            started = clock.monotonic()
            pause = self.interval(stream) * random.uniform(1 - JITTER, 1 + JITTER)
            try:
                await self._attempt(stream, emit)
            except Denied as error:
                self.say(stream, State.FAILED, str(error))
                pause = max(pause, DENIED_SECONDS)
            await clock.sleep(max(0.0, started + pause - clock.monotonic()))

    async def _attempt(self, stream: str, emit: Emit) -> None:
        await self.patiently(stream, partial(self.round, stream, emit))

    async def round(self, stream: str, emit: Emit) -> None:
        """One walk of a stream from its checkpoint to now."""
        position = await self._position(stream, emit)
        began = self.context.clock.monotonic()
        looks_back = self._looks_back(stream)
        back = self.config.look_back_seconds if looks_back else 0.0
        since = position.reached - max(back, self.config.overlap_seconds)
        is_first = not position.live
        async for page in self.pages(stream, max(since, position.start), oldest=position.start):
            if is_first:
                _mark(page.events, position.began)
            moved = position.after(page)
            await self._hand_over(
                emit, page, {stream: moved.written()} if moved != position else {}
            )
            position = moved
        if is_first:
            await emit((), checkpoint={stream: replace(position, live=True).written()})
        if looks_back:
            self._looked_back[stream] = began

    async def _hand_over(self, emit: Emit, page: Page, checkpoint: dict[str, Json]) -> None:
        if page.events or checkpoint:
            await emit(page.events, checkpoint=checkpoint or None, once=True)

    def _looks_back(self, stream: str) -> bool:
        last = self._looked_back.get(stream)
        now = self.context.clock.monotonic()
        return last is None or now - last >= self.config.look_back_interval_seconds

    async def _position(self, stream: str, emit: Emit) -> Position:
        if value := await self.context.checkpoint(stream):
            position = Position.read(value)
            self._belongs(position.account)
            return position
        now = await self.now()
        start = self.config.start.resolve(now)
        position = Position(self.account, start, now, start)
        await emit((), checkpoint={stream: position.written()})
        return position

    def _belongs(self, account: str) -> None:
        if account != self.account:
            raise BridgeError(
                f"the input {self.context.id} has read the account {account} so far, and now it "
                f"is to read {self.account}: give that an input of its own, or forget the old one "
                f"with `gelf-bridge checkpoint reset {self.context.id}`"
            )

    # Backfill

    async def _begin_backfill(
        self, stream: str, since: Moment | None, until: Moment | None, emit: Emit
    ) -> None:
        asked = f"{since} {until or 'now'}"
        value = await self.context.checkpoint(_backfill(stream))
        if value and (since is None or value["asked"] == asked):
            self._belongs(value["account"])
            return
        if since is None:
            raise BridgeError(
                f"no backfill of {self.context.id} was interrupted: say from when, "
                "such as --since -7d"
            )
        now = await self.now()
        begin, end = since.resolve(now), until.resolve(now) if until else now
        if begin >= end:
            raise BridgeError(f"a backfill from {since} to {until or 'now'} holds no time")
        progress = Progress(self.account, stream, asked, begin, end, begin)
        await emit((), checkpoint={_backfill(stream): progress.written()})

    async def _fill(self, stream: str, emit: Emit, tell: Callable[[Progress], None]) -> None:
        name = _backfill(stream)
        progress = Progress.read(stream, await self.context.checkpoint(name))
        tell(progress)
        if progress.done:
            return
        async for page in self.pages(
            stream, progress.reached, progress.until, oldest=progress.since
        ):
            _mark(page.events)
            moved = progress.after(page)
            has_moved = moved.reached != progress.reached
            await self._hand_over(emit, page, {name: moved.written()} if has_moved else {})
            progress = moved
            tell(progress)
        progress = replace(progress, reached=progress.until, done=True)
        await emit((), checkpoint={name: progress.written()})
        tell(progress)


def _backfill(stream: str) -> str:
    """The name under which the spool keeps how far the backfill of a stream is."""
    return f"{stream} (backfill)"


def _mark(events: Iterable[Event], before: float = float("inf")) -> None:
    """Mark what happened before a time as not live."""
    for event in events:
        if float(event["timestamp"] or 0.0) < before:
            event["bridge_backfill"] = "true"


async def _all(jobs: Iterable[Any]) -> None:
    """Run until one fails, and let that error through as it is."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


__all__ = ["Page", "Poller", "PollerConfig", "Position", "Progress"]
