"""The rows themselves: records in files (segments) that are written once, in order, and used again.

The database knows where each row is; SQLite alone would write every document twice and read it
once between.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.native import core
from bridge.spool.damage import Impossible
from bridge.spool.lock import sync
from bridge.spool.records import CHECKED, HEAD, Place, Record, named, scan, signed, unpacked

SEGMENT_BYTES: Final = 16 * 1024 * 1024
FULL_BYTES: Final = 14 * 1024 * 1024
"""From here on the next records go into another file; the largest commits, of about 2 MiB, may make
one a little longer than the others."""
NEXT_BYTES: Final = FULL_BYTES // 2
"""From here on the next file is made ready."""
FREE_BYTES: Final = 1024 * 1024
"""A file without rows is written from its beginning again when so much of it has been used."""
LONG_BYTES: Final = 128 * 1024
BLOCK_BYTES: Final = 4096
"""Portions that are long end with a block: the compiled writing then needs no page cache."""
SPARES: Final = 4
"""Files that are kept for the next rows; more of them only for a while."""
MOST_SPARES: Final = 16

WriteRows = Callable[[int, int, list[tuple[bytes, bytes]]], None]


def behind(folder: Path, end: Place, newest: int) -> Iterator[tuple[Place, Record]]:
    """The whole rows after an id, in order, and where they are: all behind a place.

    Where an id is left out, that row cannot be read any more.
    """
    for number, path in files(folder).items():
        if number < end.segment:
            continue
        first = end.start if number == end.segment else 0
        for start, record in scan(octets(path, first), number):
            if record and record.is_whole and record.id > newest:
                newest = record.id
                yield Place(number, first + start), record


def octets(path: Path, start: int) -> bytes:
    """What is in a file from a place on."""
    with path.open("rb") as file:
        file.seek(start)
        return file.read()


def name_of(segment: int) -> str:
    """The name of a segment's file."""
    return f"{segment:08d}"


def files(folder: Path) -> dict[int, Path]:
    """The segments that are there, by number, in order."""
    try:
        names = [name for name in os.listdir(folder) if name.isdecimal()]
    except FileNotFoundError:
        return {}
    return {int(name): folder / name for name in sorted(names, key=int)}


def write_in_python(file: int, start: int, rows: list[tuple[bytes, bytes]]) -> None:
    """Write rows, each a head and its documents, and wait until they are on the disk."""
    for head, data in rows:
        rest = memoryview(signed(head, data) + data)
        while rest:
            written = os.pwrite(file, rest, start)
            start += written
            rest = rest[written:]
    os.fdatasync(file)


write_rows: WriteRows = core.write_rows if core else write_in_python
"""The compiled part gives up the lock of the interpreter once, each call above by itself."""


@dataclass(slots=True)
class Portion:
    """Rows to be written into a file of a segment, from `start` to `end`."""

    file: int
    segment: int
    start: int
    end: int
    rows: list[tuple[bytes, bytes]]
    is_last: bool = False
    """Whether nothing more will be written into the file."""


