"""What tests of outputs need: a context that remembers, and batches."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson
import trustme

from bridge.clock import SystemClock
from bridge.health import State
from bridge.inputs import Context
from bridge.outputs import Batch

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class LeapingClock(SystemClock):
    """The clock of this machine, which can be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


class Host:
    """The host of one output: everything that it says is kept."""

    def __init__(self) -> None:
        self.clock = LeapingClock()
        self.reports: list[tuple[State, str]] = []
        self.counts: dict[str, int] = {}
        self.notes: dict[str, Any] = {}

    def context(self) -> Context:
        return Context(
            id="graylog",
            log=logging.getLogger("bridge.output.graylog"),
            clock=self.clock,
            report=lambda state, detail="": self.reports.append((state, detail)),
            count=self._count,
            checkpoint=None,  # type: ignore[arg-type]
            unseen=None,  # type: ignore[arg-type]
            kinds={},
            recall=self.notes.get,
            remember=self._remember,
        )

    def _count(self, name: str, n: int = 1, label: str = "") -> None:
        self.counts[name] = self.counts.get(name, 0) + n

    async def _remember(self, name: str, value: Any) -> None:
        self.notes[name] = value


def document(number: int, size: int = 0) -> bytes:
    """A GELF document with a number, of at least `size` bytes."""
    fields = {"version": "1.1", "host": "h", "short_message": "m", "_n": number}
    data = orjson.dumps(fields)
    return orjson.dumps({**fields, "_x": "x" * (size - len(data) - 8)}) if size else data


def batch(first: int, last: int, size: int = 0) -> Batch:
    """One row with the documents of these numbers."""
    documents = [document(number, size) for number in range(first, last + 1)]
    return Batch(last, "in", len(documents), b"\0".join(documents))


def numbers(documents: list[bytes]) -> list[int]:
    """The numbers of received documents."""
    return [orjson.loads(one)["_n"] for one in documents]


class Authority:
    """A certificate authority and what it signed."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.file = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(self.file)

    def server(self, name: str = "127.0.0.1") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(name).configure_cert(context)
        self._authority.configure_trust(context)
        return context

    def client_certificate(self, folder: Path) -> Path:
        file = folder / "client.pem"
        issued = self._authority.issue_cert("bridge.example.org")
        issued.private_key_and_cert_chain_pem.write_to_path(file)
        return file


@contextlib.asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    """The port of a server whose connections are handled, and closed in the end."""
    handling: list[asyncio.Task[None]] = []
    closing: list[asyncio.Task[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handling.append(asyncio.ensure_future(handler(reader, writer)))
        closing.append(asyncio.current_task())
        await asyncio.wait([handling[-1]])
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        for task in handling:
            task.cancel()
        await asyncio.gather(*handling, return_exceptions=True)
        await asyncio.gather(*closing)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds, at most ten seconds."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)
