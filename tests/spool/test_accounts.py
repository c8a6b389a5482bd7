"""The accounts hold at any moment: a model of the spool, driven through random lives."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bridge.config import SpoolConfig
from bridge.spool import Batch, Buried, Progress, Spool, Taken, committer
from tests.spool.conftest import indexed, sql, stored

T = TypeVar("T")

INPUTS = st.sampled_from(["one", "two"])
OUTPUTS = st.sampled_from(["red", "green"])
SIZES = st.lists(st.integers(min_value=0, max_value=60), max_size=4)


@pytest.fixture(scope="module", autouse=True)
def prompt() -> Iterator[None]:
    """Commits follow each other at once: the model waits for every one of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(committer, "COMMIT_SECONDS", 0)
        yield


@dataclass
class Row:
    """A row that was seen in the file."""

    owner: str
    target: str | None
    documents: list[bytes]

    def is_for(self, output: str) -> bool:
        return self.target in (None, output)


@dataclass
class Account:
    """What the model knows of one output; `pending` are the rows it has not passed."""

    pending: dict[int, Row] = field(default_factory=dict)
    dropped_rows: dict[int, Row] = field(default_factory=dict)
    accepted: int = 0
    delivered: int = 0
    filtered: int = 0
    buried: int = 0
    read_at: int = 0
    held: list[Batch] = field(default_factory=list)


