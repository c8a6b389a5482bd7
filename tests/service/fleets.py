"""A bridge with workers, as real processes that write into a file."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from bridge.cli.client import Client
from bridge.errors import BridgeError
from tests.lab.processes import PYTHON, Running
from tests.ports import free_port

CONFIG = """
workers: {workers}
inputs:
  malops: {{type: cef, address: "127.0.0.1:{port}", transport: both}}
outputs:
  out: {{type: file, path: {folder}/out.log}}
spool: {{directory: {folder}/spool, min_free_bytes: 0}}
"""

Status = dict[str, Any]


class FleetProcess(Running):
    """`gelf-bridge run` in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "bridge.log")
        self.folder = folder
        self.port = free_port()
        self.config = folder / "bridge.yaml"
        self.client = Client(folder / "spool" / "admin.sock")

    def configure(self, workers: int = 2, **more: str) -> None:
        """Write the configuration; `more` are other texts to stand in it."""
        text = CONFIG.format(workers=workers, port=self.port, folder=self.folder)
        for before, after in more.items():
            assert before in text
            text = text.replace(before, after)
        self.config.write_text(text)

    async def start(self) -> Status:
        """Start; the status when all is ready."""
        await self._start([*PYTHON, "bridge", "run", "-c", str(self.config)])
        return await self.until(lambda status: not status["not_ready"])

    async def until(self, holds: Callable[[Status], bool]) -> Status:
        """Wait for a status of which something holds."""
        status: Status = {}
        try:
            async with asyncio.timeout(30):
                while True:
                    with suppress(BridgeError):
                        status = await asyncio.to_thread(self.client.get, "/status")
                        if holds(status):
                            return status
                    assert self.is_running, self.log.read_text()
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{status}\n{self.log.read_text()}") from None

    async def delivered(self, count: int) -> Status:
        """Wait until so many events are delivered; all accounts hold."""
        status = await self.until(lambda now: balance(now, "out")["delivered"] >= count)
        assert all(one["balance"]["holds"] for one in status["components"])
        return status

    async def ask(self, method: Callable[..., Any], *args: Any, **query: str) -> Any:
        return await asyncio.to_thread(method, *args, **query)

    def events(self) -> list[dict[str, Any]]:
        """What has arrived."""
        return [json.loads(line) for line in (self.folder / "out.log").read_text().splitlines()]

    async def connect(self) -> asyncio.StreamWriter:
        """A connection, which `hang_up` closes."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        return writer


async def hang_up(*writers: asyncio.StreamWriter) -> None:
    """Write what is left, and close."""
    for writer in writers:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def fleet(folder: Path) -> AsyncIterator[FleetProcess]:
    """One that is not started; at the end it is killed with all its workers."""
    process = FleetProcess(folder)
    pids: list[int] = []
    try:
        yield process
        with suppress(BridgeError):
            pids = [one["pid"] for one in process.client.get("/status")["workers"]]
    finally:
        await process.kill()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def balance(status: Status, name: str) -> dict[str, Any]:
    """The account of a component; all 0 while there is none."""
    found = (one["balance"] for one in status["components"] if one["id"] == name)
    return next(found, None) or Counter()


def pids(status: Status) -> list[int]:
    return [one["pid"] for one in status["workers"]]


def runs(pid: int) -> bool:
    """Whether a process is there, and not only its exit code for whoever wants it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
