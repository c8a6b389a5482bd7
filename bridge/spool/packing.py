"""Documents of an input, put together to rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.spool.model import joined

ROW_BYTES: Final = 768 * 1024
"""What an input makes of one read is usually less, and need not be cut."""
SMALL: Final = 12
"""Parts of a twelfth of a row are small."""


@dataclass(frozen=True, slots=True)
class Part:
    """So many documents, joined by NUL."""

    count: int
    data: bytes


def pack(parts: Iterable[Part], limit: int = ROW_BYTES) -> Iterator[Part]:
    """Documents in rows that stay within the limit; a larger document is alone.

    Small parts are joined. A large one becomes a row as it is, without being copied.
    """
    small: list[Part] = []
    size = -1
    for part in parts:
        is_small = len(part.data) <= limit // SMALL
        if small and (not is_small or size + 1 + len(part.data) > limit):
            yield united(small)
            small, size = [], -1
        if is_small:
            small.append(part)
            size += 1 + len(part.data)
        elif len(part.data) <= limit:
            yield part
        else:
            yield from (Part(joined(data), data) for data in cut(part.data, limit))
    if small:
        yield united(small)


def united(parts: Sequence[Part]) -> Part:
    """Several parts as one."""
    return Part(sum(part.count for part in parts), b"\0".join(part.data for part in parts))


def cut(data: bytes, limit: int) -> Iterator[bytes]:
    """Documents joined by NUL, in pieces that stay within the limit; a larger one is alone."""
    start = 0
    while len(data) - start > limit:
        end = data.rfind(0, start, start + limit + 1)
        if end < 0:
            end = data.find(0, start + limit)
        if end < 0:
            break
        yield data[start:end]
        start = end + 1
    yield data[start:]
