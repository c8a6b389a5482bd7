"""The spool as the rest of the bridge sees it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Concatenate, ParamSpec, TypeVar

import orjson

from bridge.clock import Clock, SystemClock
from bridge.errors import SpoolError
from bridge.spool.committer import RETRY_SECONDS, Committer
from bridge.spool.damage import Impossible, all_aside, is_damage, why
from bridge.spool.lock import Lock, database, prepare
from bridge.spool.model import (
    Balance,
    Batch,
    Checkpoint,
    DeadLetter,
    InputBalance,
    Json,
    Progress,
    Taken,
    joined,
)
from bridge.spool.reader import Reader
from bridge.spool.recent import Recent
from bridge.spool.rows import key
from bridge.spool.store import Store, open_store
from bridge.spool.tally import InputTally
from bridge.spool.threads import run, start_thread
from bridge.spool.transaction import Append
from bridge.spool.trouble import Trouble
from bridge.spool.waiting import Limits

if TYPE_CHECKING:
    from bridge.config import SpoolConfig

P = ParamSpec("P")
T = TypeVar("T")


class Spool:
    """The durable queue of one process: `await Spool.open(config)`, in the end `await close()`.

    Positions are opaque integers that only grow. Every method is for the event loop that opened
    the spool; other threads do the work on the files.
    """

    max_dead_bytes: ClassVar[int] = 64 * 1024 * 1024
    """What the dead letters may take; beyond it the oldest documents go, counted."""

    kinds: dict[str, str]
    """Field name → kind, as remembered; `append(kinds=...)` adds to it."""

    def __init__(
        self,
        limits: Limits,
        store: Store,
        writer: Executor,
        reader: Reader,
        readers: Executor,
    ) -> None:
        self._reader = reader
        self._readers = readers
        self._trouble = Trouble()
        self._recent = Recent(store.tally.newest)
        self._committer = Committer(
            limits, store, writer, self._trouble, self._recent, lambda: run(readers, reader.reopen)
        )
        self._directory = limits.directory
        self._received = {
            name: own.accepted + own.repeated for name, own in store.tally.inputs.items()
        }
        self._notes = store.notes
        self.kinds = store.kinds
        self._ends = AsyncExitStack()
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        config: SpoolConfig,
        clock: Clock | None = None,
        *,
        worker: int = 0,
        is_locked: bool = False,
    ) -> Spool:
        """Open the spool of a worker in `config.directory`, creating what is missing.

        `is_locked`: the caller holds the directory. A damaged file is set aside, and a new one
        begins.
        Raises SpoolLocked when another process has it, SpoolTooNew, or SpoolError.
        """
        prepare(config.directory)
        limits = Limits(
            directory=config.directory,
            max_bytes=int(config.max_bytes),
            min_free_bytes=int(config.min_free_bytes),
            drop_oldest=config.on_full == "drop_oldest",
        )
        path = config.directory / database(worker)
        clock = clock or SystemClock()
        async with AsyncExitStack() as ends:
            if not is_locked:
                ends.callback((await Lock.wait(config.directory)).release)
            writer = start_thread("spool-writer", ends)
            store = await run(writer, partial(open_store, path, clock, cls.max_dead_bytes))
            ends.push_async_callback(run, writer, store.close)
            readers = start_thread("spool-reader", ends)
            reader = await run(readers, partial(Reader, path))
            ends.push_async_callback(run, readers, reader.close)
            spool = cls(limits, store, writer, reader, readers)
            spool._ends = ends.pop_all()
            return spool

    async def close(self) -> None:
        """Commit everything that was appended and fits, and let go of the directory; safe twice.

        What does not fit was never accepted: its future gets a SpoolError.
        """
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="spool-close")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        await self._committer.close()
        await self._ends.aclose()

    # For inputs

    def append(
        self,
        input_id: str,
        documents: Sequence[bytes],
        *,
        uids: Sequence[str] | None = None,
        checkpoint: Mapping[str, Json] | None = None,
        target: str | None = None,
        kinds: Mapping[str, str] | None = None,
    ) -> asyncio.Future[Taken]:
        """Queue GELF documents at the call; the future resolves when all of this is committed in
        one transaction. While the spool is full it does not resolve. What holds NUL are several
        documents, joined by it.

        The order of calls is spool order. Cancelling the future withdraws nothing. With `uids`, one
        for each document, events that were taken from this input before are dropped. `checkpoint`
        is stream → value, where None deletes. `target` names the only output that gets these
        events. `kinds` are field kinds to remember; the first one given to a name stays.
        Raises SpoolError after `close`, and ValueError or TypeError for what cannot be stored.
        """
        data = b"\0".join(documents)
        count = joined(data) if documents else 0
        if uids is not None and len(uids) != count:
            raise ValueError(f"{count} documents, but {len(uids)} uids")
        if target is not None and target not in self._committer.tally.outputs:
            raise ValueError(f"the spool knows no output {target}: attach it first")
        fresh = {name: kind for name, kind in (kinds or {}).items() if name not in self.kinds}
        pointers = {
            stream: None if value is None else orjson.dumps(value)
            for stream, value in (checkpoint or {}).items()
        }
        if fresh or pointers or input_id not in self._received:
            # What cannot be stored must fail here, and not in the writer for everybody.
            "".join((input_id, *pointers, *fresh, *fresh.values())).encode()
        keys = None if uids is None else [key(uid) for uid in uids]
        future = self._committer.append(
            Append(input_id, count, data, keys, pointers, target, fresh)
        )
        self.kinds.update(fresh)
        self._received[input_id] = self._received.get(input_id, 0) + count
        return future

    async def unseen(self, input_id: str, uids: Collection[str]) -> set[str]:
        """Those of the keys that were never taken from this input (within 40 days)."""
        await self._settled(input_id)
        return set(uids) - await self._ask(Reader.seen, input_id, uids)

    async def checkpoint(self, input_id: str, stream: str) -> Json | None:
        """Where a stream goes on; it takes into account what was appended before."""
        await self._settled(input_id)
        found = await self._ask(Reader.checkpoints, input_id)
        return next((one.value for one in found if one.stream == stream), None)

    async def checkpoints(self) -> list[Checkpoint]:
        """All checkpoints, by input and stream."""
        return await self._ask(Reader.checkpoints)

    async def set_checkpoint(self, input_id: str, stream: str, value: Json) -> None:
        """Set a checkpoint without events, after everything appended before."""
        await self.append(input_id, (), checkpoint={stream: value})

    async def delete_checkpoints(self, input_id: str, stream: str | None = None) -> int:
        """Forget one stream, or every stream, of an input; how many there were."""
        await self._settled(input_id)
        return await self._committer.order(lambda work: work.delete_checkpoints(input_id, stream))

    async def move(self, old: str, new: str) -> int:
        """Give the checkpoints and seen keys of an input to its new name; how many checkpoints.

        Raises SpoolError when the new name has checkpoints already.
        """
        await self._settled(old)
        return await self._committer.order(lambda work: work.move(old, new))

    async def _settled(self, input_id: str) -> None:
        """Wait until nothing of an input is on its way into the spool."""
        while self._committer.unsettled[input_id]:
            await self._committer.changed.wait()
            self._committer.check()

    # For outputs

    async def attach(self, output: str) -> int:
        """The committed cursor; a new output starts at the oldest row kept."""
        return await self._committer.order(lambda work: work.attach(output))

    async def retire(self, outputs: Collection[str]) -> dict[str, int]:
        """Forget the outputs that are not named: id → events that it had not delivered."""
        kept = frozenset(outputs)
        gone = await self._committer.order(lambda work: work.retire(kept))
        self._recent.forget(gone)
        return gone

    async def read(self, output: str, after: int, max_bytes: int) -> list[Batch]:
        """The rows after a position: at least one, which is waited for, else up to `max_bytes`."""
        while True:
            self._committer.check()
            if output not in self._committer.tally.outputs:
                raise SpoolError(f"the spool knows no output {output}: attach it first")
            changed = self._committer.changed
            if self.readable(output, after) and (
                found := await self._read(output, after, max_bytes)
            ):
                return found
            await changed.wait()

    async def _read(self, output: str, after: int, max_bytes: int) -> list[Batch]:
        if after >= self._recent.start:
            return self._committer.read(output, after, max_bytes)
        while True:
            try:
                found = await self._ask(Reader.batches, output, after, max_bytes)
            except SpoolError as error:
                self._trouble.say("read", f"{error}, trying again")
                await asyncio.sleep(RETRY_SECONDS)
                self._committer.check()
            else:
                self._trouble.say("read", "")
                if not found:
                    self._committer.hurry()
                return found

    def readable(self, output: str, after: int) -> bool:
        """Whether there is a row after a position, so that `read` would not wait."""
        own = self._committer.tally.outputs.get(output)
        return own is not None and max(after, own.cursor) < own.newest

    def advance(self, output: str, progress: Progress) -> asyncio.Future[None]:
        """Count what became of the events up to `position` and free the rows nobody needs.

        Queued at the call, in call order; the future resolves when it is committed. The numbers
        must be those of the rows passed; otherwise it gets a SpoolError and nothing changes.
        """
        return self._committer.order(lambda work: work.advance(output, progress), has_time=True)

    # For whoever looks on

    @property
    def trouble(self) -> str:
        """Why the file cannot be written or read at the moment, or an empty text.

        Nothing is lost meanwhile: appends wait, outputs go on, everything is tried again.
        """
        return str(self._trouble)

    @property
    def aside(self) -> list[Path]:
        """Damaged files that were set aside here and still wait for `gelf-bridge spool salvage`."""
        return all_aside(self._directory)

    def on_trouble(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with each change of `trouble`; there is one listener."""
        self._trouble.listener = listener

    @property
    def full(self) -> str:
        """Why appends wait for room, or an empty text."""
        return self._committer.full

    async def balance(self) -> Balance:
        """The accounts of this moment: what is committed, and what is on its way."""
        before = self._committer.tally
        oldest = await self._accepted_at(None, before.floor)
        ages = {
            name: await self._accepted_at(name, own.cursor) if own.spooled else None
            for name, own in before.outputs.items()
        }
        tally = self._committer.tally
        return Balance(
            inputs={name: self._input_balance(name) for name in self._received},
            outputs={name: own.balance(ages.get(name)) for name, own in tally.outputs.items()},
            bytes=tally.bytes,
            oldest=oldest,
        )

    async def _accepted_at(self, output: str | None, after: int) -> float | None:
        """When the first row after a position was accepted; unknown when the file is unreadable."""
        unindexed = self._committer.unindexed
        with suppress(SpoolError):
            oldest = await self._ask(Reader.oldest, output, after)
            return unindexed if oldest is None else oldest
        return None

    def _input_balance(self, name: str) -> InputBalance:
        own = self._committer.tally.inputs.get(name, InputTally())
        in_flight = self._committer.in_flight[name]
        return InputBalance(self._received[name], own.accepted, own.repeated, in_flight)

    async def empty(self) -> bool:
        """Whether nothing is on its way and no output still needs a row."""
        return self._is_empty()

    async def until_empty(self) -> None:
        """Wait until the spool is `empty`."""
        while not self._is_empty():
            changed = self._committer.changed
            self._committer.check()
            await changed.wait()

    def _is_empty(self) -> bool:
        outputs = self._committer.tally.outputs.values()
        return not self._committer.unsettled.total() and not any(own.spooled for own in outputs)

    def recall(self, name: str) -> Json | None:
        """The value remembered under a name."""
        return self._notes.get(name)

    async def remember(self, name: str, value: Json) -> None:
        """Keep a value (that JSON can hold) under a name, across restarts."""
        note = orjson.dumps(value)
        await self._committer.order(lambda work: work.note(name, note))
        self._notes[name] = value

    # Dead letters

    async def dead_letters(
        self, output: str | None = None, after: int = 0, limit: int = 100
    ) -> list[DeadLetter]:
        """Dead letters of one output or of all, oldest first, from the one after an id on."""
        return await self._ask(Reader.letters, output, after, limit)

    async def dead_counts(self) -> dict[str, int]:
        """How many dead letters each output has."""
        return await self._ask(Reader.letter_counts)

    async def document(self, letter: int) -> bytes | None:
        """The document of a dead letter, or None when there is no such letter."""
        return await self._ask(Reader.document, letter)

    async def delete_dead(self, letters: Collection[int]) -> int:
        """Forget dead letters; how many there were."""
        ids = tuple(letters)
        return await self._committer.order(lambda work: work.delete_letters(ids))

    async def retry_dead(self, letters: Collection[int]) -> int:
        """Spool dead letters again for the output that buried them; how many there were.

        They count as accepted once more for that output, whether there is room or not. Letters of
        an output that is not attached stay.
        """
        ids = tuple(letters)
        return await self._committer.order(lambda work: work.retry(ids))

    async def _ask(
        self, question: Callable[Concatenate[Reader, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        self._committer.check()
        files = self._committer.files
        try:
            return await run(self._readers, partial(question, self._reader, *args, **kwargs))
        except (sqlite3.Error, OSError, Impossible) as error:
            if is_damage(error):
                self._committer.distrust(files, str(error))
            raise SpoolError(f"the spool cannot be read ({why(error)})") from error