class Segments:
    """The writing end, open behind the last row that is committed.

    `put` says where a row will be, `cut` gives what was put since, and whoever has made it durable
    says `keep`, portion by portion, or `take_back` for all that are not kept. `write` does that for
    rows that are written at once. Raises OSError, and Impossible for a file that ends too early.
    """

    def __init__(self, folder: Path, oldest: int, end: Place | None) -> None:
        """`oldest`: the first segment with rows; `end`: where the last row ends, if there is one.

        What is behind it was never accepted.
        """
        self._folder = folder
        self._file = -1
        self._allocated = 0
        self._spares: list[Path] = []
        self._rows: list[tuple[bytes, bytes]] = []
        self._portions: deque[Portion] = deque()
        self._next: int | None = None
        folder.mkdir(mode=0o700, exist_ok=True)
        sync(folder.parent)
        there = files(folder)
        self._number, self._end = end or Place(max(there, default=0), 0)
        self._oldest = oldest if end else self._number + 1
        self._has_rows = end is not None
        if end:
            self._go_on(there.pop(end.segment, None))
        for number, path in there.items():
            if not self._oldest <= number < self._number:
                path.unlink()
        self._cut_end = self._new_end = self._end

    def _go_on(self, path: Path | None) -> None:
        if path is None or path.stat().st_size < self._end:
            raise Impossible(f"the rows of segment {self._number} are not all there")
        self._open(path, os.O_RDWR)
        os.ftruncate(self._file, self._end)
        self._allocate()

    @property
    def reusable(self) -> int:
        """How many octets can be written without taking more of the disk."""
        start = 0 if self._is_free() else self._end
        others = len(self._spares) + (self._next is not None)
        return max(0, min(self._allocated, FULL_BYTES) - start) + others * FULL_BYTES

    def put(self, row: Record) -> Place:
        """Where a row will be; its `segment` is not known before."""
        if not self._rows and self._must_turn():
            self._turn()
        place = Place(self._number, self._new_end)
        head = row.head(self._number)
        self._rows.append((head, row.data))
        self._new_end += len(head) + len(row.data)
        return place

    def cut(self) -> Portion | None:
        """What was put since the last time, if it was anything."""
        if not self._rows:
            return None
        if self._new_end - self._cut_end >= LONG_BYTES:
            self._fill_block()
        portion = Portion(self._file, self._number, self._cut_end, self._new_end, self._rows)
        self._cut_end = self._new_end
        self._rows = []
        self._portions.append(portion)
        return portion

    def _fill_block(self) -> None:
        """Let what comes next begin with a block: neither it nor this needs the page cache then."""
        gap = -self._new_end % BLOCK_BYTES
        if gap:
            gap += BLOCK_BYTES if gap < CHECKED else 0
            self._rows.append((bytes(gap), b""))
            self._new_end += gap

    def write(self) -> None:
        """Make durable what was put."""
        if portion := self.cut():
            write_rows(portion.file, portion.start, portion.rows)

    def keep(self) -> None:
        """The oldest portion, if there is one, is committed."""
        if not self._portions:
            return
        portion = self._portions.popleft()
        if portion.segment == self._number:
            self._has_rows = True
            self._end = portion.end
            self._allocated = max(self._allocated, self._end)
        if portion.is_last:
            os.close(portion.file)

    def take_back(self) -> None:
        """What is not kept is not committed; what was written of it must never be found."""
        for portion in reversed(self._portions):
            with suppress(OSError):
                os.ftruncate(portion.file, portion.start)
                if portion.file == self._file:
                    self._allocate()
            if portion.is_last:
                os.close(portion.file)
        self._portions.clear()
        self._cut_end = self._new_end = self._end
        self._rows = []

    @property
    def is_ready(self) -> bool:
        """Whether a row can be put without any other work on files."""
        return self._next is not None or not self._must_turn()

    def needs_next(self, has_room: Callable[[], bool]) -> bool:
        """Whether it is time for `make_next`; without room only a spare file is taken."""
        is_time = self._next is None and self._new_end >= NEXT_BYTES
        return is_time and (bool(self._spares) or has_room())

    def make_next(self) -> None:
        """Have the next segment ready before it is needed; nothing is lost when that fails."""
        if self._next is None:
            self._next = self._made(self._number + 1)

    def release(self, oldest: int | None) -> None:
        """Let go of the segments before the first one with rows; None: there is no row."""
        self._has_rows = oldest is not None
        first = self._number if oldest is None else oldest
        for number in range(self._oldest, first):
            self._let_go(self._folder / name_of(number))
        self._oldest = max(first, self._oldest)

    def trim(self) -> bool:
        """Delete one of too many spare files, which may take a while; True when there are more."""
        if len(self._spares) > SPARES:
            with suppress(OSError):
                self._spares.pop(0).unlink()
        return len(self._spares) > SPARES

    def close(self) -> None:
        """Let go of the files; safe twice."""
        if self._next is not None:
            os.close(self._next)
            self._next = None
        self._leave()

    def _leave(self) -> None:
        """Write no more into the file; it stays open for what is on its way there."""
        if self._file < 0:
            return
        if self._portions and self._portions[-1].file == self._file:
            self._portions[-1].is_last = True
        else:
            with suppress(OSError):  # what was written is on the disk
                os.close(self._file)
        self._file = -1

    def _let_go(self, path: Path) -> None:
        """Keep a file for the next rows, or delete it; what cannot be is left to the next start."""
        if path in self._spares:
            return
        with suppress(OSError):
            if len(self._spares) < MOST_SPARES and path.stat().st_size >= SEGMENT_BYTES:
                self._spares.append(path)
            else:
                path.unlink()

    def _must_turn(self) -> bool:
        """Whether the next rows go into another file, or into this one from its beginning."""
        is_full = self._file < 0 or self._new_end >= FULL_BYTES
        is_better = bool(self._spares) and self._allocated < SEGMENT_BYTES
        return is_full or self._is_free() or is_better

    def _is_free(self) -> bool:
        return not (self._has_rows or self._portions) and self._end >= FREE_BYTES

    def _turn(self) -> None:
        """Go over to the next segment."""
        number = self._number + 1
        if self._next is None:
            if self._file >= 0 and not (self._has_rows or self._portions):
                self._spares.append(self._folder / name_of(self._number))
            self._leave()
            self._next = self._made(number)
        self._leave()
        self._file, self._next = self._next, None
        self._number, self._end = number, 0
        self._cut_end = self._new_end = 0
        self._has_rows = False
        self._allocated = os.fstat(self._file).st_size

    def _made(self, number: int) -> int:
        """The open file of a new segment, a used one if there is any."""
        path = self._folder / name_of(number)
        if self._spares:
            self._spares[-1].rename(path)
            self._spares.pop()
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            allocate(file)
            sync(self._folder)
        except OSError:
            os.close(file)
            raise
        return file

    def _open(self, path: Path, how: int) -> None:
        self._file = os.open(path, how | os.O_CLOEXEC, 0o600)

    def _allocate(self) -> None:
        """Take the whole segment from the disk, if it has that much."""
        allocate(self._file)
        self._allocated = os.fstat(self._file).st_size


