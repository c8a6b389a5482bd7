"""The writing end of the spool: the database in a thread of its own, drafts of rows in the loop."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bridge.clock import Clock
from bridge.errors import SpoolError
from bridge.spool import schema
from bridge.spool.damage import ROWS, Damaged, Impossible, beside, is_damage, set_aside, why
from bridge.spool.heritage import inherit, learn, take_over, transaction
from bridge.spool.model import Json, Taken
from bridge.spool.reader import decoded
from bridge.spool.records import Place, placed
from bridge.spool.recovery import recover
from bridge.spool.rows import CREATED, Entry, Row
from bridge.spool.segments import Portion, Records, Segments
from bridge.spool.tally import Tally, load
from bridge.spool.transaction import Append, Transaction
from bridge.spool.wal import found_unopened
from bridge.spool.wreck import Small

log = logging.getLogger(__name__)

Order = Callable[[Transaction], Any]
"""Something to be done in a transaction beside the appends."""

SEEN_SECONDS: Final = 40 * 24 * 3600
"""How long a key is remembered after it was last offered."""
SPARE_PAGES: Final = 64
"""Free pages that the file keeps (1 MiB)."""
RESERVE_BYTES: Final = 16 * 1024 * 1024
"""What salvaging leaves free of the disk."""
SLICE: Final = 512
"""How many pages or keys one round of `tidy` takes, so that commits hardly notice."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a commit did: a result or a SpoolError for each order, a result for each append.

    `unindexed` is when the first row was accepted that the database does not know yet.
    """

    results: list[Any]
    taken: list[Taken]
    rows: list[Row]
    tally: Tally
    unindexed: float | None


@dataclass(frozen=True, slots=True)
class Draft:
    """Rows that are accepted as soon as `portion` is on the disk, and the accounts with them."""

    portion: Portion
    taken: list[Taken]
    rows: list[Row]
    entries: Sequence[Entry]
    tally: Tally


class Store:
    """The writing end; `tally` is that of the last commit.

    Rows are durable with the segment that they are in; the database is told of them later, together
    with everything else that has happened meanwhile, and after a crash at the next start.

    Appends that are nothing but rows are drafted, and somebody else writes them: `draft`, several
    times, then `keep` for each, in order, or `take_back`. Meanwhile nothing else may be called but
    `make_ready`, `relieve` and `tidy`. What uses the database belongs into one thread.
    """

    def __init__(self, path: Path, clock: Clock, dead_limit: int) -> None:
        self._path = path
        self._clock = clock
        self._dead_limit = dead_limit
        self._known: tuple[dict[str, str], dict[str, Json]] = ({}, {})
        self._records = Records(beside(path, ROWS))
        self._open()

    def _open(self) -> None:
        """Raises Damaged, when the file was set aside, SpoolTooNew or SpoolError."""
        if reason := found_unopened(self._path):
            raise Damaged(reason, set_aside(self._path, self._clock.now()))
        self._db = schema.connect(self._path)
        try:
            schema.configure(self._db)
            schema.create(self._db, self._path)
            self._load()
            self._segments = self._open_segments()
            self._unindexed: list[Entry] = []
            self._drafts: deque[Draft] = deque()
            self._saved = self.tally
        except (sqlite3.Error, OSError, SpoolError, Impossible) as error:
            # Before the connection ends, which would delete the WAL.
            aside = set_aside(self._path, self._clock.now()) if is_damage(error) else None
            self._db.close()
            self._records.close()
            if aside:
                raise Damaged(str(error), aside) from error
            if isinstance(error, SpoolError):
                raise
            raise SpoolError(
                f"the spool {self._path} cannot be used: {why(error)}: free some disk space, "
                "or move the file away to start with an empty spool"
            ) from error

    def _open_segments(self) -> Segments:
        """Raises Impossible and OSError."""
        for output, own in self.tally.outputs.items():
            if not own.balance(None).holds:
                raise Impossible(f"the rows are not those that {output} has accounts of")
        recover(self._db, self._records.folder, self._end() or Place(0, 0), self.tally)
        first = self._first()
        return Segments(self._records.folder, first.segment if first else 0, self._end())

    def _first(self) -> Place | None:
        """Where the first row is; raises Impossible when it is not there.

        Segments before it are written again: what is damaged here must not decide on them.
        """
        if not (row := self._edge("ASC")):
            return None
        rowid, place, _ = row
        if not self._records.begins(rowid, place):
            raise Impossible(f"row {rowid} is not where it was written")
        return place

    def _end(self) -> Place | None:
        """Where the last row ends; raises Impossible when it is not there as it was written."""
        if not (row := self._edge("DESC")):
            return None
        rowid, place, size = row
        record = self._records.record(place, size)
        if not record or record.id != rowid:
            raise Impossible(f"row {rowid} is not as it was written")
        return Place(place.segment, place.start + size)

    def _edge(self, order: str) -> tuple[int, Place, int] | None:
        """The id of the first or the last row, where its record is to be, and of which size."""
        columns = "SELECT id, input, target, bytes, segment, start FROM batches"
        row = self._db.execute(f"{columns} ORDER BY id {order} LIMIT 1").fetchone()
        return (row[0], *placed(*row[1:])) if row else None

    def _load(self) -> None:
        """What is kept in memory; raises Impossible for what nobody has written."""
        self.tally = load(self._db)
        self.kinds: dict[str, str] = dict(self._db.execute("SELECT field, kind FROM kinds"))
        self.notes: dict[str, Json] = {
            name: decoded(value)
            for name, value in self._db.execute("SELECT name, value FROM notes")
        }

    @property
    def reusable(self) -> int:
        """Octets that can be written without taking more of the disk."""
        return self._segments.reusable

    def give_up(self) -> Path:
        """Set the file aside while it is in use; its new name. Only `succeed` may follow."""
        aside = set_aside(self._path, self._clock.now())
        self._known = dict(self.kinds), dict(self.notes)
        self.close()
        return aside

    def succeed(
        self, damaged: Damaged, tally: Tally | None = None, rows: Sequence[Row] = ()
    ) -> None:
        """Begin a new file in the place of one that was set aside, with what need not be lost.

        That is `tally` and `rows`, the newest ones, when they are still known, and everything small
        that can be read. Raises SpoolError; then it may be tried again.
        """
        self._open()
        try:
            now = self._clock.now()
            before = inherit(self._db, self._segments, damaged.aside, tally, rows, now)
            learn(self._db, *self._known)
            self._load()
            self._saved = self.tally
        except (sqlite3.Error, OSError) as error:
            self.close()
            reason = f"the new spool {self._path} cannot be written: {why(error)}"
            raise SpoolError(reason) from error
        for name, output in self.tally.outputs.items():
            own = before.outputs[name]
            output.overtaken = own.overtaken + output.dropped - own.dropped
        tell(damaged, before, self.tally)

    def commit(
        self,
        orders: Sequence[Order],
        appends: Sequence[Append],
        ceiling: float,
        *,
        index: bool = True,
    ) -> Done:
        """Do everything at once, or raise sqlite3.Error or OSError, and nothing is done.

        Before the appends the oldest rows are dropped until `ceiling` bytes are left. Without
        `index` the database is not told of rows when nothing else must be written there.
        """
        work = Transaction(
            self._db,
            self._segments,
            self.tally.copy(),
            self._clock.now(),
            self._dead_limit,
            self._unindexed,
        )
        is_plain = not (index or orders or self.tally.bytes > ceiling)
        try:
            if is_plain and all(append.is_plain for append in appends):
                results: list[Any] = []
                oldest = None
                taken = work.take(appends, are_plain=True)
                self._segments.write()
            else:
                results, taken, oldest = self._transact(work, orders, appends, ceiling)
        except BaseException as error:
            self._segments.take_back()
            if is_about_space(error):
                self.relieve()
            raise
        self._segments.keep()
        if work.has_deleted:
            self._segments.release(oldest)
        self.tally, self._unindexed = work.tally, work.unindexed
        return Done(results, taken, work.rows, self.tally, self._waiting_since())

    def _waiting_since(self) -> float | None:
        return self._unindexed[0][CREATED] if self._unindexed else None

    def draft(self, appends: Sequence[Append], ceiling: float) -> Draft | None:
        """What is to be written for plain appends; None when it takes more than that."""
        before = self._drafts[-1].tally if self._drafts else self.tally
        if not self._segments.is_ready or before.bytes > ceiling:
            return None
        work = Transaction(
            self._db, self._segments, before.copy(), self._clock.now(), self._dead_limit
        )
        taken = work.take(appends, are_plain=True)
        if (portion := self._segments.cut()) is None:
            return None
        draft = Draft(portion, taken, work.rows, work.unindexed, work.tally)
        self._drafts.append(draft)
        return draft

    def keep(self) -> Done:
        """The oldest draft was written."""
        draft = self._drafts.popleft()
        self._segments.keep()
        self.tally = draft.tally
        self._unindexed.extend(draft.entries)
        return Done([], draft.taken, draft.rows, self.tally, self._waiting_since())

    def take_back(self) -> None:
        """The drafts that are not kept were not written, or not wholly."""
        self._segments.take_back()
        self._drafts.clear()

    def needs_file(self, has_room: Callable[[], bool]) -> bool:
        """Whether it is time for `make_ready`; `has_room` tells if the disk can take one."""
        return self._segments.needs_next(has_room)

    def make_ready(self) -> None:
        """Have a file for the next rows; what fails is told by the commit that needs it."""
        with suppress(OSError):
            self._segments.make_next()

    def _transact(
        self, work: Transaction, orders: Sequence[Order], appends: Sequence[Append], ceiling: float
    ) -> tuple[list[Any], list[Taken], int | None]:
        """The results, and the first segment that has rows."""
        with transaction(self._db):
            work.index()
            results = [obey(order, work) for order in orders]
            work.shrink(ceiling)
            taken = work.take(appends)
            work.save(self._saved)
            self._segments.write()
            first = self._first() if work.has_deleted else None
        self._saved = work.tally
        return results, taken, first.segment if first else None

    def take_over(self, records: Iterable[Small]) -> tuple[Tally, Counter[str]]:
        """Merge the small records of a damaged file; its counters, and what was new, by table."""
        return take_over(self._db, records)

    def free(self) -> float:
        """Bytes that may be written without a WAL that could not grow any more."""
        disk = os.statvfs(self._path.parent)
        return disk.f_bavail * disk.f_frsize + self.reusable - RESERVE_BYTES

    def tidy(self) -> bool:
        """Forget old keys, give free pages and files back to the disk; True when there is more."""
        before = int(self._clock.now()) - SEEN_SECONDS
        forgotten = self._db.execute(
            "DELETE FROM seen WHERE (input, key) IN"
            " (SELECT input, key FROM seen WHERE offered < ? LIMIT ?)",
            (before, SLICE),
        ).rowcount
        spare = schema.pragma(self._db, "freelist_count") - SPARE_PAGES
        if spare > 0:
            # Each step frees one page, and `execute` would take only the first one.
            self._db.executescript(f"PRAGMA incremental_vacuum({min(spare, SLICE)})")
        return self._segments.trim() or forgotten == SLICE or spare > SLICE

    def close(self) -> None:
        """Fold the WAL into the file and close it."""
        self._db.close()
        self._records.close()
        self._segments.close()

    def relieve(self) -> None:
        """Get along with as little disk as possible.

        Pages that are cut off need not be copied from the WAL, and a WAL that was copied is written
        from its beginning again; so a disk that is nearly full is enough to get out of it.
        """
        for statement in ("PRAGMA incremental_vacuum", "PRAGMA wal_checkpoint(PASSIVE)"):
            with suppress(sqlite3.Error):
                self._db.executescript(statement)


def is_about_space(error: BaseException) -> bool:
    """Whether the disk took no more; some file systems call that an I/O error."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
    return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


def obey(order: Order, work: Transaction) -> Any:
    """The result of an order, or its SpoolError: a refused order must not stop the others."""
    try:
        return order(work)
    except SpoolError as error:
        return error


def open_store(path: Path, clock: Clock, dead_limit: int) -> Store:
    """The store in a file; one that is damaged is set aside, and the store begins anew.

    Raises SpoolTooNew or SpoolError.
    """
    try:
        return Store(path, clock, dead_limit)
    except Damaged as damage:
        store = Store(path, clock, dead_limit)
        store.succeed(damage)
        return store


def tell(damage: Damaged, before: Tally, now: Tally) -> None:
    """Log what happened to the file, what it cost, and what can be done about it."""
    lost = (
        f"{output.dropped - before.outputs[name].dropped} for {name}"
        for name, output in now.outputs.items()
    )
    log.error(
        "the spool was damaged (%s) and set aside as %s; a new one goes on without the events that "
        "were still to be delivered: %s. `gelf-bridge spool salvage` gets out what can be read",
        damage.reason,
        damage.aside,
        ", ".join(lost) or "nobody knows how many",
    )
