"""The reading end of the spool, in a thread of its own."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import orjson

from bridge.spool import schema
from bridge.spool.damage import ROWS, Impossible, beside
from bridge.spool.model import Batch, Checkpoint, DeadLetter, Json
from bridge.spool.records import placed
from bridge.spool.rows import key, seen
from bridge.spool.segments import Records


class Reader:
    """The reading end; sees what is committed, and holds nobody up."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = schema.connect_reader(path)
        self._records = Records(beside(path, ROWS))

    def batches(self, output: str, after: int, max_bytes: int) -> list[Batch]:
        """The rows after a position that are meant for an output: one, or up to `max_bytes`."""
        mine = "FROM batches WHERE id > ? AND (target IS NULL OR target = ?)"
        sizes = self._db.execute(f"SELECT id, bytes {mine} ORDER BY id", (after, output))
        last = total = 0
        for position, size in sizes:
            total += size if isinstance(size, int) else 0
            if last and total > max_bytes:
                break
            last = position
        sizes.close()
        rows = self._db.execute(
            f"SELECT id, input, target, count, bytes, segment, start {mine}"
            " AND id <= ? ORDER BY id",
            (after, output, last),
        ).fetchall()
        found = (self.batch(*row) for row in rows)
        return [batch for batch in found if batch]

    def batch(
        self, rowid: int, owner: str, target: str | None, count: int, size: int, *place: int
    ) -> Batch | None:
        """A row, by the columns of `batches`; None when it is deleted by now. Raises Impossible."""
        record = self._records.record(*placed(owner, target, size, *place))
        if record and (record.id, record.count) == (rowid, count):
            return Batch(rowid, owner, count, record.data)
        if record and record.id == rowid:
            raise Impossible(f"row {rowid} does not hold {count} events")
        if self._db.execute("SELECT 1 FROM batches WHERE id = ?", (rowid,)).fetchone():
            raise Impossible(f"row {rowid} is not as it was written")
        return None

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
        return [Checkpoint(i, stream, decoded(value), at) for i, stream, value, at in rows]

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

    def reopen(self) -> None:
        """Go over to the new file, after the old one was set aside."""
        self.close()
        self._db = schema.connect_reader(self._path)

    def close(self) -> None:
        """Close the file."""
        self._db.close()
        self._records.close()


def decoded(value: object) -> Json:
    """A value that was stored as JSON; raises Impossible."""
    try:
        return orjson.loads(value)  # type: ignore[arg-type]
    except orjson.JSONDecodeError as error:
        raise Impossible(f"a stored value is no JSON: {error}") from None
