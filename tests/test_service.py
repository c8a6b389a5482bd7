"""The whole bridge as a process: events flow, signals drain, kill -9 loses nothing."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.config import SpoolConfig
from bridge.spool import Spool
from bridge.testing import FakeGraylog

CONFIG = """
inputs:
  malops: {{type: cef, address: "127.0.0.1:{listen}"}}
outputs:
  graylog: {{type: gelf_tcp, endpoint: "127.0.0.1:{port}"}}
spool: {{directory: "{directory}", min_free_bytes: 0}}
"""


class Bridge:
    """The command `run` in a process of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.listen = 0
        self.log = ""

    async def start(self) -> None:
        """Start it and wait until the input listens; later starts take the same port."""
        config = self.folder / "bridge.yaml"
        directory = self.folder / "spool"
        config.write_text(CONFIG.format(listen=self.listen, port=self.port, directory=directory))
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bridge", "run", "-c", str(config)),
            stderr=asyncio.subprocess.PIPE,
        )
        self.listen = int((await self.logged(r"listening on tcp 127\.0\.0\.1:(\d+)"))[1])
        self.reading = asyncio.create_task(self._read_log())

    async def logged(self, pattern: str) -> re.Match[str]:
        assert self.process.stderr
        async with asyncio.timeout(20):
            while line := (await self.process.stderr.readline()).decode():
                self.log += line
                if found := re.search(pattern, line):
                    return found
        raise AssertionError(f"ended without {pattern!r}:\n{self.log}")

    async def _read_log(self) -> None:
        assert self.process.stderr
        while line := await self.process.stderr.readline():
            self.log += line.decode()

    async def send(self, signal_number: int) -> int:
        """Send a signal and wait for the end; returns the exit code."""
        self.process.send_signal(signal_number)
        async with asyncio.timeout(20):
            code = await self.process.wait()
            await self.reading
        return code

    async def accepted(self) -> int:
        """What the spool itself says it has taken; only while the process is stopped."""
        config = SpoolConfig(directory=self.folder / "spool", min_free_bytes=0)
        spool = await Spool.open(config)
        try:
            return (await spool.balance()).inputs["malops"].accepted
        finally:
            await spool.close()


@pytest.fixture
async def graylog() -> AsyncIterator[FakeGraylog]:
    async with FakeGraylog() as server:
        yield server


@pytest.fixture
async def bridge(tmp_path: Path, graylog: FakeGraylog) -> AsyncIterator[Bridge]:
    bridge = Bridge(tmp_path, graylog.port)
    await bridge.start()
    yield bridge
    if bridge.process.returncode is None:
        await bridge.send(signal.SIGKILL)


def line(number: int) -> bytes:
    return (
        f"CEF:0|Example|Sensor|1.0|7|Number {number}|5|cs1={number} cs1Label=Number msg=hello\n"
    ).encode()


async def send_lines(port: int, first: int, last: int) -> None:
    """Write numbered records over one connection; a peer that goes away ends it quietly."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(first, last + 1):
            writer.write(line(number))
            if number % 200 == 0:
                await writer.drain()
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    except ConnectionError:
        return


async def test_events_flow_from_the_socket_into_graylog(
    bridge: Bridge, graylog: FakeGraylog
) -> None:
    await send_lines(bridge.listen, 1, 500)
    await graylog.received(500, timeout=20)
    found = sorted(int(message.fields["example_number"]) for message in graylog.messages)
    assert found == list(range(1, 501))
    assert await bridge.send(signal.SIGTERM) == 0
    assert await bridge.accepted() == 500


async def test_an_orderly_stop_loses_nothing_that_was_read(
    bridge: Bridge, graylog: FakeGraylog
) -> None:
    await graylog.stop()
    await send_lines(bridge.listen, 1, 300)
    await asyncio.sleep(0.3)
    assert await bridge.send(signal.SIGTERM) == 0
    assert await bridge.accepted() == 300
    await graylog.start()
    await bridge.start()
    await graylog.received(300, timeout=20)


async def test_kill_9_under_load_loses_nothing_accepted(
    bridge: Bridge, graylog: FakeGraylog
) -> None:
    for round_number in range(3):
        first = round_number * 20_000 + 1
        sending = asyncio.create_task(send_lines(bridge.listen, first, first + 19_999))
        await asyncio.sleep(0.15 + 0.1 * round_number)
        await bridge.send(signal.SIGKILL)
        await sending
        await bridge.start()
    await send_lines(bridge.listen, 900_001, 900_001)
    async with asyncio.timeout(30):
        while not any(m.fields["example_number"] == "900001" for m in graylog.messages):
            await asyncio.sleep(0.02)
    await bridge.send(signal.SIGTERM)
    arrived = {message.fields["event_uid"] for message in graylog.messages}
    assert len(arrived) == await bridge.accepted() > 1


async def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    """With a peer that reads nothing the drain would take its eight seconds."""
    peers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, peer: peers.append(peer), "127.0.0.1", 0)
    bridge = Bridge(tmp_path, server.sockets[0].getsockname()[1])
    await bridge.start()
    await send_lines(bridge.listen, 1, 60_000)
    await asyncio.sleep(0.5)
    bridge.process.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.3)
    assert bridge.process.returncode is None
    async with asyncio.timeout(3):
        assert await bridge.send(signal.SIGTERM) == 1
    server.close()
    for peer in peers:
        peer.transport.abort()
    await server.wait_closed()


async def test_a_second_process_on_the_same_spool_names_the_holder(bridge: Bridge) -> None:
    config = bridge.folder / "bridge.yaml"
    config.write_text(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", config.read_text(), count=1))
    second = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", "run", "-c", str(config)), stderr=asyncio.subprocess.PIPE
    )
    _, error = await second.communicate()
    assert second.returncode == 1
    assert f"in use by process {bridge.process.pid}" in error.decode()


async def test_a_bad_config_ends_with_78_before_anything_starts(tmp_path: Path) -> None:
    config = tmp_path / "bridge.yaml"
    config.write_text("inputs:\n  a: {type: cef, adress: 127.0.0.1:0}\n")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", "run", "-c", str(config)),
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"NO_COLOR": "1"},
    )
    _, error = await process.communicate()
    assert process.returncode == 78
    assert f"{config}:2:18: inputs.a.adress" in error.decode()
