"""What systemd hears: ready, alive, reloading, stopping."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.service.systemd import Systemd
from tests.bridges import CONFIG, running
from tests.service.fleets import fleet, pids


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """The service manager's end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


async def until(manager: socket.socket, text: str) -> list[str]:
    """What was said, up to the first that has this text."""
    said: list[str] = []
    async with asyncio.timeout(5):
        while not said or text not in said[-1]:
            said.append((await asyncio.get_running_loop().sock_recv(manager, 4096)).decode())
    return said


async def test_it_hears_of_the_whole_life(
    tmp_path: Path, manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "90000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    async with running(tmp_path, CONFIG % 1) as bridge:
        said = await until(manager, "READY=1")
        assert said[-1] == "READY=1\nSTATUS=inputs: malops; outputs: graylog"
        assert [one for one in await until(manager, "WATCHDOG=1") if "READY" in one] == []
        await until(manager, "WATCHDOG=1")
        await bridge.service.reload()
        said = await until(manager, "READY=1")
        assert any(one.startswith("RELOADING=1\nMONOTONIC_USEC=") for one in said)
    await until(manager, "STOPPING=1")


async def test_of_several_workers_only_the_parent_speaks(
    tmp_path: Path, manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ready when all are; what stops workers beside it (stopasgroup) does no harm."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    async with fleet(tmp_path) as bridge:
        bridge.configure()
        status = await bridge.start()
        said = [one for one in await until(manager, "READY=1") if "WATCHDOG" not in one]
        assert said == ["READY=1\nSTATUS=2 workers; inputs: malops; outputs: out"]
        for pid in pids(status):
            assert b"NOTIFY_SOCKET" not in Path(f"/proc/{pid}/environ").read_bytes()
        for pid in pids(status):
            os.kill(pid, signal.SIGTERM)
        assert await bridge.terminate() == 0
        await until(manager, "STOPPING=1")


def test_the_watchdog_of_another_process_is_not_ours() -> None:
    assert Systemd({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}).watchdog_seconds == 0
    assert Systemd({"WATCHDOG_USEC": "1000000"}).watchdog_seconds == 1
    assert Systemd({}).watchdog_seconds == 0


def test_an_abstract_address_is_understood() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0gelf-bridge-test-{os.getpid()}")
        Systemd({"NOTIFY_SOCKET": f"@gelf-bridge-test-{os.getpid()}"}).alive()
        assert listening.recv(100) == b"WATCHDOG=1"


def test_a_manager_that_is_gone_hurts_nobody(tmp_path: Path) -> None:
    Systemd({"NOTIFY_SOCKET": str(tmp_path / "nothing")}).alive()
    Systemd({}).ready("fine")
