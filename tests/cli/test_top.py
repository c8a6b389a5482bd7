"""`gelf-bridge top`, in a pipe and on a terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import sys
from pathlib import Path

from bridge.cli.top import rates, sparkline
from bridge.testing import FakeGraylog
from tests.bridges import CONFIG, record, running

TOP = (sys.executable, "-m", "bridge", "top", "--interval", "0.2", "-c")


async def test_in_a_pipe_it_looks_once(tmp_path: Path) -> None:
    async with FakeGraylog() as graylog, running(tmp_path, CONFIG % graylog.port) as bridge:
        await bridge.send(*map(record, range(5)))
        process = await asyncio.create_subprocess_exec(
            *TOP,
            str(bridge.path),
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"COLUMNS": "100"},
        )
        output, _ = await process.communicate()
    text = output.decode()
    assert process.returncode == 0
    assert "malops (cef)" in text
    assert "graylog (gelf_tcp)" in text
    assert "\x1b" not in text
    assert "spool: " in text


async def test_on_a_terminal_it_looks_until_ctrl_c(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        ours, theirs = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *TOP,
            str(bridge.path),
            stdin=theirs,
            stdout=theirs,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
        )
        os.close(theirs)
        shown = b""
        async with asyncio.timeout(10):
            while shown.count(b"retrying") < 3:
                shown += await asyncio.to_thread(os.read, ours, 65_536)
        process.send_signal(signal.SIGINT)
        reading = asyncio.create_task(asyncio.to_thread(_rest, ours))
        assert process.stderr
        assert await process.stderr.read() == b""
        assert await process.wait() == 0
        shown += await reading
        os.close(ours)
    assert b"\x1b[?1049l" in shown, "the screen is given back"


def _rest(terminal: int) -> bytes:
    """What a terminal still shows; Linux answers EIO at its end."""
    shown = b""
    while True:
        try:
            more = os.read(terminal, 65_536)
        except OSError:
            return shown
        if not more:
            return shown
        shown += more


def test_rates_are_those_between_two_looks() -> None:
    def snapshot(now: float, received: int, delivered: int) -> dict[str, object]:
        components = [
            {"id": "in", "balance": {"received": received}},
            {"id": "out", "balance": {"delivered": delivered}},
            {"id": "new", "balance": None},
        ]
        return {"now": now, "components": components}

    assert rates(None, snapshot(1, 1, 1)) == {}
    found = rates(snapshot(10, 100, 50), snapshot(12, 300, 50))
    assert found == {"in": 100.0, "out": 0.0, "new": 0.0}


def test_a_sparkline_fits_and_ends_with_the_newest() -> None:
    assert sparkline([], 30) == ""
    assert sparkline([0, 0], 30) == "▁▁"
    assert sparkline([0, 1, 2, 4], 30) == "▁▃▅█"
    assert len(sparkline(list(range(181)), 30)) <= 30
    assert sparkline(list(range(181)), 30)[-1] == "█"