class SpoolModel(RuleBasedStateMachine):
    """One spool and what should be in it; rows are looked up in the file by SQL."""

    options: ClassVar[dict[str, Any]] = {}
    at_once = 6

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.home = Path(tempfile.mkdtemp(prefix="spool-"))
        self.lives = 0
        self.rows: dict[int, Row] = {}
        self.newest = 0
        self.accounts: dict[str, Account] = {}
        self.accepted = {"one": 0, "two": 0}
        self.repeated = {"one": 0, "two": 0}
        self.seen: set[tuple[str, str]] = set()
        self.checkpoints: dict[tuple[str, str], int] = {}
        self.letters: list[bytes] = []
        self.serial = 0
        self.spool = self.open()

    def teardown(self) -> None:
        self.run(self.spool.close())
        self.loop.close()
        shutil.rmtree(self.home)

    @property
    def directory(self) -> Path:
        return self.home / str(self.lives)

    def run(self, job: Awaitable[T]) -> T:
        async def wait() -> T:
            return await job

        return self.loop.run(wait())

    def open(self) -> Spool:
        async def opening() -> Spool:
            return await Spool.open(SpoolConfig(directory=self.directory, **self.options))

        return self.run(opening())

    # Inputs

    def documents(self, sizes: list[int]) -> list[bytes]:
        self.serial += len(sizes)
        return [
            b"%d." % number + b"x" * size
            for number, size in enumerate(sizes, self.serial - len(sizes))
        ]

    @rule(owner=INPUTS, sizes=SIZES)
    def append(self, owner: str, sizes: list[int]) -> None:
        """Events with a checkpoint that counts them."""
        documents = self.documents(sizes)

        async def job() -> Taken:
            return await self.spool.append(owner, documents, checkpoint={"walk": self.serial})

        assert self.run(job()) == Taken(len(documents), 0)
        self.checkpoints[owner, "walk"] = self.serial
        self.accepted[owner] += len(documents)
        self.find({(owner, None): documents})

    @rule(appends=st.lists(st.tuples(INPUTS, SIZES), min_size=1, max_size=6))
    def append_at_once(self, appends: list[tuple[str, list[int]]]) -> None:
        """Several appends that share a commit, and rows."""
        expected: dict[tuple[str, str | None], list[bytes]] = {}
        calls = [(owner, self.documents(sizes)) for owner, sizes in appends[: self.at_once]]

        async def job() -> None:
            futures = [self.spool.append(owner, documents) for owner, documents in calls]
            balance = await self.spool.balance()
            assert balance.holds
            await asyncio.gather(*futures)

        self.run(job())
        for owner, documents in calls:
            self.accepted[owner] += len(documents)
            expected.setdefault((owner, None), []).extend(documents)
        self.find(expected)

    @rule(owner=INPUTS, uids=st.lists(st.sampled_from("abcdefgh"), max_size=5))
    def append_once(self, owner: str, uids: list[str]) -> None:
        """Events with keys, some of them taken before."""
        documents = self.documents([1] * len(uids))

        async def job() -> tuple[set[str], Taken]:
            unseen = await self.spool.unseen(owner, uids)
            return unseen, await self.spool.append(owner, documents, uids=uids)

        unseen, taken = self.run(job())
        assert unseen == {uid for uid in uids if (owner, uid) not in self.seen}
        fresh = []
        for uid, document in zip(uids, documents, strict=True):
            if (owner, uid) not in self.seen:
                self.seen.add((owner, uid))
                fresh.append(document)
        assert taken == Taken(len(fresh), len(uids) - len(fresh))
        self.accepted[owner] += taken.accepted
        self.repeated[owner] += taken.repeated
        self.find({(owner, None): fresh})

    @precondition(lambda self: self.accounts)
    @rule(owner=INPUTS, sizes=SIZES, data=st.data())
    def append_for_one(self, owner: str, sizes: list[int], data: st.DataObject) -> None:
        """Events that only one output gets."""
        target = data.draw(st.sampled_from(sorted(self.accounts)))
        documents = self.documents(sizes)

        async def job() -> Taken:
            return await self.spool.append(owner, documents, target=target)

        self.run(job())
        self.accepted[owner] += len(documents)
        self.find({(owner, target): documents})

    def find(self, expected: dict[tuple[str, str | None], list[bytes]]) -> None:
        """Look up the rows that were added: they hold exactly what was appended, in order."""
        found: dict[tuple[str, str | None], list[bytes]] = {}
        self.run(indexed(self.spool))
        for record in stored(self.directory, self.newest):
            row = Row(record.input, record.target, record.data.split(b"\0"))
            found.setdefault((record.input, record.target), []).extend(row.documents)
            self.rows[record.id] = row
            self.newest = record.id
            for name, account in self.accounts.items():
                if row.is_for(name):
                    account.pending[record.id] = row
                    account.accepted += len(row.documents)
        assert found == {key: documents for key, documents in expected.items() if documents}
        self.notice_drops()

    def notice_drops(self) -> None:
        """Rows that went without being passed are the oldest ones, and only if that is allowed."""
        kept = {position for (position,) in sql(self.directory, "SELECT id FROM batches")}
        gone = self.rows.keys() - kept
        assert not gone or self.options.get("on_full") == "drop_oldest"
        assert not gone or not kept or max(gone) < min(kept)
        for position in sorted(gone):
            row = self.rows.pop(position)
            for account in self.accounts.values():
                if account.pending.pop(position, None):
                    account.dropped_rows[position] = row

    # Outputs

    @rule(output=OUTPUTS)
    def attach(self, output: str) -> None:
        """A new output gets every row that is kept; a known one goes on where it was."""
        cursor = self.run(self.spool.attach(output))
        if output not in self.accounts:
            account = self.accounts[output] = Account(read_at=cursor)
            account.pending = {n: row for n, row in self.rows.items() if row.is_for(output)}
            account.accepted = sum(len(row.documents) for row in account.pending.values())
        assert cursor < min(self.accounts[output].pending, default=self.newest + 1)

    @precondition(lambda self: self.accounts)
    @rule(data=st.data(), max_bytes=st.integers(min_value=1, max_value=400))
    def read(self, data: st.DataObject, max_bytes: int) -> None:
        """The next rows are the oldest ones not read yet."""
        output = data.draw(st.sampled_from(sorted(self.accounts)))
        account = self.accounts[output]
        expected = [n for n in sorted(account.pending) if n > account.read_at]
        assert self.spool.readable(output, account.read_at) == bool(expected)
        if not expected:
            return
        batches = self.run(self.spool.read(output, account.read_at, max_bytes))
        assert [batch.id for batch in batches] == expected[: len(batches)]
        assert [batch.messages() for batch in batches] == [
            self.rows[batch.id].documents for batch in batches
        ]
        assert len(batches) == 1 or sum(len(batch.data) for batch in batches) <= max_bytes
        account.held += batches
        account.read_at = batches[-1].id

    @precondition(lambda self: any(account.held for account in self.accounts.values()))
    @rule(data=st.data())
    def advance(self, data: st.DataObject) -> None:
        """Some of what was read is delivered, filtered or buried, dropped meanwhile or not."""
        output = data.draw(st.sampled_from(sorted(n for n, a in self.accounts.items() if a.held)))
        account = self.accounts[output]
        cut = data.draw(st.integers(min_value=1, max_value=len(account.held)))
        batches, account.held = account.held[:cut], account.held[cut:]
        messages = [(batch.input, one) for batch in batches for one in batch.messages()]
        fates = [data.draw(st.sampled_from("ddfb")) for _ in messages]
        buried = tuple(
            Buried(message, "no", owner)
            for (owner, message), fate in zip(messages, fates, strict=True)
            if fate == "b"
        )
        delivered, filtered = fates.count("d"), fates.count("f")
        position = batches[-1].id
        progress = Progress(position, delivered, filtered, buried)

        async def job() -> None:
            await self.spool.advance(output, progress)

        self.run(job())
        account.delivered += delivered
        account.filtered += filtered
        account.buried += len(buried)
        self.letters += [one.document for one in buried]
        for batch in batches:
            account.pending.pop(batch.id, None)
            account.dropped_rows.pop(batch.id, None)
        self.rows = {
            n: row
            for n, row in self.rows.items()
            if any(n in account.pending for account in self.accounts.values())
            or (row.target is None and any(n > self.cursor(name) for name in self.accounts))
        }

    def cursor(self, output: str) -> int:
        query = f"SELECT value FROM counters WHERE id = '{output}' AND name = 'cursor'"
        return int(sql(self.directory, query)[0][0])

    @precondition(lambda self: len(self.accounts) > 1)
    @rule(output=OUTPUTS)
    def retire(self, output: str) -> None:
        """All but one output go; what only they wanted goes too."""
        undelivered = {
            name: sum(len(row.documents) for row in account.pending.values())
            for name, account in self.accounts.items()
            if name != output
        }
        assert self.run(self.spool.retire([output])) == undelivered
        self.accounts = {output: self.accounts[output]}
        self.rows = dict(self.accounts[output].pending)

    # Lives

    @rule()
    def reopen(self) -> None:
        """An orderly restart: the deliveries go on at the cursor."""
        self.run(self.spool.close())
        self.spool = self.open()
        self.start_over()

    @rule()
    def crash(self) -> None:
        """What a killed process leaves behind, opened by the next one."""
        before = self.directory
        self.lives += 1
        shutil.copytree(before, self.directory)
        self.run(self.spool.close())
        self.spool = self.open()
        self.start_over()

    def start_over(self) -> None:
        for output, account in self.accounts.items():
            account.held = []
            account.read_at = self.run(self.spool.attach(output))

    # What always holds

    @invariant()
    def the_accounts_hold(self) -> None:
        """Both lines of the balance, number by number."""
        balance = self.run(self.spool.balance())
        assert balance.holds
        for owner, one in balance.inputs.items():
            assert (one.accepted, one.repeated) == (self.accepted[owner], self.repeated[owner])
            assert one.in_flight == 0
        assert balance.outputs.keys() == self.accounts.keys()
        for output, other in balance.outputs.items():
            account = self.accounts[output]
            spooled = sum(len(row.documents) for row in account.pending.values())
            dropped = sum(len(row.documents) for row in account.dropped_rows.values())
            assert (other.accepted, other.delivered, other.filtered, other.buried) == (
                account.accepted,
                account.delivered,
                account.filtered,
                account.buried,
            )
            assert (other.spooled, other.dropped) == (spooled, dropped)
        assert balance.bytes <= self.options.get("max_bytes", 2**30)

    @invariant()
    def the_file_agrees(self) -> None:
        """The rows kept are those that somebody needs, and the tallies are their sums."""
        self.run(indexed(self.spool))
        rows = stored(self.directory)
        assert [row.id for row in rows] == sorted(self.rows)
        balance = self.run(self.spool.balance())
        assert balance.bytes == sum(len(row.data) for row in rows)
        letters = sql(self.directory, "SELECT document FROM dead ORDER BY id")
        assert [document for (document,) in letters] == self.letters
        checkpoints = {(c.input, c.stream): c.value for c in self.run(self.spool.checkpoints())}
        assert checkpoints == self.checkpoints
        waiting = any(account.pending for account in self.accounts.values())
        assert self.run(self.spool.empty()) == (not waiting)


class DroppingModel(SpoolModel):
    """The same with so little room that the oldest rows go all the time."""

    options: ClassVar[dict[str, Any]] = {"max_bytes": 600, "on_full": "drop_oldest"}
    at_once = 2  # they fit together, so that none of them goes before it was looked at


LIFE = settings(max_examples=20, stateful_step_count=20, deadline=None)

TestSpool = SpoolModel.TestCase
TestSpool.settings = LIFE
TestDropping = DroppingModel.TestCase
TestDropping.settings = LIFE
