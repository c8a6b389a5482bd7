"""Under systemd: the units of the examples, and sockets that it opens."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.testing import FakeGraylog
from tests.bridges import CONFIG, record

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
BIN = Path(sys.executable).parent
COMMAND = "/opt/gelf-bridge/bin/gelf-bridge"

needs_analyze = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed"
)
needs_activate = pytest.mark.skipif(
    not shutil.which("systemd-socket-activate"), reason="systemd-socket-activate is not installed"
)


@pytest.fixture
def units(tmp_path: Path) -> list[str]:
    """The units, with a command that exists here."""
    paths = []
    for name in ("gelf-bridge.service", "gelf-bridge.socket"):
        text = (EXAMPLES / name).read_text()
        path = tmp_path / name
        path.write_text(text.replace(COMMAND, str(BIN / "gelf-bridge")))
        paths.append(str(path))
    return paths


@needs_analyze
def test_the_units_have_no_mistakes(units: list[str]) -> None:
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_analyze
def test_the_service_is_exposed_as_little_as_a_network_service_can_be(units: list[str]) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", units[0]]
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"Overall exposure level for gelf-bridge\.service: ([0-9.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= 2.0


def test_the_service_stops_later_than_the_bridge_and_does_not_repeat_a_bad_start() -> None:
    text = (EXAMPLES / "gelf-bridge.service").read_text()
    options = dict(line.split("=", 1) for line in text.splitlines() if "=" in line[1:])
    assert int(options["TimeoutStopSec"]) > 8
    assert options["RestartPreventExitStatus"] == "78"
    assert options["Type"] == "notify"


@needs_activate
async def test_a_record_sent_before_the_start_arrives(tmp_path: Path) -> None:
    """The first connection starts the bridge, which finds it waiting in the socket it inherits."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        address = f"127.0.0.1:{reserved.getsockname()[1]}"
    async with FakeGraylog() as graylog:
        config = tmp_path / "bridge.yaml"
        config.write_text(CONFIG.replace("127.0.0.1:0", address) % graylog.port)
        process = await asyncio.create_subprocess_exec(
            *("systemd-socket-activate", "-l", address, str(BIN / "gelf-bridge")),
            *("run", "-c", str(config)),
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr
        async with asyncio.timeout(20):
            assert b"Listening on" in await process.stderr.readline()
        host, port = address.split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"{record(1)}\n".encode())
        await writer.drain()
        [message] = await graylog.received(1, timeout=20)
        writer.close()
        await writer.wait_closed()
        process.terminate()
        log = (await process.stderr.read()).decode()
        assert await process.wait() == 0, log
    assert message.fields["cef_external_id"] == "1"
    assert f"malops: ok: listening on tcp {address}" in log
