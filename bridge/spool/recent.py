"""The newest rows, kept in memory, so that an output that keeps up needs no disk."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from bridge.spool.model import Batch
from bridge.spool.rows import Row

KEPT_BYTES: Final = 6 * 1024 * 1024
KEPT_ROWS: Final = 1024


class Recent:
    """Every row after `start`, as long as they are few.

    An output keeps up while what it has not read yet is here.
    """

    def __init__(self, start: int) -> None:
        self.start = start
        self._rows: list[Row] = []
        self._bytes = 0
        # How far each output has read that keeps up, and the bytes that it has not.
        self._read: dict[str, int] = {}
        self._unread: dict[str, int] = {}

    def add(self, rows: Sequence[Row], floor: int) -> None:
        """Take in new rows; let go of those that are too many, or that nobody will read here."""
        for row in rows:
            size = len(row.batch.data)
            self._bytes += size
            for name in self._unread:
                if _is_for(row, name):
                    self._unread[name] += size
        self._rows.extend(rows)
        done = max(floor, min(self._read.values(), default=0))
        gone = bisect_right(self._rows, done, key=_position)
        size = self._bytes - sum(len(row.batch.data) for row in self._rows[:gone])
        while gone < len(self._rows) and (size > KEPT_BYTES or len(self._rows) - gone > KEPT_ROWS):
            size -= len(self._rows[gone].batch.data)
            gone += 1
        if gone:
            self.start = _position(self._rows[gone - 1])
            del self._rows[:gone]
            self._forget([name for name, at in self._read.items() if at < self.start])
        self._bytes = size

    def unread(self) -> int:
        """The bytes that an output that keeps up has not read yet, the most of any."""
        return max(self._unread.values(), default=0)

    def forget(self, outputs: Collection[str]) -> None:
        """Let go of the rows that were for outputs which are gone: they are deleted."""
        self._rows = [row for row in self._rows if row.target not in outputs]
        self._bytes = sum(len(row.batch.data) for row in self._rows)
        self._forget(outputs)

    def _forget(self, outputs: Collection[str]) -> None:
        for name in outputs:
            self._read.pop(name, None)
            self._unread.pop(name, None)

    def rows(self) -> list[Row]:
        """All that are kept, in order."""
        return list(self._rows)

    def read(self, output: str, after: int, max_bytes: int) -> list[Batch]:
        """The rows after a position, not before `start`, that are meant for an output."""
        found: list[Batch] = []
        size = 0
        for batch in self._after(output, after):
            more = len(batch.data)
            if found and size + more > max_bytes:
                break
            found.append(batch)
            size += more
        if self._read.get(output) == after:
            self._unread[output] -= size
        else:
            unread = sum(len(batch.data) for batch in self._after(output, after))
            self._unread[output] = unread - size
        self._read[output] = found[-1].id if found else after
        return found

    def _after(self, output: str, after: int) -> Iterator[Batch]:
        for index in range(bisect_right(self._rows, after, key=_position), len(self._rows)):
            row = self._rows[index]
            if _is_for(row, output):
                yield row.batch


def _position(row: Row) -> int:
    return row.batch.id


def _is_for(row: Row, output: str) -> bool:
    return row.target is None or row.target == output
