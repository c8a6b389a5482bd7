"""The pages of a spool file, read without SQLite, so that a damaged one hides nothing but itself.

Only what a spool file has is known here: pages of 16 KiB, UTF-8, pointer maps. Format:
https://www.sqlite.org/fileformat2.html
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Final

from bridge.spool.schema import PAGE_BYTES
from bridge.spool.wal import Frame

Value = int | float | str | bytes | None

TABLE_LEAF, INDEX_LEAF, INDEX_INTERIOR, TABLE_INTERIOR = 0x0D, 0x0A, 0x02, 0x05
FREE: Final = 2
TREES: Final = (1, 5)
MAPPED: Final = PAGE_BYTES // 5
LEAST: Final = (PAGE_BYTES - 12) * 32 // 255 - 23
MOST_TABLE: Final = PAGE_BYTES - 35
MOST_INDEX: Final = (PAGE_BYTES - 12) * 64 // 255 - 23
INTEGERS: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


class Unreadable(Exception):
    """A page or a record is not what it must be."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A record as it lies in a page: the part that is there, and where the rest begins."""

    rowid: int | None
    size: int
    local: bytes = field(repr=False)
    overflow: int


class Pages:
    """The pages of a database file under those of its WAL; numbers begin with 1."""

    def __init__(self, path: Path, frames: Iterable[Frame]) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC) if path.exists() else -1
        self._newer: dict[int, bytes] = {}
        self._map: tuple[int, bytes] = (0, b"")
        there = os.fstat(self._file).st_size // PAGE_BYTES if self._file >= 0 else 0
        end = there
        for frame in frames:
            self._newer[frame.page] = frame.content
            end = frame.pages or max(end, frame.page)
        self._there = min(there, end)
        self._beyond = sorted(page for page in self._newer if self._there < page <= end)

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)

    def page(self, number: int) -> bytes:
        """The content of a page; raises Unreadable."""
        content = self._newer.get(number, b"")
        if not content and number > 0 and self._file >= 0:
            with suppress(OSError, OverflowError):
                content = os.pread(self._file, PAGE_BYTES, (number - 1) * PAGE_BYTES)
        if len(content) != PAGE_BYTES:
            raise Unreadable(f"page {number} cannot be read")
        return content

    def kind(self, number: int) -> int:
        """What the pointer map says of a page: 1 root, 2 free, 3 and 4 overflow, 5 tree; 0 unknown.

        A page of the map itself counts as free.
        """
        home = (number - 2) // (MAPPED + 1) * (MAPPED + 1) + 2
        if number == 1:
            return TREES[0]
        if number == home:
            return FREE
        if self._map[0] != home:
            try:
                self._map = (home, self.page(home))
            except Unreadable:
                self._map = (home, bytes(PAGE_BYTES))
        kind = self._map[1][5 * (number - home - 1)]
        return kind if 1 <= kind <= 5 else 0

    def trees(self) -> Iterator[int]:
        """The pages that may hold records: all but those that the map calls free."""
        for number in chain(range(1, self._there + 1), self._beyond):
            if self.kind(number) != FREE:
                yield number

    def payload(self, cell: Cell) -> bytes:
        """A whole record; raises Unreadable."""
        parts, missing, number = [cell.local], cell.size - len(cell.local), cell.overflow
        if missing > (self._there + len(self._newer)) * PAGE_BYTES:
            raise Unreadable("a record is larger than the file")
        while missing > 0:
            content = self.page(number)
            parts.append(content[4 : 4 + missing])
            missing -= len(parts[-1])
            number = int.from_bytes(content[:4])
        return b"".join(parts)


def cells(content: bytes, number: int) -> Iterator[Cell | None]:
    """The records of a page; None for one that cannot be found. Raises Unreadable."""
    start = 100 if number == 1 else 0
    kind, _, count = struct.unpack_from(">BHH", content, start)
    if kind not in (TABLE_LEAF, INDEX_LEAF, INDEX_INTERIOR, TABLE_INTERIOR):
        raise Unreadable(f"page {number} holds no records")
    if kind == TABLE_INTERIOR:
        return
    header = start + (12 if kind == INDEX_INTERIOR else 8)
    if header + 2 * count > PAGE_BYTES:
        raise Unreadable(f"page {number} cannot hold {count} records")
    for (place,) in struct.iter_unpack(">H", content[header : header + 2 * count]):
        try:
            yield cell(content, place, kind)
        except (Unreadable, IndexError, struct.error):
            yield None


def cell(content: bytes, place: int, kind: int) -> Cell:
    """The record at a place in a page; raises Unreadable or IndexError."""
    if kind == INDEX_INTERIOR:
        place += 4
    size, place = varint(content, place)
    rowid = None
    if kind == TABLE_LEAF:
        rowid, place = varint(content, place)
    most = MOST_TABLE if kind == TABLE_LEAF else MOST_INDEX
    if size <= most:
        local, overflow = size, 0
    else:
        local = LEAST + (size - LEAST) % (PAGE_BYTES - 4)
        local = local if local <= most else LEAST
        (overflow,) = struct.unpack_from(">I", content, place + local)
    if place + local > PAGE_BYTES:
        raise Unreadable("a record leaves its page")
    return Cell(rowid, size, content[place : place + local], overflow)


def varint(content: bytes, place: int) -> tuple[int, int]:
    """A number of up to nine bytes, and the place behind it."""
    value = 0
    for index in range(place, place + 8):
        value = value << 7 | content[index] & 0x7F
        if content[index] < 0x80:
            return value, index + 1
    value = value << 8 | content[place + 8]
    return value - (value >> 63 << 64), place + 9


def header(record: bytes) -> bytes:
    """The part of a record that tells the types of its columns; raises Unreadable."""
    try:
        size, _ = varint(record, 0)
    except IndexError:
        raise Unreadable("a record is cut") from None
    if not 0 < size <= len(record):
        raise Unreadable("a record is cut")
    return record[:size]


@lru_cache(maxsize=4096)
def types(head: bytes) -> tuple[tuple[int, int, int], ...]:
    """The serial type, the place and the length of each column; raises Unreadable."""
    start, found = len(head), []
    try:
        _, place = varint(head, 0)
        while place < len(head):
            kind, place = varint(head, place)
            length = INTEGERS.get(kind, 8 if kind == 7 else max(0, (kind - 12) // 2))
            found.append((kind, start, length))
            start += length
    except IndexError:
        raise Unreadable("a record is cut") from None
    return tuple(found)


def columns(record: bytes) -> list[Value]:
    """The values of a record; raises Unreadable."""
    found = types(header(record))
    if not found or sum(found[-1][1:]) > len(record):
        raise Unreadable("a record is cut")
    return [value(kind, record[place : place + length]) for kind, place, length in found]


def value(kind: int, content: bytes) -> Value:
    """One value; raises Unreadable."""
    if kind in INTEGERS:
        return int.from_bytes(content, signed=True)
    if kind == 7:
        return float(struct.unpack(">d", content)[0])
    if kind in (0, 8, 9):
        return None if kind == 0 else kind - 8
    if kind < 12:
        raise Unreadable("a value is of no known type")
    if kind % 2 == 0:
        return content
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Unreadable("a text is not UTF-8") from None
