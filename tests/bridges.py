"""A bridge in the process of the test, and records for it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bridge.cli.client import Client
from bridge.config import Config, load_file
from bridge.health import State
from bridge.plugins import EntryPoints
from bridge.service import Service

CONFIG = """
inputs:
  malops: {type: cef, address: "127.0.0.1:0"}
outputs:
  graylog:
    {type: gelf_tcp, endpoint: "127.0.0.1:%d", confirm_seconds: 0.05, hold_back_seconds: 0.05}
spool: {directory: spool, min_free_bytes: 0}
"""


class Bridge:
    """A running service with its configuration file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.registry = EntryPoints()
        self.service = Service(self._load(), self.registry, source=path, reread=self._load)
        self.client = Client(path.parent / "spool" / "admin.sock")

    def _load(self) -> Config:
        return load_file(self.path, os.environ, self.registry)

    async def until(self, component: str, state: State = State.OK) -> None:
        """Wait until a component is in a state."""
        async with asyncio.timeout(10):
            while (now := self.service.health.status(component)) is None or now.state != state:
                await asyncio.sleep(0.01)

    def port(self, name: str = "malops") -> int:
        """Where an input listens."""
        return int(self.service.inputs[name].addresses[0][1])  # type: ignore[attr-defined]

    async def send(self, *records: str, name: str = "malops") -> None:
        """Write records over one connection."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port(name))
        writer.write("".join(f"{record}\n" for record in records).encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def accepted(self, count: int, name: str = "malops") -> None:
        """Wait until so many events are durable."""
        async with asyncio.timeout(10):
            while (await self.service.spool.balance()).inputs[name].accepted < count:
                await asyncio.sleep(0.01)

    async def delivered(self, count: int, name: str = "graylog") -> None:
        """Wait until so many events are delivered and committed."""
        async with asyncio.timeout(20):
            while (await self.service.spool.balance()).outputs[name].delivered < count:
                await asyncio.sleep(0.01)

    async def ask(self, path: str) -> dict[str, object]:
        """What the admin server answers, as JSON."""
        answer: dict[str, object] = await asyncio.to_thread(self.client.get, path)
        return answer


@asynccontextmanager
async def running(folder: Path, text: str) -> AsyncIterator[Bridge]:
    """A bridge with this configuration, its inputs ready; stopped in order at the end."""
    path = folder / "bridge.yaml"
    path.write_text(text)
    bridge = Bridge(path)
    task = asyncio.create_task(bridge.service.run())
    try:
        async with asyncio.timeout(10):
            started = asyncio.ensure_future(bridge.service.started.wait())
            await asyncio.wait((started, task), return_when=asyncio.FIRST_COMPLETED)
            started.cancel()
            for name in bridge.service.inputs if not task.done() else ():
                await bridge.until(name)
        yield bridge
    finally:
        bridge.service.stop()
        await task


def record(number: int, more: str = "") -> str:
    """A record that can be told from others."""
    return f"CEF:0|Example|Gate|1.0|7|Login|5|externalId={number}{more}"
