"""The write-ahead log as a file: which of its frames SQLite takes, and which it will not.

SQLite ends at the first frame whose checksum is wrong, without a word about those behind it.
Format:
https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import struct
import sys
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bridge.errors import SpoolError
from bridge.spool.damage import MAGIC, ROWS, WAL, WAL_HEADER_BYTES, beside, why
from bridge.spool.schema import PAGE_BYTES
from bridge.spool.segments import files

FRAME_HEADER: Final = struct.Struct(">6I")
FRAME_BYTES: Final = FRAME_HEADER.size + PAGE_BYTES
MAGIC_NUMBERS: Final = {0x377F0682: "little", 0x377F0683: "big"}
MASK: Final = 0xFFFFFFFF

HEADER: Final = struct.Struct(">18xBB24xI")
"""Of a database: the versions of its format for those who write and for those who read, and that of
the schema."""
FILE_FORMATS: Final = (1, 2)
SCHEMA_FORMATS: Final = range(5)


@dataclass(frozen=True, slots=True)
class Frame:
    """One version of a page; `pages` is the size of the database after a commit, else 0."""

    page: int
    pages: int
    content: bytes = field(repr=False)
    good: bool = True
    """Whether its checksum is right, given that of the frame before it."""


@dataclass(frozen=True, slots=True)
class Wal:
    """What is in a WAL since it was begun: whole transactions, and the frames behind them.

    A transaction is synced before the next one begins. So a single one that is not whole may have
    been cut by a power failure, unacknowledged; when there is a later one, it was damaged.
    """

    whole: tuple[Frame, ...] = ()
    behind: tuple[Frame, ...] = ()
    known: bool = True
    """Whether its first bytes are as they were written."""

    @property
    def lost(self) -> int:
        """How many transactions are behind the first bad frame."""
        return sum(1 for frame in self.behind if frame.pages)

    @property
    def is_damaged(self) -> bool:
        """Whether something that was accepted is behind a bad frame."""
        return self.lost > 1 or not self.known


def read(path: Path) -> Wal:
    """The WAL beside a database, or an empty one. Raises OSError."""
    wal = beside(path, WAL)
    if not wal.exists():
        return Wal()
    content = wal.read_bytes()
    if len(content) < WAL_HEADER_BYTES + FRAME_BYTES:
        return Wal()
    head = struct.unpack_from(">8I", content)
    order = MAGIC_NUMBERS.get(head[0], sys.byteorder)
    known = head[0] in MAGIC_NUMBERS and checksum(content[:24], order) == head[6:8]
    # The first frame is always of the newest generation.
    salts = head[4:6] if known else struct.unpack_from(">2I", content, WAL_HEADER_BYTES + 8)
    frames, unbroken = take(content, salts, order, head[6:8])
    ends = [number for number, frame in enumerate(frames, 1) if frame.pages]
    end = max((number for number in ends if known and number <= unbroken), default=0)
    return Wal(tuple(frames[:end]), tuple(frames[end : max(ends, default=0)]), known)


def take(
    content: bytes, salts: tuple[int, ...], order: str, sums: tuple[int, ...]
) -> tuple[list[Frame], int]:
    """The frames with the salts of this generation; how many are good before the first bad one."""
    frames: list[Frame] = []
    unbroken, counting = 0, True
    for start in range(WAL_HEADER_BYTES, len(content) - FRAME_BYTES + 1, FRAME_BYTES):
        page, pages, *rest = FRAME_HEADER.unpack_from(content, start)
        body = content[start + FRAME_HEADER.size : start + FRAME_BYTES]
        own, stored = tuple(rest[:2]) == salts and page > 0, tuple(rest[2:])
        if own:
            good = checksum(content[start : start + 8] + body, order, sums) == stored
            frames.append(Frame(page, pages, body, good))
            counting = counting and good
            unbroken += counting
        counting = counting and own
        sums = stored
    return frames, unbroken


def checksum(content: bytes, order: str, start: tuple[int, ...] = (0, 0)) -> tuple[int, int]:
    """SQLite's two sums over words of 32 bits, going on from earlier ones."""
    words = array("I", content)
    if order != sys.byteorder:
        words.byteswap()
    one, two = start
    numbers = iter(words)
    for even, odd in zip(numbers, numbers, strict=True):
        one = (one + even + two) & MASK
        two = (two + odd + one) & MASK
    return one, two


def found_unopened(path: Path) -> str:
    """What is wrong with a file, where SQLite would make it worse by opening it; else empty.

    It deletes the WAL of an empty database and of one whose first bytes it does not know, and
    overwrites frames behind a bad one. A format that it does not know it takes for that of a newer
    SQLite. Raises SpoolError for a file that cannot be read.
    """
    try:
        return _found(path)
    except OSError as error:
        raise SpoolError(f"the spool {path} cannot be opened: {why(error)}") from error


def _found(path: Path) -> str:
    wal = beside(path, WAL)
    has_wal = wal.exists() and wal.stat().st_size > WAL_HEADER_BYTES
    if is_empty(path) and (has_wal or files(beside(path, ROWS))):
        return "its database is gone"
    head = head_of(path)
    if head.startswith(MAGIC) and not is_of_known_format(head):
        return "the first bytes of its database are wrong"
    if not has_wal:
        return ""
    if not head.startswith(MAGIC):
        return "there is a WAL without its database"
    found = read(path)
    if not found.known:
        return "the first bytes of its WAL are wrong"
    return f"its WAL holds {found.lost} commits behind a bad place" if found.is_damaged else ""


def is_empty(path: Path) -> bool:
    return not path.exists() or not path.stat().st_size


def head_of(path: Path) -> bytes:
    """The first bytes of a database; fewer when there are not so many."""
    if not path.exists():
        return b""
    with path.open("rb") as file:
        return file.read(HEADER.size)


def is_of_known_format(head: bytes) -> bool:
    """Whether a header names versions of the format that SQLite could have written."""
    if len(head) < HEADER.size:
        return False
    writing, reading, schema = HEADER.unpack(head)
    return writing in FILE_FORMATS and reading in FILE_FORMATS and schema in SCHEMA_FORMATS
