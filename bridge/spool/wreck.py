"""What can still be read of a damaged spool, whatever else of it is lost.

The rows are found in their segments, without the database. In the database the trees of the tables
are not followed: every page that holds records is read by itself, and a record is known by the
types of its columns. So each is found whose own pages are undamaged.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final, Self

from bridge.spool import wal
from bridge.spool.damage import ROWS, WAL, beside
from bridge.spool.pages import (
    INTEGERS,
    TABLE_INTERIOR,
    TABLE_LEAF,
    TREES,
    Cell,
    Pages,
    Unreadable,
    Value,
    cells,
    columns,
    header,
    types,
)
from bridge.spool.records import Record, scan
from bridge.spool.segments import files

# One letter a column: n null, i integer, f float, s text, b bytes. A float without a fraction is
# written as an integer.
TABLES: Final[dict[str, re.Pattern[str]]] = {
    "batches": re.compile("ns[ns]ii[if]ii"),
    "dead": re.compile("nsss[if]ib"),
    "sequence": re.compile("si"),
}
INDEXES: Final[dict[str, re.Pattern[str]]] = {
    "counters": re.compile("sssi"),
    "checkpoints": re.compile("ssb[if]"),
    "seen": re.compile("sbi"),
    "seen_by_age": re.compile("isb"),
    "kinds": re.compile("ss"),
    "notes": re.compile("sb"),
    "targeted": re.compile("si"),
}


@dataclass(frozen=True, slots=True)
class WreckedLetter:
    """A dead letter as it was buried."""

    id: int
    output: str
    input: str
    reason: str
    created: float
    document: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Small:
    """A record of another table, with its columns in the order of the table."""

    table: str
    values: tuple[Value, ...]


class Wreck:
    """A damaged file, its WAL and its segments, opened for reading; nothing in them is changed.

    First `survey` is gone through, to its end; then `letters` knows where to look. `newest` is the
    largest id of a row; `unreadable` counts pages and records. Raises OSError when a file cannot be
    opened.
    """

    def __init__(self, path: Path) -> None:
        self._ends = ExitStack()
        self._segments = files(beside(path, ROWS))
        self.exists = path.exists() or beside(path, WAL).exists() or bool(self._segments)
        self.log = wal.read(path)
        behind = self.log.behind
        good = tuple(frame for frame in behind if frame.good)
        self._states = [Pages(path, self.log.whole)]
        for more in (good, behind) if behind else ():
            self._states.append(Pages(path, (*self.log.whole, *more)))
        for state in self._states:
            self._ends.callback(state.close)
        self._later = {frame.page for frame in behind}
        self._letters: list[tuple[int, int, int]] = []
        self._ignored: set[str] = set()
        self.newest = 0
        self.unreadable: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def survey(self, *, thoroughly: bool = True) -> Iterator[Small]:
        """Every small record; one may come in several versions.

        Thoroughly means that keys are also taken from their index, which holds all of them again.
        """
        self._ignored = {"targeted"} if thoroughly else {"targeted", "seen_by_age"}
        for number, state in enumerate(self._states):
            for page in state.trees():
                if number == 0 or page in self._later:
                    yield from self._page(number, page)
        # The ids of the last segment with rows may be behind all that the database knows.
        for segment in reversed(self._segments):
            if ids := [one.id for one in self._scan(segment) if one]:
                self.newest = max(self.newest, *ids)
                break

    def rows(self) -> Iterator[Record]:
        """The rows, each once, in their order."""
        last = 0
        for segment in self._segments:
            for record in self._scan(segment):
                if record is None:
                    self.unreadable["rows"] += 1
                elif record.id > last:
                    last = record.id
                    yield record

    def _scan(self, segment: int) -> Iterator[Record | None]:
        for _, record in scan(self._segments[segment].read_bytes(), segment):
            yield record

    def letters(self) -> Iterator[WreckedLetter]:
        """The dead letters, each once, in their order."""
        for rowid, values in self._stored():
            match values:
                case [_, str(output), str(owner), str(reason), created, int(size), bytes(document)]:
                    if len(document) == size and isinstance(created, int | float):
                        yield WreckedLetter(rowid, output, owner, reason, created, document)
                        continue
            self.unreadable["dead letters"] += 1

    def _page(self, number: int, page: int) -> Iterator[Small]:
        state = self._states[number]
        try:
            content = state.page(page)
            is_table = content[100 if page == 1 else 0] in (TABLE_LEAF, TABLE_INTERIOR)
            found = list(cells(content, page))
        except Unreadable:
            # The first one holds definitions, and these are known.
            self.unreadable["pages"] += page > 1 and state.kind(page) in TREES
            return
        first = None
        for cell in found:
            table = table_of(cell, is_table=is_table)
            if cell is None or table is None:
                self.unreadable["records"] += page > 1
            elif table == "batches" and cell.rowid is not None:
                self.newest = max(self.newest, cell.rowid)
            elif table == "dead" and cell.rowid is not None:
                first = first or cell.rowid
            elif (
                table not in self._ignored
                and (small := self._small(state, table, cell)) is not None
            ):
                yield small
        if first is not None:
            self._letters.append((first, number, page))

    def _small(self, state: Pages, table: str, cell: Cell) -> Small | None:
        try:
            values = columns(state.payload(cell))
        except Unreadable:
            self.unreadable["records"] += 1
            return None
        if table == "seen_by_age":
            return Small("seen", (*values[1:], values[0]))
        if table == "sequence":
            position = values[1]
            if values[0] == "batches" and isinstance(position, int):
                self.newest = max(self.newest, position)
            return None
        return Small(table, tuple(values))

    def _stored(self) -> Iterator[tuple[int, list[Value]]]:
        """The records of dead letters, empty ones for what cannot be read any more."""
        done: set[tuple[int, int]] = set()
        for _, number, page in sorted(self._letters):
            state = self._states[number]
            for cell in cells(state.page(page), page):
                if cell is None or cell.rowid is None or table_of(cell, is_table=True) != "dead":
                    continue
                try:
                    payload = state.payload(cell)
                    values = columns(payload)
                except Unreadable:
                    yield cell.rowid, []
                    continue
                if (one := (cell.rowid, hash(payload))) not in done:
                    done.add(one)
                    yield cell.rowid, values


def table_of(cell: Cell | None, *, is_table: bool) -> str | None:
    """The table, or else the index, that a record belongs to, by the types of its columns."""
    if cell is None:
        return None
    try:
        return named(header(cell.local), is_table)
    except Unreadable:
        return None


@lru_cache(maxsize=4096)
def named(head: bytes, is_table: bool) -> str | None:
    """The same for the first part of a record; raises Unreadable."""
    shape = "".join(letter(kind) for kind, _, _ in types(head))
    known = TABLES if is_table else INDEXES
    return next((name for name, pattern in known.items() if pattern.fullmatch(shape)), None)


def letter(kind: int) -> str:
    """The letter for the type of a column."""
    if kind in INTEGERS or kind in (8, 9):
        return "i"
    if kind in (0, 7):
        return "nf"[kind // 7]
    return "?" if kind < 12 else "bs"[kind % 2]
