"""What one commit can do to the spool: in the writer's thread, or in the loop for rows alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.errors import SpoolError
from bridge.spool.model import Batch, Buried, Progress, Taken, joined
from bridge.spool.packing import Part, pack
from bridge.spool.rows import Entry, Row, index, put, put_row, remember, seen
from bridge.spool.segments import Segments
from bridge.spool.tally import InputTally, OutputTally, Tally, count, newest

REASON_CHARACTERS: Final = 1000
REFRESH_SECONDS: Final = 3600
"""A seen key that is offered again and again is written at most once in this time."""


@dataclass(slots=True)
class Append:
    """One call of `Spool.append`, ready to be written: `count` documents, joined by NUL."""

    input: str
    count: int
    data: bytes
    keys: Sequence[bytes] | None
    checkpoint: Mapping[str, bytes | None]
    target: str | None
    kinds: Mapping[str, str]

    @property
    def is_plain(self) -> bool:
        """Whether it is nothing but rows."""
        return self.keys is None and not self.checkpoint and not self.kinds

    @property
    def size(self) -> int:
        """What it adds to a row, with a NUL in front."""
        return len(self.data) + 1 if self.count else 0


class Transaction:
    """The changes of one commit: rows by SQL, accounts in `tally`, a copy that the caller owns.

    `rows` are those that were inserted, `has_deleted` tells whether others are gone. `unindexed`
    are those that the database does not know yet, earlier ones first: `index` tells it, `save` does
    so, too. A method that raises SpoolError has changed nothing.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        segments: Segments,
        tally: Tally,
        now: float,
        dead_limit: int,
        unindexed: Sequence[Entry] = (),
    ) -> None:
        self._db = db
        self._segments = segments
        self._now = now
        self._dead_limit = dead_limit
        self.tally = tally
        self.rows: list[Row] = []
        self.unindexed = list(unindexed)
        self.has_deleted = False

    def index(self) -> None:
        """Tell the database where rows are."""
        index(self._db, self.unindexed)
        self.unindexed.clear()

    # Inputs

    def take(self, appends: Sequence[Append], *, are_plain: bool = False) -> list[Taken]:
        """Write events, seen keys, checkpoints and kinds; events of one input share rows.

        Plain ones need no database, and their rows are accepted without it.
        """
        taken = []
        waiting: dict[tuple[str, str | None], list[Part]] = {}
        for append in appends:
            accepted, data = self._unseen(append)
            result = Taken(accepted, append.count - accepted)
            self._account(append.input, result)
            taken.append(result)
            if accepted:
                waiting.setdefault((append.input, append.target), []).append(Part(accepted, data))
            for stream, value in append.checkpoint.items():
                self._point(append.input, stream, value)
            if append.kinds:
                self._learn(append.kinds)
        rows = (
            (owner, target, part)
            for (owner, target), parts in waiting.items()
            for part in pack(parts)
        )
        self._insert(rows, are_whole=are_plain)
        return taken

    def move(self, old: str, new: str) -> int:
        """Give checkpoints and seen keys of an input to another one that has no checkpoint."""
        if self._db.execute("SELECT 1 FROM checkpoints WHERE input = ?", (new,)).fetchone():
            raise SpoolError(f"{new} has checkpoints already: delete them first")
        self._db.execute("UPDATE OR REPLACE seen SET input = ? WHERE input = ?", (new, old))
        moved = self._db.execute("UPDATE checkpoints SET input = ? WHERE input = ?", (new, old))
        return moved.rowcount

    def delete_checkpoints(self, owner: str, stream: str | None) -> int:
        """Forget where one stream, or every stream, of an input goes on."""
        return self._db.execute(
            "DELETE FROM checkpoints WHERE input = ? AND stream = COALESCE(?, stream)",
            (owner, stream),
        ).rowcount

    def note(self, name: str, value: bytes) -> None:
        """Remember a value under a name."""
        self._db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value))

    # Outputs

    def attach(self, output: str) -> int:
        """The cursor of an output; a new one starts at the oldest row kept."""
        if output not in self.tally.outputs:
            floor = self.tally.floor
            events = count(self._db, output, floor)
            self.tally.outputs[output] = OutputTally(
                cursor=floor,
                accepted=events,
                spooled=events,
                newest=newest(self._db, output, floor),
            )
        return self.tally.outputs[output].cursor

    def retire(self, outputs: Collection[str]) -> dict[str, int]:
        """Forget the outputs that are not named; the events that each had not delivered."""
        gone = {name: t.spooled for name, t in self.tally.outputs.items() if name not in outputs}
        for name in gone:
            del self.tally.outputs[name]
            self._db.execute("DELETE FROM counters WHERE kind = 'output' AND id = ?", (name,))
            self._delete("target = ?", name)
        self._sweep()
        return gone

    def advance(self, output: str, progress: Progress) -> None:
        """Move a cursor, count what became of the events, bury, delete what nobody needs."""
        tally = self._output(output)
        passed = count(self._db, output, tally.cursor, progress.position)
        told = progress.delivered + progress.filtered + len(progress.buried)
        overtaken = told - passed
        if not 0 <= overtaken <= tally.overtaken or progress.position > self.tally.newest:
            raise SpoolError(
                f"{output} accounts for {told} events up to row {progress.position}, "
                f"but the spool holds {passed}"
            )
        tally.cursor = max(tally.cursor, progress.position)
        tally.spooled -= passed
        tally.delivered += progress.delivered
        tally.filtered += progress.filtered
        # Dropped while it was under way, and arrived nevertheless.
        tally.overtaken -= overtaken
        tally.dropped -= overtaken
        self._bury(output, tally, progress.buried)
        self._sweep(output)

    def shrink(self, ceiling: float) -> None:
        """Drop the oldest rows until `ceiling` bytes are left, counted for the outputs."""
        last, left = 0, self.tally.bytes
        if left <= ceiling:
            return
        rows = self._db.execute("SELECT id, bytes FROM batches ORDER BY id")
        while left > ceiling and (row := rows.fetchone()):
            last = row[0]
            left -= row[1]
        rows.close()
        for name, tally in self.tally.outputs.items():
            if tally.cursor < last:
                lost = count(self._db, name, tally.cursor, last)
                tally.cursor = last
                tally.spooled -= lost
                tally.dropped += lost
                tally.overtaken += lost
        self._clear(last)

    # Dead letters

    def retry(self, letters: Collection[int]) -> int:
        """Put dead letters back into the spool for the output that had buried them."""
        moved = 0
        for letter in letters:
            found = self._db.execute(
                "SELECT output, input, document FROM dead WHERE id = ?", (letter,)
            ).fetchone()
            if found and found[0] in self.tally.outputs:
                self._insert([(found[1], found[0], Part(1, found[2]))])
                self.index()
                moved += self._forget(letter)
        return moved

    def delete_letters(self, letters: Iterable[int]) -> int:
        """Forget dead letters; how many there were."""
        return sum(self._forget(letter) for letter in letters)

    # What was in a damaged file

    def restore(self, rowid: int, owner: str, targets: Iterable[str | None], data: bytes) -> bool:
        """Put a row back for some outputs, unless that was done before."""
        if not remember(self._db, rowid, data):
            return False
        self._insert((owner, target, Part(joined(data), data)) for target in targets)
        self.index()
        return True

    def rebury(self, rowid: int, output: str, buried: Buried, created: float) -> bool:
        """Put a dead letter back, unless that was done before; it was counted once already."""
        if not remember(self._db, rowid, buried.document):
            return False
        self.bury_again(output, buried, created)
        return True

    # What was in the file of a former worker

    def merge(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Take over small records by one of the statements in `heritage.MERGE`."""
        self._db.executemany(statement, rows)

    def bury_again(self, output: str, buried: Buried, created: float) -> None:
        """Keep a dead letter that was counted already."""
        self._keep_dead(output, buried, created)
        self._bound_dead()

    # What the others are made of

    def save(self, before: Tally) -> None:
        """Write the counters that changed, and where the new rows are."""
        self.index()
        put(self._db, "INSERT OR REPLACE INTO counters", self.tally.changes(before))

    def _output(self, name: str) -> OutputTally:
        try:
            return self.tally.outputs[name]
        except KeyError:
            raise SpoolError(f"the spool knows no output {name}: attach it first") from None

    def _account(self, owner: str, taken: Taken) -> None:
        tally = self.tally.inputs.setdefault(owner, InputTally())
        tally.accepted += taken.accepted
        tally.repeated += taken.repeated

    def _learn(self, kinds: Mapping[str, str]) -> None:
        self._db.executemany("INSERT OR IGNORE INTO kinds VALUES (?, ?)", kinds.items())

    def _unseen(self, append: Append) -> tuple[int, bytes]:
        """The documents whose key is new; every key offered is remembered from now on."""
        if append.keys is None:
            return append.count, append.data
        known = seen(self._db, append.input, append.keys)
        fresh = []
        documents = append.data.split(b"\0") if append.count else []
        for one, document in zip(append.keys, documents, strict=True):
            if one not in known:
                known.add(one)
                fresh.append(document)
        now = int(self._now)
        self._db.executemany(
            "INSERT INTO seen VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET offered = excluded.offered WHERE offered < ?",
            ((append.input, one, now, now - REFRESH_SECONDS) for one in append.keys),
        )
        return len(fresh), b"\0".join(fresh)

    def _point(self, owner: str, stream: str, value: bytes | None) -> None:
        if value is None:
            self.delete_checkpoints(owner, stream)
        else:
            self._db.execute(
                "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?)",
                (owner, stream, value, self._now),
            )

    def _insert(
        self, parts: Iterable[tuple[str, str | None, Part]], *, are_whole: bool = False
    ) -> None:
        """Write rows: the input, the target, and the documents of each."""
        for owner, target, part in parts:
            position = self.tally.add(target, part.count, len(part.data))
            row = Row(Batch(position, owner, part.count, part.data), target)
            self.unindexed.append(put_row(self._segments, row, self._now, is_whole=are_whole))
            self.rows.append(row)

    def _bury(self, output: str, tally: OutputTally, buried: Sequence[Buried]) -> None:
        tally.buried += len(buried)
        for one in buried:
            self._keep_dead(output, one, self._now)
        self._bound_dead()

    def _keep_dead(self, output: str, buried: Buried, created: float) -> None:
        reason = buried.reason[:REASON_CHARACTERS].encode("utf-8", "replace").decode()
        size = len(buried.document)
        self._db.execute(
            "INSERT INTO dead (output, input, reason, created, bytes, document)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (output, buried.input, reason, created, size, buried.document),
        )
        self.tally.dead_bytes += size

    def _bound_dead(self) -> None:
        """Forget the oldest dead letters when there are too many."""
        while self.tally.dead_bytes > self._dead_limit:
            oldest, owner = self._db.execute(
                "SELECT id, output FROM dead ORDER BY id LIMIT 1"
            ).fetchone()
            self._forget(oldest)
            if owner in self.tally.outputs:
                self.tally.outputs[owner].forgotten += 1

    def _sweep(self, output: str = "") -> None:
        """Delete the rows that every output has passed; without an output they are kept.

        And those that are for one output only, as far as it has got.
        """
        if not self.tally.outputs:
            return
        floor = min(tally.cursor for tally in self.tally.outputs.values())
        self.tally.floor = max(self.tally.floor, floor)
        cursor = self.tally.outputs[output].cursor if output else 0
        self._delete("id <= ? OR (target = ? AND id <= ?)", floor, output, cursor)

    def _clear(self, floor: int) -> None:
        self.tally.floor = max(self.tally.floor, floor)
        self._delete("id <= ?", floor)

    def _delete(self, which: str, *values: object) -> None:
        """Delete rows; `which` is a condition of ours."""
        query = f"SELECT COALESCE(SUM(bytes), 0) FROM batches WHERE {which}"  # noqa: S608
        self.tally.bytes -= self._db.execute(query, values).fetchone()[0]
        deleted = self._db.execute(f"DELETE FROM batches WHERE {which}", values)  # noqa: S608
        self.has_deleted = self.has_deleted or deleted.rowcount > 0

    def _forget(self, letter: int) -> int:
        """Delete a dead letter; how many there were."""
        query = "SELECT COALESCE(SUM(bytes), 0) FROM dead WHERE id = ?"
        self.tally.dead_bytes -= self._db.execute(query, (letter,)).fetchone()[0]
        return self._db.execute("DELETE FROM dead WHERE id = ?", (letter,)).rowcount
