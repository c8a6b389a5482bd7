"""What a row looks like on the disk.

A record tells all about itself, so that it is found without the database, too: it begins with a
magic number and a checksum, and names the segment, because behind the last record of a file lie
older ones.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from bridge.native import core
from bridge.spool.damage import Impossible

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


def named(content: bytes) -> tuple[int, int] | None:
    """The segment and the id that a head names, whatever is behind it; None when it is no head."""
    if len(content) < HEAD.size:
        return None
    magic, _, segment, rowid, *_ = HEAD.unpack_from(content)
    return (segment, rowid) if magic == MAGIC else None


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


def signed(head: bytes, data: bytes) -> bytes:
    """A head with the checksum of what is behind it, and of the documents."""
    checksum = crc32(data, crc32(head[CHECKED:]))
    return head[: len(MAGIC)] + checksum.to_bytes(4) + head[CHECKED:]