def allocate(file: int) -> None:
    """Take a whole segment from the disk, if it has that much."""
    with suppress(OSError):
        os.posix_fallocate(file, 0, SEGMENT_BYTES)


class Records:
    """The reading end; it keeps the segment open that it read last. Raises OSError.

    Each output reads a row once, and in order: the system is told so, and need not keep it. Another
    output that comes later reads it from the disk again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._segment = self._file = -1

    def record(self, place: Place, size: int) -> Record | None:
        """The record at a place, `size` octets; None when it is not there as it was written."""
        try:
            file = self._opened(place.segment)
        except FileNotFoundError:
            return None
        if os.fstat(file).st_size < place.start + size:
            return None
        record = unpacked(os.pread(file, size, place.start))
        os.posix_fadvise(file, place.start, size, os.POSIX_FADV_DONTNEED)
        return record if record and record.segment == place.segment else None

    def begins(self, row: int, place: Place) -> bool:
        """Whether the record of a row begins at a place; its documents are not read."""
        try:
            file = self._opened(place.segment)
        except FileNotFoundError:
            return False
        if os.fstat(file).st_size < place.start:
            return False
        return named(os.pread(file, HEAD.size, place.start)) == (place.segment, row)

    def close(self) -> None:
        """Let go of the file; safe twice."""
        if self._file >= 0:
            os.close(self._file)
            self._segment = self._file = -1

    def _opened(self, segment: int) -> int:
        if self._segment != segment:
            self.close()
            path = self.folder / name_of(segment)
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            os.posix_fadvise(self._file, 0, 0, os.POSIX_FADV_SEQUENTIAL)
            self._segment = segment
        return self._file
