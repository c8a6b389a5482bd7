"""Asking the running bridge; when none is running, its spool."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, Self

from bridge.cli.client import Client, NotRunning
from bridge.errors import BridgeError


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

    def __enter__(self) -> Self:
        from bridge.config import SpoolConfig
        from bridge.spool import Spool

        if not self._directory.exists():
            raise BridgeError(f"there is no spool {self._directory}: the bridge never ran")
        config = SpoolConfig(directory=self._directory)
        self._spool = self._runner.run(Spool.open(config))
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._spool.close())
        self._runner.close()

    def get(self, path: str, **query: str) -> Any:
        """What the running bridge would answer."""
        return self._do("GET", path, query)

    def post(self, path: str, body: bytes = b"", **query: str) -> Any:
        """The same for what changes something."""
        return self._do("POST", path, query)

    def _do(self, method: str, path: str, query: dict[str, str]) -> Any:
        from bridge.httpd import Refusal

        work = importlib.import_module(f"bridge.admin.{self._subject}").WORK
        try:
            return self._runner.run(work[method, path](self._spool, query))
        except Refusal as refusal:
            raise BridgeError(refusal.reason) from None
