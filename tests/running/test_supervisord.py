"""Under a real supervisord, with the program section of the example."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.client import Client, NotRunning
from bridge.testing import FakeGraylog
from tests.bridges import CONFIG, record

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "supervisord.conf"
BIN = Path(sys.executable).parent
MAIN = """
[unix_http_server]
file={folder}/supervisor.sock
[supervisord]
nodaemon=true
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{folder}/supervisor.sock
"""


class Supervisord:
    """A supervisord of its own, which runs the example's program with this test's configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.client = Client(folder / "spool" / "admin.sock")
        self._settings = folder / "supervisord.conf"
        program = EXAMPLE.read_text()
        for own, here in (
            ("/opt/gelf-bridge/bin/gelf-bridge", str(BIN / "gelf-bridge")),
            ("/etc/gelf-bridge/bridge.yaml", str(folder / "bridge.yaml")),
            ("/var/log/gelf-bridge.log", str(folder / "bridge.log")),
            ("user=gelf-bridge\n", ""),
        ):
            assert own in program
            program = program.replace(own, here)
        self._settings.write_text(MAIN.format(folder=folder) + program)

    async def start(self) -> None:
        # Its output would fill a pipe that nobody reads.
        self.process = await asyncio.create_subprocess_exec(
            *(str(BIN / "supervisord"), "-c", str(self._settings)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def stop(self) -> None:
        self.process.terminate()
        await self.process.wait()

    async def control(self, *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *(str(BIN / "supervisorctl"), "-c", str(self._settings), *arguments),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        return output.decode()

    async def until(self, state: str) -> str:
        """What supervisorctl says of the program, once it is in a state."""
        async with asyncio.timeout(20):
            while state not in (line := await self.control("status", "gelf-bridge")):
                await asyncio.sleep(0.1)
        return line

    async def answered(self, other_than: int = 0) -> dict[str, Any]:
        """The status of the bridge, as soon as it (another process than that) answers."""
        async with asyncio.timeout(20):
            while True:
                try:
                    status: dict[str, Any] = await asyncio.to_thread(self.client.get, "/status")
                except NotRunning:
                    await asyncio.sleep(0.05)
                    continue
                if status["pid"] != other_than and not status["not_ready"]:
                    return status
                await asyncio.sleep(0.05)

    def log(self) -> str:
        return (self.folder / "bridge.log").read_text()


@pytest.fixture
async def graylog() -> AsyncIterator[FakeGraylog]:
    async with FakeGraylog() as server:
        yield server


@pytest.fixture
async def supervisord(tmp_path: Path, graylog: FakeGraylog) -> AsyncIterator[Supervisord]:
    (tmp_path / "bridge.yaml").write_text(CONFIG % graylog.port)
    server = Supervisord(tmp_path)
    await server.start()
    yield server
    await server.stop()


async def send(status: dict[str, Any], *records: str) -> None:
    [detail] = [one["detail"] for one in status["components"] if one["id"] == "malops"]
    _, writer = await asyncio.open_connection("127.0.0.1", int(detail.rpartition(":")[2]))
    writer.write("".join(f"{one}\n" for one in records).encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def test_a_crash_is_followed_by_a_new_start_and_nothing_is_lost(
    supervisord: Supervisord, graylog: FakeGraylog
) -> None:
    first = await supervisord.answered()
    await graylog.stop()
    await send(first, *map(record, range(100)))
    async with asyncio.timeout(10):
        while (await supervisord.answered())["components"][0]["balance"]["accepted"] < 100:
            await asyncio.sleep(0.05)
    await supervisord.control("signal", "KILL", "gelf-bridge")
    second = await supervisord.answered(other_than=first["pid"])
    assert second["pid"] != first["pid"]
    await graylog.start()
    await graylog.received(100, timeout=20)


async def test_a_bad_configuration_is_not_started_again(supervisord: Supervisord) -> None:
    await supervisord.answered()
    await supervisord.control("stop", "gelf-bridge")
    config = supervisord.folder / "bridge.yaml"
    good = config.read_text()
    config.write_text(good.replace("address", "adress"))
    await supervisord.control("start", "gelf-bridge")
    await supervisord.until("EXITED")
    await asyncio.sleep(2)
    assert "EXITED" in await supervisord.control("status", "gelf-bridge")
    assert supervisord.log().count("no such option, did you mean address?") == 1
    config.write_text(good)
    await supervisord.control("start", "gelf-bridge")
    await supervisord.answered()


async def test_a_stop_drains(supervisord: Supervisord, graylog: FakeGraylog) -> None:
    await send(await supervisord.answered(), *map(record, range(50)))
    await graylog.received(1)
    assert "stopped" in await supervisord.control("stop", "gelf-bridge")
    await supervisord.until("STOPPED")
    assert len(graylog.messages) == 50
    assert re.search("malops: stopped\n.*graylog: stopped\n", supervisord.log(), re.DOTALL)
    exits = (supervisord.folder / "supervisord.log").read_text()
    assert "stopped: gelf-bridge (exit status 0)" in exits


async def test_a_hangup_reloads(supervisord: Supervisord) -> None:
    before = await supervisord.answered()
    config = supervisord.folder / "bridge.yaml"
    config.write_text(config.read_text().replace("malops", "front"))
    await supervisord.control("signal", "HUP", "gelf-bridge")
    async with asyncio.timeout(10):
        while (status := await supervisord.answered())["reloads"]["count"] == 0:
            await asyncio.sleep(0.05)
    assert "input front is new: started" in status["reloads"]["changes"]
    assert status["pid"] == before["pid"]
