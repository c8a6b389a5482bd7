"""Asking the running bridge; when none is running, its spool."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from bridge.cli.client import Client, NotRunning
from bridge.errors import BridgeError

if TYPE_CHECKING:
    from bridge.spool import Spool


class Asked(Protocol):
    """A running bridge, or what stands in for it."""

    def get(self, path: str, **query: str) -> Any: ...

    def post(self, path: str, body: bytes = b"", **query: str) -> Any: ...


@contextlib.contextmanager
def reached(client: Client, subject: str) -> Iterator[Asked]:
    """The running bridge; when none is running, its spool.

    `subject` is the module of `bridge.admin` whose `WORK` is done then.
    """
    try:
        client.text("/healthz")
    except NotRunning:
        with Stopped(client.path.parent, subject) as stopped:
            yield stopped
    else:
        yield client


class Stopped:
    """The spool of a bridge that is not running, asked as if it were."""

    def __init__(self, directory: Path, subject: str) -> None:
        self._directory = directory
        self._subject = subject
        self._runner = asyncio.Runner()
        self._spools: dict[int, Spool] = {}
        self._ends: contextlib.AsyncExitStack

    def __enter__(self) -> Self:
        if not self._directory.exists():
            raise BridgeError(f"there is no spool {self._directory}: the bridge never ran")
        self._runner.run(self._open())
        return self

    async def _open(self) -> None:
        """The files of all workers, held by one lock."""
        from bridge.config import SpoolConfig
        from bridge.spool import Spool
        from bridge.spool.lock import Lock, databases

        config = SpoolConfig(directory=self._directory)
        async with contextlib.AsyncExitStack() as ends:
            ends.callback((await Lock.wait(self._directory)).release)
            for worker in {0, *databases(self._directory)}:
                spool = await Spool.open(config, worker=worker, is_locked=True)
                ends.push_async_callback(spool.close)
                self._spools[worker] = spool
            self._ends = ends.pop_all()

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._ends.aclose())
        self._runner.close()

    def get(self, path: str, **query: str) -> Any:
        """What the running bridge would answer."""
        return self._do("GET", path, query)

    def post(self, path: str, body: bytes = b"", **query: str) -> Any:
        """The same for what changes something."""
        return self._do("POST", path, query)

    def _do(self, method: str, path: str, query: dict[str, str]) -> Any:
        from bridge.httpd import Refusal

        try:
            return self._runner.run(self._work(method, path, query))
        except Refusal as refusal:
            raise BridgeError(refusal.reason) from None

    async def _work(self, method: str, path: str, query: dict[str, str]) -> Any:
        """Dead letters are in all files, everything else is in that of worker 0."""
        from bridge.admin import spread

        work = importlib.import_module(f"bridge.admin.{self._subject}").WORK[method, path]
        if (method, path) not in spread.WORK:
            return await work(self._spools[0], query)

        def ask(spool: Spool) -> spread.Ask:
            async def asked(_: str, __: str, own: Mapping[str, str]) -> Any:
                return await work(spool, own)

            return asked

        asks = {worker: ask(spool) for worker, spool in self._spools.items()}
        return await spread.WORK[method, path](asks, query)
