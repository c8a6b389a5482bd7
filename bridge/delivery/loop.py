"""The loop that delivers to one output; see the package."""

from __future__ import annotations

import asyncio
from collections import deque

from bridge.clock import Clock
from bridge.delivery.parts import Held, Sent, Session, united
from bridge.delivery.selection import selector
from bridge.delivery.suspect import Suspect
from bridge.delivery.window import Window
from bridge.errors import Retryable
from bridge.health import State
from bridge.outputs import Output
from bridge.retry import persist, soon
from bridge.spool import Batch, Progress, Spool

READ_BYTES = 1024 * 1024
MAX_PAUSE_SECONDS = 5.0
ASK_SECONDS = 0.1
"""How long a confirmation of something else is waited for, instead of asking for a sign of life."""
HEALTHY_SECONDS = 1.0
"""A connection that lasted longer was no failure: the pauses start small again."""


class Delivery:
    """The loop of one output; `run` ends only by `drain` or by being cancelled."""

    def __init__(self, output: Output, spool: Spool, clock: Clock) -> None:
        self._output = output
        self._context = output.context
        self._id = output.context.id
        self._spool = spool
        self._clock = clock
        self._select = selector(output.config)
        self._window = Window(output.window_bytes)
        self._suspect: Suspect | None = None
        self._committed = 0
        self._read_at = 0
        self._held: deque[Held] = deque()
        self._heard_at = float("-inf")
        self._committing: asyncio.Task[None] | None = None
        self._draining = asyncio.Event()
        self._drained = asyncio.Event()
        self._session = Session()

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
                max_seconds=MAX_PAUSE_SECONDS,
                healthy_seconds=HEALTHY_SECONDS,
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
        self._session = session = Session()
        try:
            if not await self._connect():
                return
            self._context.report(State.OK, "connected")
            session.broken = session.watch(self._output.broken())
            while True:
                session.wake.clear()
                self._step()
                if self._draining.is_set() and self._is_settled():
                    return
                await session.wake.wait()
        except (Retryable, OSError):
            self._blame()
            raise
        finally:
            await self._end()

    async def _connect(self) -> bool:
        """Connect; False when a drain comes first. Raises what the output raises."""
        if self._draining.is_set():
            return False
        connecting = asyncio.ensure_future(self._output.connect())
        draining = asyncio.ensure_future(self._draining.wait())
        try:
            await asyncio.wait((connecting, draining), return_when=asyncio.FIRST_COMPLETED)
            if connecting.done():
                connecting.result()
            return connecting.done()
        except (Retryable, OSError):
            self._doubt()
            raise
        finally:
            connecting.cancel()
            draining.cancel()
            await asyncio.gather(connecting, draining, return_exceptions=True)

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
            self._output.flush()
            return
        self._send_rows()
        # Ahead of the sends: who reads late finds the rows on the disk only.
        if not session.reading and sum(len(row.data) for row in session.rows) < READ_BYTES:
            session.reading = session.watch(self._spool.read(self._id, self._read_at, READ_BYTES))

    def _is_settled(self) -> bool:
        return not (self._session.flying or self._held or self._committing)

    def _check_broken(self) -> None:
        broken = self._session.broken
        if broken and broken.done():
            reason = broken.result()
            self._doubt()
            raise Retryable(reason)
        asking = self._session.asking
        if asking and asking.done():
            self._session.asking = None
            try:
                self._heard_at = max(self._heard_at, asking.result())
            except (Retryable, OSError):
                self._doubt()
                raise

    def _doubt(self) -> None:
        """Send again what was confirmed a moment ago: the peer may have died with it."""
        self._context.count("resent", sum(held.progress.delivered for held in self._held))
        self._held.clear()

    def _send_rows(self) -> None:
        """Start sends while the window has room; one batch may always be under way."""
        session, window, now = self._session, self._window, self._clock.monotonic()
        if window.is_careful and session.flying:
            self._output.flush()
            return
        while session.rows:
            size = len(session.rows[0].data)
            if self._is_suspect(session.rows[0]) and not self._is_settled():
                self._output.flush()
                return
            if session.flying and session.flying_bytes + size > window.size:
                if window.is_narrow:
                    self._output.flush()
                return
            row = session.rows.popleft()
            batch = self._select(row)
            send = session.watch(self._send(batch) if batch else asyncio.sleep(0, None))
            sent = Sent(row, batch, send, now)
            session.flying.append(sent)
            session.flying_bytes += sent.size

    async def _send(self, batch: Batch) -> float | None:
        suspect = self._suspect
        if suspect is None or not self._is_suspect(batch):
            return await self._output.send(batch)
        behind = None
        if self._spool.readable(self._id, batch.id):
            behind = self._select((await self._spool.read(self._id, batch.id, 1))[0])
        await suspect.send(behind)
        return None

    def _blame(self) -> None:
        """The connection broke: remember what was under way, and whom to suspect."""
        flying = self._session.flying
        if not flying:
            return
        self._window.failed(flying[-1].row.id)
        batch = flying[0].batch
        if not self._window.is_careful or len(flying) > 1 or batch is None:
            return
        if not self._is_suspect(batch):
            self._suspect = Suspect(batch, self._output, self._clock)

    def _is_suspect(self, row: Batch) -> bool:
        """Whether it is to be sent alone, when everything before it is committed."""
        return self._suspect is not None and self._suspect.batch.id == row.id

    def _settle(self) -> None:
        """Take the unbroken prefix of finished sends; raise what any other send raised.

        A confirmation may have waited long for its turn here: that the peer lived is certain only
        of the time when it was asked for that.
        """
        flying, hold_back = self._session.flying, self._output.hold_back_seconds
        now = self._clock.monotonic()
        while flying and flying[0].send.done():
            sent = flying[0]
            progress = sent.progress()
            self._held.append(Held(now + hold_back if hold_back else sent.at, progress))
            if progress.delivered:
                self._heard_at = max(self._heard_at, sent.lived_at)
            flying.popleft()
            self._session.flying_bytes -= sent.size
            self._window.confirmed(sent.size)
        for sent in flying:
            if sent.send.done():
                sent.progress()

    def _commit(self) -> None:
        """Move the cursor over what was held back long enough, one transaction at a time.

        A peer that may be frozen must first give a sign of life: it can still be killed, and take
        with it what it had read just before.
        """
        if self._committing:
            if not self._committing.done():
                return
            self._committing.result()
            self._committing = None
        session, now, due = self._session, self._clock.monotonic(), []
        while self._held and self._held[0].due <= self._heard_at:
            due.append(self._held.popleft().progress)
        if due:
            self._committing = session.watch(self._advance(united(due)))
        elif self._held and not session.asking:
            ask_at = self._held[0].due + (ASK_SECONDS if session.flying else 0)
            if ask_at > now:
                self._set_alarm(ask_at - now)
            else:
                session.asking = session.watch(self._ask())

    async def _ask(self) -> float:
        """When the output was asked whether its peer lives, once it does."""
        asked_at = self._clock.monotonic()
        await self._output.alive()
        return asked_at

    async def _advance(self, progress: Progress) -> None:
        await self._spool.advance(self._id, progress)
        if progress.buried:
            self._context.log.warning(
                "buried %d of the events, see gelf-bridge dead: %s",
                len(progress.buried),
                progress.buried[0].reason,
            )
        self._committed = progress.position
        self._window.committed(progress.position)
        if self._suspect and self._suspect.batch.id <= progress.position:
            self._suspect = None

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
        self._context.report(State.RETRYING, f"{error}; next try {soon(pause)}")
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
