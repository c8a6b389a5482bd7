"""Group commit: what was handed over is written together, one group after the other.

At most one commit every 10 ms, at once when 1 MiB waits. Rows are written by the pen, and a second
group of them may stand ready behind the first one. What needs the database is done in the writer's
thread, and alone. The database is told of rows and of the progress of outputs four times a second:
a row is durable without it. Appends wait while the spool is full or cannot be written, and for a
moment for outputs that keep up; everything else (progress, which makes room) never waits for them.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

from bridge.errors import SpoolError
from bridge.spool.alarm import Alarm
from bridge.spool.damage import Damaged, is_damage, is_outage, why
from bridge.spool.model import Batch, Taken
from bridge.spool.patience import Patience
from bridge.spool.pen import new_pen
from bridge.spool.recent import Recent
from bridge.spool.store import Done, Store, is_about_space
from bridge.spool.threads import run
from bridge.spool.transaction import Append, Transaction
from bridge.spool.trouble import Trouble
from bridge.spool.waiting import GROUP_BYTES, Group, Limits, Waiting

T = TypeVar("T")

COMMIT_SECONDS: Final = 0.01
URGENT_BYTES: Final = 1024 * 1024
INDEX_SECONDS: Final = 0.25
"""Between two times that the database is told of rows, if nothing else must be written there."""
GROUPS: Final = 2
"""One that is written, and one that stands ready."""
RETRY_SECONDS: Final = 0.5
RENEW_SECONDS: Final = 60.0
"""Between two new files at least: on a disk that damages everything they must not pile up."""


class Committer:
    """Takes appends and orders, commits them in groups, and keeps the accounts.

    `tally` is the state after the last commit, `in_flight` the events and `unsettled` the
    appends of each input that wait. `unindexed` is when the first row was accepted that cannot be
    read from the disk yet.
    `changed` is set, and replaced by a new one, after every commit and at the end. `files` counts
    the files that have been set aside.
    """

    def __init__(
        self,
        limits: Limits,
        store: Store,
        writer: Executor,
        trouble: Trouble,
        recent: Recent,
        reopen: Callable[[], Awaitable[None]],
    ) -> None:
        """`reopen` makes the readers go over to a new file."""
        self._store = store
        self._writer = writer
        self._trouble = trouble
        self._recent = recent
        self._reopen = reopen
        self._loop = asyncio.get_running_loop()
        self._waiting = Waiting(limits)
        self._pen = new_pen()
        self._under_way: deque[tuple[Group, asyncio.Future[Any]]] = deque()
        self._orders_from = self._appends_from = 0.0  # not before this time of the loop
        self._index_from = 0.0
        self._patience = Patience(recent)
        self._wake, self._urgent = asyncio.Event(), asyncio.Event()
        self._alarm = Alarm(self._wake.set)
        self._committed_at = float("-inf")
        self._untidy = True
        self._preparing: asyncio.Future[None] = self._loop.create_future()
        self._preparing.set_result(None)
        self._over = ""
        self._bug: BaseException | None = None
        self.tally = store.tally
        self.unindexed: float | None = None
        self.in_flight: Counter[str] = Counter()
        self.unsettled: Counter[str] = Counter()
        self.files = 0
        self._distrusted = ""
        self._renew_from = float("-inf")
        self._aside: Damaged | None = None
        self.changed = asyncio.Event()
        self._keeper = asyncio.create_task(self._keep_trying(), name="spool-keeper")
        self._task = asyncio.create_task(self._run(), name="spool-committer")
        self._task.add_done_callback(self._ended)

    # What others call

    def append(self, append: Append) -> asyncio.Future[Taken]:
        """Queue events; the future resolves when they are committed."""
        self.check()
        future: asyncio.Future[Taken] = self._loop.create_future()
        self._waiting.add(append, future)
        self.in_flight[append.input] += append.count
        self.unsettled[append.input] += 1
        if not self._under_way or self._has_room_behind():
            self._wake.set()
        if self._waiting.bytes >= URGENT_BYTES:
            self._urgent.set()
        return future

    def order(
        self, order: Callable[[Transaction], T], *, has_time: bool = False
    ) -> asyncio.Future[T]:
        """Queue something else that a transaction can do; the future holds its result.

        What has time is done when the database is told of rows.
        """
        self.check()
        future: asyncio.Future[T] = self._loop.create_future()
        (self._waiting.later if has_time else self._waiting.orders).append((order, future))
        self._wake.set()
        return future

    def hurry(self) -> None:
        """Let all rows be read from the disk soon."""
        if self.unindexed is not None:
            self._index_from = 0.0
            self._wake.set()

    def read(self, output: str, after: int, max_bytes: int) -> list[Batch]:
        """The rows after a position, from memory; appends may have waited for that."""
        found = self._recent.read(output, after, max_bytes)
        if self._patience.is_tried and not self._is_patient(self._loop.time()):
            self._wake.set()
        return found

    @property
    def full(self) -> str:
        """Why appends wait for room, or an empty text."""
        return self._waiting.full

    def check(self) -> None:
        """Raise SpoolError when nothing will be committed any more."""
        if self._over:
            raise SpoolError(self._over) from self._bug

    def distrust(self, files: int, reason: str) -> None:
        """Set the file aside that was in use when `files` had been; something in it is damaged."""
        if files == self.files:
            self._distrusted = self._distrusted or reason
            self._wake.set()

    async def close(self) -> None:
        """Commit what waits and fits, then end."""
        self._over = self._over or "the spool is closed"
        self._orders_from = self._appends_from = 0.0
        self._wake.set()
        self._urgent.set()
        await asyncio.wait([self._task])
        self._keeper.cancel()
        await asyncio.wait([self._keeper])
        self._pen.close()

    # The committing task

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._land()
            if self._is_busy():
                continue
            if not self._under_way:
                await self._pause()
                if self._distrusted:
                    await self._renew()
                if self._distrusted and self._over:
                    return
            if not self._start() and self._over and not self._under_way:
                return

    def _is_busy(self) -> bool:
        """Whether no group can start before one has ended.

        Behind another one only a full one does, both nothing but rows.
        """
        if not self._under_way:
            return False
        is_alone = self._distrusted or self._under_way[-1][0].draft is None or self._must_index()
        return bool(is_alone) or not self._has_room_behind()

    def _has_room_behind(self) -> bool:
        """Whether a full group waits, and may stand ready behind the one that is written."""
        return self._waiting.bytes >= GROUP_BYTES and len(self._under_way) < GROUPS

    async def _pause(self) -> None:
        """Let more come together, unless enough is waiting."""
        delay = self._committed_at + COMMIT_SECONDS - self._loop.time()
        if delay > 0 and not self._over and self._waiting.bytes < URGENT_BYTES:
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._urgent.wait()
        self._urgent.clear()

    def _start(self) -> bool:
        """Let the next group be written; False when there is none, or it must wait."""
        now = self._loop.time()
        group = self._gathered(now)
        writing = None
        try:
            if not group or (writing := self._begin(group)) is None:
                return False
        finally:
            if writing is None:
                self._waiting.put_back(group)
        if group.index:
            self._index_from = now + INDEX_SECONDS
        self._committed_at = now
        writing.add_done_callback(lambda _: self._wake.set())
        self._under_way.append((group, writing))
        self._wake.set()
        if self._preparing.done() and self._store.needs_file(self._waiting.has_room):
            self._preparing = self._loop.run_in_executor(self._writer, self._store.make_ready)
        return True

    def _gathered(self, now: float) -> Group:
        """What can be committed together now."""
        group = Group()
        if self._waiting.appends and now >= self._appends_from and not self._is_patient(now):
            ahead = self._ahead()
            self._waiting.take_appends(
                group, self.tally.bytes + ahead, self._store.reusable - ahead
            )
        if now >= self._orders_from and (not group.is_plain or self._is_due(now)):
            self._waiting.take_orders(group)
            group.index = self.unindexed is not None or bool(group.orders)
        return group

    def _begin(self, group: Group) -> asyncio.Future[Any] | None:
        """Rows are written by the pen; whatever needs the database, by the writer, and that alone.

        None when it cannot begin yet.
        """
        appends = [append for append, _ in group.appends]
        if group.is_rows:
            group.draft = self._store.draft(appends, group.ceiling)
        if group.draft:
            return self._pen.write(group.draft.portion)
        if self._under_way:
            return None
        orders = [order for order, _ in group.orders]
        job = partial(self._store.commit, orders, appends, group.ceiling, index=group.index)
        return self._loop.run_in_executor(self._writer, job)

    def _must_index(self) -> bool:
        """Whether the database waits for what is under way."""
        now = self._loop.time()
        has_work = self._waiting.orders or self._waiting.later or self.unindexed is not None
        return bool(has_work) and now >= self._orders_from and self._is_due(now)

    def _is_due(self, now: float) -> bool:
        """Whether the database is to be told of everything; otherwise that will be looked at again.

        Progress makes room, and so it does not wait when there is none.
        """
        if self._waiting.orders or self._waiting.full or self._over or now >= self._index_from:
            return True
        if self._waiting.later or self.unindexed is not None:
            self._alarm.set(self._index_from)
        return False

    def _ahead(self) -> int:
        """The bytes that are on their way."""
        return sum(one.size for one, _ in self._under_way)

    def _is_patient(self, now: float) -> bool:
        """Whether appends wait until an output that keeps up has read what they would push out."""
        more = self._ahead() + min(self._waiting.bytes, GROUP_BYTES)
        if self._over or not self._patience.waits(now, more):
            return False
        self._alarm.set(now + self._patience.left)
        return True

    def _land(self) -> None:
        """Settle the groups that are committed; of one that is not, take back all behind it, too.

        Raises what is no fault of the disk or the file.
        """
        while self._under_way and self._under_way[0][1].done():
            group, writing = self._under_way[0]
            if error := writing.exception():
                if all(other.done() for _, other in self._under_way):
                    self._take_back(group, error)
                return
            self._under_way.popleft()
            self._settle(group, self._store.keep() if group.draft else writing.result())

    def _take_back(self, failed: Group, error: BaseException) -> None:
        if failed.draft:
            self._store.take_back()
            self._pen.go_on()
            if is_about_space(error):
                self._loop.run_in_executor(self._writer, self._store.relieve)
        while self._under_way:
            group, writing = self._under_way.pop()
            writing.exception()  # that of the first one is told
            self._waiting.put_back(group)
        self._wake.set()
        if isinstance(error, Exception) and is_damage(error):
            self._distrusted = str(error)
        elif is_outage(error):
            self._hold(failed, error)
        else:
            raise error

    async def _renew(self) -> None:
        """Go on in a new file; when that fails, commits wait, and it is tried again."""
        if self._loop.time() < self._renew_from:
            self._postpone(f"it is damaged again ({self._distrusted})")
            return
        tally = self.tally
        try:
            if self._aside is None:
                aside = await run(self._writer, self._store.give_up)
                self._aside = Damaged(self._distrusted, aside)
            renew = partial(self._store.succeed, self._aside, tally, self._recent.rows())
            await run(self._writer, renew)
        except SpoolError as error:
            if isinstance(error, Damaged):
                self._renew_from = self._loop.time() + RENEW_SECONDS
            self._postpone(str(error))
            return
        self.tally = self._store.tally
        self.unindexed = None
        self.files += 1
        self._distrusted, self._aside = "", None
        self._renew_from = self._loop.time() + RENEW_SECONDS
        await self._reopen()
        self._trouble.say("write", "")
        self._announce()

    def _postpone(self, reason: str) -> None:
        self._appends_from = self._orders_from = self._loop.time() + RETRY_SECONDS
        self._trouble.say("write", f"the spool cannot be written ({reason}), trying again")

    def _settle(self, group: Group, done: Done) -> None:
        self.tally = done.tally
        self.unindexed = done.unindexed
        self._untidy = True
        for append, _ in group.appends:
            self.in_flight[append.input] -= append.count
            self.unsettled[append.input] -= 1
        if group.appends or not self._waiting.appends:
            self._trouble.say("write", "")
        self._recent.add(done.rows, done.tally.floor)
        group.resolve(done)
        self._announce()

    def _hold(self, group: Group, error: BaseException) -> None:
        """Wait before the next try; orders, which may make room, are tried alone first."""
        self._appends_from = self._loop.time() + RETRY_SECONDS
        if not group.appends:
            self._orders_from = self._appends_from
        self._trouble.say("write", f"the spool cannot be written ({why(error)}), trying again")

    async def _keep_trying(self) -> None:
        """Twice a second, look again at what waits, and give the tidying a turn."""
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            if self._waiting or self._distrusted:
                self._wake.set()
            if self._untidy:
                self._untidy = False
                await self._tidy()

    async def _tidy(self) -> None:
        files = self.files
        try:
            more = await run(self._writer, self._store.tidy)
            self._untidy = self._untidy or more
        except sqlite3.Error as error:  # of an outage the next commit tells
            if is_damage(error):
                self.distrust(files, str(error))

    def _ended(self, task: asyncio.Task[None]) -> None:
        """What still waits was never accepted, and whoever waits must not wait for ever."""
        self._bug = None if task.cancelled() else task.exception()
        self._over = f"the spool has stopped: {self._bug!r}" if self._bug else "the spool is closed"
        self._waiting.refuse(f"{self._over}; this was not committed")
        self._announce()

    def _announce(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()
