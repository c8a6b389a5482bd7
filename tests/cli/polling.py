"""The bridge as a process, between a fake Cylance API and a fake Graylog in this one."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner

from bridge.cli import main
from bridge.inputs.cylance.fake import FakeCylance
from bridge.testing import FakeGraylog

DAY = 86_400.0


@dataclass
class Done:
    """How a command ended."""

    code: int | None
    out: str
    err: str


@dataclass
class World:
    """Everything around the bridge."""

    folder: Path
    cylance: FakeCylance
    graylog: FakeGraylog

    @property
    def config(self) -> Path:
        return self.folder / "bridge.yaml"

    def write(self, inputs: dict[str, Any] | None = None, **options: Any) -> None:
        """Write the configuration; `options` are those of the input `protect`."""
        protect = self.cylance.settings | {"proxy": "none", "interval_seconds": 1} | options
        graylog = {
            "type": "gelf_tcp",
            "endpoint": f"127.0.0.1:{self.graylog.port}",
            "confirm_seconds": 0.1,
            "hold_back_seconds": 0.1,
        }
        document = {
            "inputs": {"protect": protect} if inputs is None else inputs,
            "outputs": {"graylog": graylog},
            "spool": {"directory": str(self.folder / "spool"), "min_free_bytes": 0},
        }
        self.config.write_text(yaml.safe_dump(document))

    def fill(self, count: int, days: float = 20.0) -> None:
        """So many threats, spread over the last days."""
        now = time.time()
        for number in range(count):
            then = now - days * DAY * (1 - (number + 0.5) / count)
            self.cylance.world.add_threat(then, then)

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        """Start a command as a process."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bridge", *arguments, "-c", str(self.config)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def process(self, *arguments: str) -> Done:
        """Run a command as a process to its end."""
        process = await self.start(*arguments)
        async with asyncio.timeout(50):
            out, err = await process.communicate()
        return Done(process.returncode, out.decode(), err.decode())

    async def running(self) -> asyncio.subprocess.Process:
        """A bridge that has polled once."""
        process = await self.start("run")
        assert process.stderr
        async with asyncio.timeout(30):
            while b"polling" not in (line := await process.stderr.readline()):
                assert line, "it ended"
        return process

    async def command(self, *arguments: str) -> Done:
        """Run a command that needs no signals in a thread of this process."""
        done = await asyncio.to_thread(
            CliRunner().invoke, main, [*arguments, "-c", str(self.config)]
        )
        return Done(done.exit_code, done.stdout, done.stderr)

    async def arrived(self, count: int) -> list[dict[str, Any]]:
        """The fields of so many different events, as soon as Graylog has them."""
        async with asyncio.timeout(30):
            while True:
                found = [dict(message.fields) for message in self.graylog.messages]
                events = {fields["event_uid"]: fields for fields in found}
                if len(events) >= count:
                    return list(events.values())
                await asyncio.sleep(0.01)


async def stop(process: asyncio.subprocess.Process) -> int | None:
    """SIGTERM, and the exit code."""
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(30):
        await process.communicate()
    return process.returncode
