"""Getting out of a damaged spool what can be read, into a spool that is not in use or a text file.

What was taken out once is remembered for 40 days (with the keys of inputs), so that salvaging again
makes no doubles.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from bridge.clock import SystemClock
from bridge.errors import SpoolError
from bridge.spool.damage import Impossible, why
from bridge.spool.lock import DATABASE, Lock, databases
from bridge.spool.model import Buried
from bridge.spool.records import Record
from bridge.spool.store import Order, Store, open_store
from bridge.spool.tally import Tally
from bridge.spool.transaction import Transaction
from bridge.spool.wreck import Wreck, WreckedLetter

T = TypeVar("T", Record, WreckedLetter)

GROUP_BYTES: Final = 2 * 1024 * 1024
OVERHEAD_BYTES: Final = 1024


@dataclass(slots=True)
class Salvaged:
    """What became of everything that could be read, and how much could not.

    `rows` and `events` were taken; those in `passed` had been delivered already, those in `again`
    were taken out before, those in `unclaimed` are for an output that does not exist any more.
    `small` are checkpoints, keys, kinds and notes that were new or newer, by table. `missing` are
    the rows that must have been there and were not found (at most: of those that were dead letters
    once some may have been delivered); `unreadable` counts pages and records.
    """

    rows: int = 0
    events: int = 0
    passed: int = 0
    again: int = 0
    unclaimed: int = 0
    letters: int = 0
    letters_again: int = 0
    small: Counter[str] = field(default_factory=Counter)
    accounts: Tally = field(default_factory=Tally)
    missing: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)
    commits_behind: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether every event that waited was found, and nothing was unreadable."""
        known = bool(self.accounts.outputs)
        return known and not self.missing and not self.unreadable.total()


def salvage(file: Path, directory: Path, dead_limit: int) -> Salvaged:
    """Everything that can be read of a damaged file goes into the spool of a directory.

    Rows keep their order, behind what is there, for the outputs that had not passed them; dead
    letters stay dead; of checkpoints the newer one counts. `max_bytes` is no limit here. Raises
    SpoolLocked when the bridge is running, or SpoolError; then it can be started again.
    """
    if file.absolute() in [one.absolute() for one in databases(directory).values()]:
        raise SpoolError(
            f"{file} is the spool itself: a damaged one is set aside at the next start"
        )
    with opened(file) as wreck, stopped(directory, dead_limit) as store:
        found = Salvaged(commits_behind=wreck.log.lost)
        found.accounts, found.small = store.take_over(wreck.survey())
        for rows in grouped(present(wreck, found), lambda row: len(row.data)):
            give(store, partial(restore, rows=rows, found=found))
        for letters in grouped(wreck.letters(), lambda letter: len(letter.document)):
            give(store, partial(rebury, letters=letters, found=found))
        found.unreadable.update(wreck.unreadable)
        return found


def export(file: Path, output: BinaryIO) -> Salvaged:
    """The documents that no output had passed, one a line, as they went into the spool.

    Raises SpoolError.
    """
    with opened(file) as wreck:
        found = Salvaged(commits_behind=wreck.log.lost)
        for one in wreck.survey():
            if one.table == "counters":
                with suppress(Impossible):
                    found.accounts.set(*one.values)
        for row in present(wreck, found):
            output.writelines(document + b"\n" for document in row.data.split(b"\0"))
            found.rows += 1
            found.events += row.count
        found.unreadable.update(wreck.unreadable)
        return found


@contextmanager
def opened(file: Path) -> Iterator[Wreck]:
    """The damaged file; raises SpoolError when there is none."""
    try:
        with Wreck(file) as wreck:
            if not wreck.exists:
                raise SpoolError(f"there is no spool file {file}")
            yield wreck
    except OSError as error:
        raise SpoolError(f"{file} cannot be read: {error.strerror}") from error


@contextmanager
def stopped(directory: Path, dead_limit: int) -> Iterator[Store]:
    """The spool of a bridge that is not running; raises SpoolLocked when it is."""
    lock = Lock(directory)
    try:
        store = open_store(directory / DATABASE, SystemClock(), dead_limit)
        try:
            yield store
        finally:
            store.close()
    finally:
        lock.release()


def present(wreck: Wreck, found: Salvaged) -> Iterator[Record]:
    """The rows that some output still needs; what is missing between them is counted."""
    cursors = [output.cursor for output in found.accounts.outputs.values()]
    floor, seen = min(cursors, default=0), 0
    for row in wreck.rows():
        if row.id > floor:
            seen += 1
            yield row
        else:
            found.passed += row.count
    found.missing = max(0, wreck.newest - floor - seen) if cursors else 0


def grouped(items: Iterable[T], size: Callable[[T], int]) -> Iterator[list[T]]:
    """Runs of items that are written in one transaction each."""
    group: list[T] = []
    total = 0
    for item in items:
        group.append(item)
        total += size(item) + OVERHEAD_BYTES
        if total >= GROUP_BYTES:
            yield group
            group, total = [], 0
    if group:
        yield group


def give(store: Store, order: Order) -> None:
    """Do it in one transaction; raises SpoolError when the disk does not take it."""
    try:
        if store.free() <= 0:
            raise SpoolError("the disk of the spool is nearly full")
        store.commit([order], [], float("inf"))
    except (SpoolError, sqlite3.Error, OSError) as error:
        reason = f"{why(error)}: make room, and salvage the same file again to go on"
        raise SpoolError(reason) from error


def restore(work: Transaction, rows: list[Record], found: Salvaged) -> None:
    """Put rows back for the outputs that need them."""
    for row in rows:
        targets = recipients(row, work.tally, found.accounts)
        if targets is None:
            found.unclaimed += row.count
        elif not targets:
            found.passed += row.count
        elif work.restore(row.id, row.input, targets, row.data):
            found.rows += 1
            found.events += row.count
        else:
            found.again += row.count


def recipients(row: Record, now: Tally, before: Tally) -> Sequence[str | None] | None:
    """The outputs that need a row, where [None] is all of them; None when its output is gone."""
    if row.target and row.target not in now.outputs:
        return None
    names = [row.target] if row.target else list(now.outputs)
    past = {name for name, output in before.outputs.items() if output.cursor >= row.id}
    needing = [name for name in names if name not in past]
    return [None] if not row.target and needing == names else needing


def rebury(work: Transaction, letters: list[WreckedLetter], found: Salvaged) -> None:
    """Put dead letters back."""
    for one in letters:
        buried = Buried(one.document, one.reason, one.input)
        if work.rebury(one.id, one.output, buried, one.created):
            found.letters += 1
        else:
            found.letters_again += 1
