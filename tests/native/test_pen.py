"""The compiled thread that writes rows."""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from bridge.native import core
from bridge.spool.records import CHECKED, signed

pytestmark = pytest.mark.skipif(core is None, reason="the compiled parts are not installed")

MIB = 2**20
SECONDS = 30


def row(data: bytes) -> tuple[bytes, bytes]:
    return bytes(CHECKED), data


def done(pen: Any, count: int) -> list[int]:
    """Wait until so many lists are written; the number of each error."""
    found: list[int] = []
    while len(found) < count:
        assert select.select([pen], [], [], SECONDS)[0]
        found += pen.done()
    return found


def test_it_writes_while_python_does_something_else(tmp_path: Path) -> None:
    """It gets on although the interpreter is never let go of."""
    pen = core.Pen()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    try:
        with (tmp_path / "rows").open("w+b") as file:
            pen.write(file.fileno(), 0, [row(b"x" * MIB)] * 4)
            until, found = perf_counter() + SECONDS, []
            while not found and perf_counter() < until:
                found = pen.done()
            assert found == [0]
    finally:
        sys.setswitchinterval(interval)
    assert (tmp_path / "rows").read_bytes() == (signed(*row(b"x" * MIB)) + b"x" * MIB) * 4
    pen.close()


def test_close_writes_what_waits(tmp_path: Path) -> None:
    pen = core.Pen()
    with (tmp_path / "rows").open("w+b") as file:
        for number in range(20):
            pen.write(file.fileno(), number * (MIB + CHECKED), [row(b"x" * MIB)])
        pen.close()
        pen.close()
        assert os.fstat(file.fileno()).st_size == 20 * (MIB + CHECKED)
    with pytest.raises(ValueError, match="closed"):
        pen.write(1, 0, [row(b"x")])


def test_documents_live_until_they_are_written(tmp_path: Path) -> None:
    """Whoever gave them may forget them at once."""
    pen = core.Pen()
    with (tmp_path / "rows").open("w+b") as file:
        for number in range(50):
            pen.write(file.fileno(), number * (MIB + CHECKED), [row(b"%02d" % number * (MIB // 2))])
        assert done(pen, 50) == [0] * 50
        for number in range(50):
            start = number * (MIB + CHECKED) + CHECKED
            assert os.pread(file.fileno(), 4, start) == b"%02d" % number * 2
    pen.close()


def test_what_is_not_rows_is_refused() -> None:
    pen = core.Pen()
    for wrong in ([b"x"], [(b"short", b"x")], [(bytes(CHECKED), "text")]):
        with pytest.raises(TypeError):
            pen.write(1, 0, wrong)
    with pytest.raises(TypeError):
        pen.write(1, 0, ())
    assert pen.done() == []
    pen.close()


def test_a_pen_that_is_forgotten_ends_its_thread() -> None:
    threads = Path("/proc/self/task")
    before = len(list(threads.iterdir()))
    pen = core.Pen()
    assert len(list(threads.iterdir())) == before + 1
    del pen
    assert len(list(threads.iterdir())) == before


def test_signals_are_left_to_python(tmp_path: Path) -> None:
    """The thread blocks them all."""
    before = {task.name for task in Path("/proc/self/task").iterdir()}
    pen = core.Pen()
    (own,) = {task.name for task in Path("/proc/self/task").iterdir()} - before
    status = Path(f"/proc/self/task/{own}/status").read_text()
    blocked = int(status.partition("SigBlk:")[2].split()[0], 16)
    for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        assert blocked >> (one - 1) & 1
    pen.close()
