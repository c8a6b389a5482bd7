"""The bridge with a queue in memory in place of its spool: `python -m tests.bench.without_spool`.

Takes the arguments of `gelf-bridge`. Nothing is durable; it shows what the spool costs.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from bridge.cli import main
from bridge.config import SpoolConfig
from bridge.service import service
from bridge.spool import Balance, Batch, Progress, Taken
from bridge.spool.model import joined
from bridge.spool.packing import Part, pack

WAITING_BYTES: Final = 8 * 1024 * 1024
"""With so much waiting for the output, appends wait, too."""


class Memory:
    """As much of a spool as one input and one output need."""

    trouble = full = ""
    aside: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}
        self._rows: deque[Batch] = deque()
        self._bytes = 0
        self._last = self._read = 0
        self._more = asyncio.Event()
        self._waiting: deque[asyncio.Future[Taken]] = deque()

    @classmethod
    async def open(cls, config: SpoolConfig, *more: object, **options: object) -> Memory:
        config.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls()

    async def close(self) -> None:
        pass

    def on_trouble(self, listener: Callable[[str], None]) -> None:
        pass

    def append(self, owner: str, documents: Sequence[bytes], **more: Any) -> asyncio.Future[Taken]:
        self.kinds.update(more.get("kinds") or {})
        data = b"\0".join(documents)
        for part in pack([Part(joined(data), data)]):
            self._last += 1
            self._rows.append(Batch(self._last, owner, part.count, part.data))
            self._bytes += len(part.data)
        self._more.set()
        future: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._let_in()
        return future

    def _let_in(self) -> None:
        while self._waiting and self._bytes < WAITING_BYTES:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(Taken(0, 0))

    async def attach(self, output: str) -> int:
        return 0

    async def retire(self, outputs: Collection[str]) -> dict[str, int]:
        return {}

    async def read(self, output: str, after: int, max_bytes: int) -> list[Batch]:
        while True:
            skipped = after - self._rows[0].id + 1 if self._rows else 0
            if rows := list(self._first(skipped, max_bytes)):
                self._bytes -= sum(len(row.data) for row in rows if row.id > self._read)
                self._read = rows[-1].id
                self._let_in()
                return rows
            self._more.clear()
            await self._more.wait()

    def _first(self, skipped: int, max_bytes: int) -> Iterator[Batch]:
        for row in islice(self._rows, skipped, None):
            if max_bytes <= 0:
                return
            max_bytes -= len(row.data)
            yield row

    def readable(self, output: str, after: int) -> bool:
        return self._last > after

    async def advance(self, output: str, progress: Progress) -> None:
        while self._rows and self._rows[0].id <= progress.position:
            self._rows.popleft()

    def recall(self, name: str) -> None:
        return None

    async def remember(self, name: str, value: object) -> None:
        pass

    async def unseen(self, owner: str, uids: Collection[str]) -> set[str]:
        return set(uids)

    async def checkpoint(self, owner: str, stream: str) -> None:
        return None

    async def balance(self) -> Balance:
        return Balance({}, {}, self._bytes, None)

    async def dead_counts(self) -> dict[str, int]:
        return {}


if __name__ == "__main__":
    service.Spool = Memory  # type: ignore[misc, assignment]
    main()
