"""Who writes rows: a thread of its own, which takes nothing from the event loop.

The compiled one never needs the interpreter: whoever does must wait for the loop each time, and
lets the loop wait in turn.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from bridge.native import core
from bridge.spool import segments
from bridge.spool.segments import Portion


class Pen(Protocol):
    """Writes portions in order; after one that failed, none until `go_on`."""

    def write(self, portion: Portion) -> asyncio.Future[None]:
        """The future ends when the portion is on the disk, or with OSError."""

    def go_on(self) -> None:
        """Write again; what was given before has ended."""

    def close(self) -> None:
        """End the thread."""


class CompiledPen:
    """The thread is compiled, too."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._core = core.Pen()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._loop.add_reader(self._core.fileno(), self._end)

    def write(self, portion: Portion) -> asyncio.Future[None]:
        future: asyncio.Future[None] = self._loop.create_future()
        self._core.write(portion.file, portion.start, portion.rows)
        self._waiting.append(future)
        return future

    def _end(self) -> None:
        for error in self._core.done():
            future = self._waiting.popleft()
            if error:
                future.set_exception(OSError(error, os.strerror(error)))
            else:
                future.set_result(None)

    def go_on(self) -> None:
        self._core.go_on()

    def close(self) -> None:
        self._loop.remove_reader(self._core.fileno())
        self._core.close()


class PythonPen:
    """A thread of Python."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool-pen")
        self._has_failed = False

    def write(self, portion: Portion) -> asyncio.Future[None]:
        return self._loop.run_in_executor(self._thread, self._write, portion)

    def _write(self, portion: Portion) -> None:
        if self._has_failed:
            raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))
        self._has_failed = True  # until it is known not to have
        segments.write_rows(portion.file, portion.start, portion.rows)
        self._has_failed = False

    def go_on(self) -> None:
        self._has_failed = False

    def close(self) -> None:
        self._thread.shutdown()


def new_pen() -> Pen:
    """The best that is here."""
    return CompiledPen() if core else PythonPen()
