"""The rows themselves: records in files (segments) that are written once, in order, and used again.

The database knows where each row is; SQLite alone would write every document twice and read it
once between. A record tells all about itself, so that it is found without the database, too: it
begins with a magic number and a checksum, and names the segment, because behind the last record of
a file lie older ones.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from bridge.native import core
from bridge.spool.damage import Impossible
from bridge.spool.lock import sync

SEGMENT_BYTES: Final = 16 * 1024 * 1024
FULL_BYTES: Final = 14 * 1024 * 1024
"""From here on the next records go into another file; the largest commits, of about 2 MiB, may make
one a little longer than the others."""
FREE_BYTES: Final = 1024 * 1024
"""A file without rows is written from its beginning again when so much of it has been used."""
SPARES: Final = 4
"""Files that are kept for the next rows."""

MAGIC: Final = b"\xf5GBR"
"""Its first octet occurs in no UTF-8 text."""
HEAD: Final = struct.Struct(">4sIIQdIIHH")
"""Magic, checksum of everything behind it, segment, id, created, count, octets of the documents, of
the input and of the target; then these three, the documents last."""
CHECKED: Final = 8
WHOLE: Final = 1 << 31
"""Added to the count of a row that is accepted as soon as it is written; any other one belongs to a
transaction of the database."""
NOBODY: Final = 0xFFFF
"""In place of the length of a target: the row is for all outputs."""


WriteRows = Callable[[int, int, list[tuple[bytes, bytes]]], None]
crc32: Callable[..., int] = core.crc32 if core else zlib.crc32


class Place(NamedTuple):
    """Where a record begins."""

    segment: int
    start: int


@dataclass(frozen=True, slots=True)
class Record:
    """A row as it lies in a segment; `created` is in seconds since the epoch.

    One that `is_whole` is accepted with its segment, whatever becomes of the database.
    """

    id: int
    created: float
    count: int
    input: str
    target: str | None
    data: bytes = field(repr=False)
    segment: int = 0
    is_whole: bool = False

    def head(self, segment: int) -> bytes:
        """What stands before the documents in a segment, with nothing in place of the checksum."""
        owner = self.input.encode()
        target = b"" if self.target is None else self.target.encode()
        head = HEAD.pack(
            MAGIC,
            0,
            segment,
            self.id,
            self.created,
            self.count | WHOLE if self.is_whole else self.count,
            len(self.data),
            len(owner),
            NOBODY if self.target is None else len(target),
        )
        return head + owner + target


def size_of(owner: str, target: str | None, size: int) -> int:
    """How many octets the record of a row takes, whose documents take `size`."""
    return HEAD.size + len(owner.encode()) + len((target or "").encode()) + size


def placed(
    owner: object, target: object, size: object, segment: object, start: object
) -> tuple[Place, int]:
    """Where the record of a row begins, and how many octets it takes.

    Raises Impossible for values of `batches` that nobody has written.
    """
    is_named = isinstance(owner, str) and (target is None or isinstance(target, str))
    numbers = [one for one in (size, segment, start) if isinstance(one, int) and one >= 0]
    if not is_named or len(numbers) < 3:
        raise Impossible("a row is where no row can be")
    size, segment, start = numbers
    target = None if target is None else str(target)
    return Place(segment, start), size_of(str(owner), target, size)


def unpacked(content: bytes, start: int = 0) -> Record | None:
    """The record that begins there; None when it is not as it was written."""
    if len(content) - start < HEAD.size:
        return None
    magic, checksum, segment, rowid, created, count, size, owner, target = HEAD.unpack_from(
        content, start
    )
    names = start + HEAD.size
    has_target = target != NOBODY
    data = names + owner + (target if has_target else 0)
    end = data + size
    if magic != MAGIC or end > len(content):
        return None
    if crc32(memoryview(content)[start + CHECKED : end]) != checksum:
        return None
    return Record(
        id=rowid,
        created=created,
        count=count & ~WHOLE,
        input=content[names : names + owner].decode(),
        target=content[names + owner : data].decode() if has_target else None,
        data=content[data:end],
        segment=segment,
        is_whole=count >= WHOLE,
    )


def scan(content: bytes, segment: int) -> Iterator[tuple[int, Record | None]]:
    """The records of a segment, in order, and where each begins.

    None for one that is not as it was written.
    """
    start = content.find(MAGIC)
    while start >= 0:
        record = unpacked(content, start)
        size = 1
        if record is not None:
            size = size_of(record.input, record.target, len(record.data))
            if record.segment == segment:
                yield start, record
        elif content[start + CHECKED : start + CHECKED + 4] == segment.to_bytes(4):
            yield start, None
        start = content.find(MAGIC, start + size)


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


def signed(head: bytes, data: bytes) -> bytes:
    """A head with the checksum of what is behind it, and of the documents."""
    checksum = crc32(data, crc32(head[CHECKED:]))
    return head[: len(MAGIC)] + checksum.to_bytes(4) + head[CHECKED:]


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


class Segments:
    """The writing end, open behind the last row that is committed.

    `put` says where a row will be, and `write` makes durable what was put; then `keep` follows, or
    `take_back` when it was not committed. Raises OSError, and Impossible for a file that ends too
    early.
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
        self._new_end = self._end

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
        return max(0, min(self._allocated, FULL_BYTES) - start) + len(self._spares) * FULL_BYTES

    def is_in_use(self, segment: int) -> bool:
        """Whether the first or the last row is known to be in a segment."""
        return segment in (self._oldest, self._number)

    def put(self, row: Record) -> Place:
        """Where a row will be; its `segment` is not known before."""
        if not self._rows and self._must_turn():
            self._turn()
        place = Place(self._number, self._new_end)
        head = row.head(self._number)
        self._rows.append((head, row.data))
        self._new_end += len(head) + len(row.data)
        return place

    def write(self) -> None:
        """Make durable what was put."""
        if self._rows:
            write_rows(self._file, self._end, self._rows)

    def keep(self) -> None:
        """What was written is committed."""
        self._has_rows = self._has_rows or bool(self._rows)
        self._end = self._new_end
        self._allocated = max(self._allocated, self._end)
        self._rows.clear()

    def take_back(self) -> None:
        """What was put is not committed; what was written of it must never be found."""
        if self._rows and self._file >= 0:
            with suppress(OSError):
                os.ftruncate(self._file, self._end)
                self._allocate()
        self._new_end = self._end
        self._rows.clear()

    def release(self, oldest: int | None) -> None:
        """Let go of the segments before the first one with rows; None: there is no row."""
        self._has_rows = oldest is not None
        first = self._number if oldest is None else oldest
        for number in range(self._oldest, first):
            self._let_go(self._folder / name_of(number))
        self._oldest = max(first, self._oldest)

    def close(self) -> None:
        """Let go of the file; safe twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _let_go(self, path: Path) -> None:
        """Keep a file for the next rows, or delete it; what cannot be is left to the next start."""
        with suppress(OSError):
            if len(self._spares) < SPARES and path.stat().st_size >= SEGMENT_BYTES:
                self._spares.append(path)
            else:
                path.unlink()

    def _must_turn(self) -> bool:
        """Whether the next rows go into another file, or into this one from its beginning."""
        is_full = self._file < 0 or self._end >= FULL_BYTES
        is_better = bool(self._spares) and self._allocated < SEGMENT_BYTES
        return is_full or self._is_free() or is_better

    def _is_free(self) -> bool:
        return not self._has_rows and self._end >= FREE_BYTES

    def _turn(self) -> None:
        """Go over to the next segment."""
        path = self._folder / name_of(self._number + 1)
        if self._file >= 0 and not self._has_rows:
            (self._folder / name_of(self._number)).rename(path)
        elif self._spares:
            self._spares[-1].rename(path)
            self._spares.pop()
        self.close()
        self._number, self._end = self._number + 1, 0
        self._new_end = 0
        self._has_rows = False
        self._open(path, os.O_RDWR | os.O_CREAT)
        self._allocate()
        try:
            sync(self._folder)
        except OSError:
            self.close()
            raise

    def _open(self, path: Path, how: int) -> None:
        self._file = os.open(path, how | os.O_CLOEXEC, 0o600)

    def _allocate(self) -> None:
        """Take the whole segment from the disk, if it has that much."""
        with suppress(OSError):
            os.posix_fallocate(self._file, 0, SEGMENT_BYTES)
        self._allocated = os.fstat(self._file).st_size


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
