"""Under a real supervisord, with the program section of the example."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from xmlrpc.client import ServerProxy

import pytest
from supervisor.xmlrpc import SupervisorTransport

from bridge.cli.client import Client
from bridge.errors import BridgeError
from bridge.testing import FakeGraylog
from bridge.version import VERSION
from tests.bridges import CONFIG, record
from tests.service.fleets import pids, runs

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

    async def control(self, action: str, *more: str) -> Any:
        """What supervisorctl would ask, such as `startProcess`."""

        def ask() -> Any:
            path = f"unix://{self.folder}/supervisor.sock"
            transport = SupervisorTransport(None, None, serverurl=path)
            with ServerProxy("http://127.0.0.1", transport=transport) as server:
                return getattr(server.supervisor, action)("gelf-bridge", *more)

        return await asyncio.to_thread(ask)

    async def state(self) -> str:
        return str((await self.control("getProcessInfo"))["statename"])

    async def until(self, state: str) -> None:
        """Wait until the program is in a state."""
        async with asyncio.timeout(20):
            while await self.state() != state:
                await asyncio.sleep(0.05)

    async def answered(self, other_than: int = 0) -> dict[str, Any]:
        """The status of the bridge, as soon as it (another process than that) answers."""
        async with asyncio.timeout(20):
            while True:
                try:
                    status: dict[str, Any] = await asyncio.to_thread(self.client.get, "/status")
                except BridgeError:  # not yet there, or killed while it answered
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
    await supervisord.control("signalProcess", "KILL")
    second = await supervisord.answered(other_than=first["pid"])
    assert second["pid"] != first["pid"]
    await graylog.start()
    await graylog.received(100, timeout=20)


async def test_a_bad_configuration_is_not_started_again(supervisord: Supervisord) -> None:
    await supervisord.answered()
    await supervisord.control("stopProcess")
    config = supervisord.folder / "bridge.yaml"
    good = config.read_text()
    config.write_text(good.replace("address", "adress"))
    await supervisord.control("startProcess")
    await supervisord.until("EXITED")
    await asyncio.sleep(1)
    assert await supervisord.state() == "EXITED"
    assert (await supervisord.control("getProcessInfo"))["exitstatus"] == 78
    assert supervisord.log().count("no such option, did you mean address?") == 1
    config.write_text(good)
    await supervisord.control("startProcess")
    await supervisord.answered()


async def test_a_hangup_reloads_and_a_stop_drains(
    supervisord: Supervisord, graylog: FakeGraylog
) -> None:
    before = await supervisord.answered()
    config = supervisord.folder / "bridge.yaml"
    config.write_text(config.read_text() + "logs: {level: debug}\n")
    await supervisord.control("signalProcess", "HUP")
    async with asyncio.timeout(10):
        while (status := await supervisord.answered())["reloads"]["count"] == 0:
            await asyncio.sleep(0.05)
    assert status["reloads"]["changes"] == ["logs has changed"]
    assert status["pid"] == before["pid"]
    await send(status, *map(record, range(50)))
    await graylog.received(1)
    assert await supervisord.control("stopProcess")
    await supervisord.until("STOPPED")
    assert len(graylog.messages) == 50
    assert f"gelf-bridge {VERSION} starts, process {before['pid']}, with " in supervisord.log()
    assert re.search("malops: stopped\n.*graylog: stopped\n", supervisord.log(), re.DOTALL)
    assert (await supervisord.control("getProcessInfo"))["exitstatus"] == 0


async def test_workers_start_again_with_their_parent_and_stop_with_it(
    supervisord: Supervisord, graylog: FakeGraylog
) -> None:
    await supervisord.answered()
    await supervisord.control("stopProcess")
    config = supervisord.folder / "bridge.yaml"
    config.write_text(config.read_text() + "workers: 2\n")
    await supervisord.control("startProcess")
    first = await supervisord.answered()
    await send(first, *map(record, range(100)))
    await graylog.received(100, timeout=20)
    await supervisord.control("signalProcess", "KILL")
    second = await supervisord.answered(other_than=first["pid"])
    assert await supervisord.control("stopProcess")
    assert (await supervisord.control("getProcessInfo"))["exitstatus"] == 0
    processes = {*pids(first), *pids(second)}
    assert len(processes) == 4
    assert not any(map(runs, processes))
