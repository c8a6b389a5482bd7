"""The two ends of the database: the store writes, the reader reads, each in a thread of its own."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from bridge.clock import Clock
from bridge.errors import SpoolError
from bridge.spool import schema
from bridge.spool.damage import Damaged, found_unopened, is_damage, set_aside
from bridge.spool.model import Batch, Checkpoint, DeadLetter, Json, Taken
from bridge.spool.tally import Tally, load
from bridge.spool.transaction import Append, Row, Transaction, key, seen

log = logging.getLogger(__name__)

Order = Callable[[Transaction], Any]
"""Something to be done in a transaction beside the appends."""

SEEN_SECONDS: Final = 40 * 24 * 3600
"""How long a key is remembered after it was last offered."""
SPARE_PAGES: Final = 2048
"""Free pages that the file keeps for the next rows (32 MiB)."""
SLICE: Final = 512
"""How many pages or keys one round of `tidy` takes, so that commits hardly notice."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a commit did: a result or a SpoolError for each order, a result for each append."""

    results: list[Any]
    taken: list[Taken]
    rows: list[Row]
    tally: Tally


class Store:
    """The writing end; `tally` and `reusable` (bytes in free pages) are of the last commit."""

    def __init__(self, path: Path, clock: Clock, dead_limit: int) -> None:
        self._clock = clock
        self._dead_limit = dead_limit
        self._db = schema.connect(path)
        try:
            schema.configure(self._db)
            schema.create(self._db, path)
            self._load()
        except (sqlite3.Error, SpoolError, ValueError) as error:
            # Before the connection ends, which would delete the WAL.
            aside = set_aside(path, clock.now()) if is_damage(error) else None
            self._db.close()
            if aside:
                raise Damaged(str(error), aside) from error
            if isinstance(error, SpoolError):
                raise
            raise SpoolError(
                f"the spool {path} cannot be used: {error}: free some disk space, "
                "or move the file away to start with an empty spool"
            ) from error

    def _load(self) -> None:
        """What is kept in memory; raises ValueError for what nobody has written."""
        self.tally = load(self._db)
        self.reusable = self._reusable()
        self.kinds: dict[str, str] = dict(self._db.execute("SELECT field, kind FROM kinds"))
        self.notes: dict[str, Json] = {
            name: orjson.loads(value)
            for name, value in self._db.execute("SELECT name, value FROM notes")
        }

    def commit(self, orders: Sequence[Order], appends: Sequence[Append], ceiling: float) -> Done:
        """Do everything in one transaction, or raise sqlite3.Error and have done nothing.

        Before the appends the oldest rows are dropped until `ceiling` bytes are left.
        """
        work = Transaction(self._db, self.tally.copy(), self._clock.now(), self._dead_limit)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            results = [obey(order, work) for order in orders]
            work.shrink(ceiling)
            taken = work.take(appends)
            work.save(self.tally)
            self._db.execute("COMMIT")
        except BaseException as error:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            if is_about_space(error):
                self._relieve()
            raise
        self.tally = work.tally
        self.reusable = self._reusable()
        return Done(results, taken, work.rows, self.tally)

    def tidy(self) -> bool:
        """Forget old keys and give free pages back to the disk; True when there is more to do."""
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
            self.reusable = self._reusable()
        return forgotten == SLICE or spare > SLICE

    def close(self) -> None:
        """Fold the WAL into the file and close it."""
        self._db.close()

    def _relieve(self) -> None:
        """Get along with as little disk as possible.

        Pages that are cut off need not be copied from the WAL, and a WAL that was copied is written
        from its beginning again; so a disk that is nearly full is enough to get out of it.
        """
        for statement in ("PRAGMA incremental_vacuum", "PRAGMA wal_checkpoint(PASSIVE)"):
            with suppress(sqlite3.Error):
                self._db.executescript(statement)
        with suppress(sqlite3.Error):
            self.reusable = self._reusable()

    def _reusable(self) -> int:
        return schema.pragma(self._db, "freelist_count") * schema.pragma(self._db, "page_size")


def is_about_space(error: BaseException) -> bool:
    """Whether the disk took no more; some file systems call that an I/O error."""
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
        if reason := found_unopened(path):
            raise Damaged(reason, set_aside(path, clock.now()))
        return Store(path, clock, dead_limit)
    except Damaged as damage:
        log.error(
            "the spool %s is damaged (%s): it was set aside as %s, and a new one begins; "
            "`gelf-bridge spool salvage` gets out of it what can be read",
            path,
            damage.reason,
            damage.aside,
        )
        return Store(path, clock, dead_limit)


class Reader:
    """The reading end; sees what is committed, and holds nobody up."""

    def __init__(self, path: Path) -> None:
        self._db = schema.connect_reader(path)

    def batches(self, output: str, after: int, max_bytes: int) -> list[Batch]:
        """The rows after a position that are meant for an output: one, or up to `max_bytes`."""
        mine = "FROM batches WHERE id > ? AND (target IS NULL OR target = ?)"
        sizes = self._db.execute(f"SELECT id, bytes {mine} ORDER BY id", (after, output))
        last = total = 0
        for position, size in sizes:
            total += size
            if last and total > max_bytes:
                break
            last = position
        sizes.close()
        rows = self._db.execute(
            f"SELECT id, input, count, data {mine} AND id <= ? ORDER BY id", (after, output, last)
        )
        return [Batch(*row) for row in rows]

    def oldest(self, output: str | None, after: int) -> float | None:
        """When the first row after a position was accepted, of all or of those for an output."""
        row = self._db.execute(
            "SELECT created FROM batches WHERE id > :after"
            " AND (:output IS NULL OR target IS NULL OR target = :output) ORDER BY id LIMIT 1",
            {"after": after, "output": output},
        ).fetchone()
        return float(row[0]) if row else None

    def checkpoints(self, owner: str | None = None) -> list[Checkpoint]:
        """All checkpoints, or those of one input, by input and stream."""
        rows = self._db.execute(
            "SELECT input, stream, value, updated FROM checkpoints"
            " WHERE input = COALESCE(?, input) ORDER BY input, stream",
            (owner,),
        )
        return [Checkpoint(i, stream, orjson.loads(value), at) for i, stream, value, at in rows]

    def seen(self, owner: str, uids: Collection[str]) -> set[str]:
        """Those of the keys that were taken from an input before."""
        keys = {key(uid): uid for uid in uids}
        return {keys[one] for one in seen(self._db, owner, keys)}

    def letters(self, output: str | None, after: int, limit: int) -> list[DeadLetter]:
        """Dead letters without their documents, oldest first."""
        rows = self._db.execute(
            "SELECT id, output, input, reason, created, bytes FROM dead"
            " WHERE id > ? AND output = COALESCE(?, output) ORDER BY id LIMIT ?",
            (after, output, limit),
        )
        return [DeadLetter(*row) for row in rows]

    def document(self, letter: int) -> bytes | None:
        """The document of a dead letter."""
        row = self._db.execute("SELECT document FROM dead WHERE id = ?", (letter,)).fetchone()
        return bytes(row[0]) if row else None

    def letter_counts(self) -> dict[str, int]:
        """How many dead letters each output has."""
        return dict(self._db.execute("SELECT output, count(*) FROM dead GROUP BY output"))

    def close(self) -> None:
        """Close the file."""
        self._db.close()
