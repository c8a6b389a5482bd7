"""Events as lines of a file: for Filebeat, Graylog Sidecar, and whoever reads files.

A batch counts as confirmed when it is on the disk (fdatasync). Rotation is done here, by size, or
by logrotate: a file that was moved away is left, and a new one is begun. A line that a crash or a
full disk cut off is taken back, because it will be written again.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Final, Literal

import orjson
from pydantic import Field

from bridge.config import ByteSize, LocalPath
from bridge.errors import BridgeError, Retryable
from bridge.inputs import Context
from bridge.outputs import Batch, Output, OutputConfig

MODE: Final = 0o640
TAIL_BYTES: Final = 64 * 1024
LINE_ENDS: Final = {ord("\r"): "\\r", ord("\n"): "\\n", ord("\v"): "\\v", ord("\f"): "\\f"}


class FileConfig(OutputConfig):
    """Write events into a file: for Filebeat and Graylog's Sidecar, or to keep them."""

    path: LocalPath
    """The file; its folder must exist."""
    format: Literal["gelf", "message"] = "gelf"
    """`gelf`: the whole event as JSON; `message`: its message alone, with `message: raw` at the
    input the source's own text."""
    max_bytes: ByteSize = Field(default=100 * 1024**2, gt=0)
    """A larger file is renamed to `<path>.1`, and a new one begun."""
    keep: int = Field(default=5, ge=1, le=1000)
    """How many renamed files are kept."""

    def claims(self) -> list[str]:
        """The file."""
        return [f"file {self.path}"]


class File(Output):
    """Appends lines; all file work is done in a thread."""

    Config: ClassVar[type[OutputConfig]] = FileConfig
    config: FileConfig

    def __init__(self, config: FileConfig, context: Context) -> None:
        super().__init__(config, context)
        self._log = LogFile(config.path, config.max_bytes, config.keep)

    async def connect(self) -> None:
        """Open the file; raises `Retryable`."""
        await self._do(self._log.open)

    async def send(self, batch: Batch) -> None:
        """Return when the batch is on the disk; raises `Retryable`."""
        data = b"".join(lines(batch.messages(), self.config.format))
        await self._do(lambda: self._log.append(data))

    async def close(self) -> None:
        """Close the file."""
        await asyncio.to_thread(self._log.close)

    async def check(self) -> None:
        """See that the file can be written; it is created if it does not exist."""
        try:
            await self.connect()
        except Retryable as error:
            raise BridgeError(error.reason) from error
        await self.close()

    async def _do(self, work: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(work)
        except OSError as error:
            raise Retryable(f"{self.config.path} cannot be written: {error.strerror}") from error


def lines(messages: Iterable[bytes], form: str) -> Iterable[bytes]:
    """Each message as one line, with its line end; line ends inside become `\\n` in two letters."""
    for message in messages:
        if form == "gelf":
            yield message + b"\n"
        else:
            text: str = orjson.loads(message).get("short_message", "")
            yield text.translate(LINE_ENDS).encode() + b"\n"


class LogFile:
    """A file that only grows, until it is renamed; every method may raise OSError.

    A cancelled `send` leaves its thread at work, and workers write into the same file, so one at a
    time may use it, among threads and (by flock) among processes.
    """

    def __init__(self, path: Path, max_bytes: int, keep: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._file = -1
        self._lock = threading.Lock()

    def open(self) -> None:
        """Open the file at the path, which may be another one than before."""
        with self._lock:
            self._open()
            with self._turn():
                self._sync_folder()

    def append(self, data: bytes) -> None:
        """Write whole lines and wait for the disk; on an error nothing of them stays."""
        with self._lock, self._turn():
            self._append(data)

    def close(self) -> None:
        """Close; safe twice."""
        with self._lock:
            self._close()

    def _open(self) -> None:
        self._close()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        self._file = os.open(self._path, flags, MODE)
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            self._close()
            raise OSError(errno.EINVAL, "it is no regular file")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """The file at the path is ours alone, and ends with a whole line."""
        while True:
            if self._file < 0 or self._is_moved():
                self._open()
                self._sync_folder()
            fcntl.flock(self._file, fcntl.LOCK_EX)
            if not self._is_moved():  # while we waited
                break
        try:
            self._mend()
            yield
        finally:
            if self._file >= 0:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def _append(self, data: bytes) -> None:
        size = os.fstat(self._file).st_size
        if size and size + len(data) > self._max_bytes:
            self._rotate()
            size = os.fstat(self._file).st_size
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(self._file, left) :]
            os.fdatasync(self._file)
        except OSError:
            with suppress(OSError):
                self._shorten(os.fstat(self._file).st_size, size)
            raise

    def _close(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def _is_moved(self) -> bool:
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return True
        return not os.path.samestat(there, os.fstat(self._file))

    def _rotate(self) -> None:
        """`path.1` becomes `path.2` and so on; the oldest goes."""
        for number in range(self._keep - 1, 0, -1):
            with suppress(FileNotFoundError):
                self._numbered(number).rename(self._numbered(number + 1))
        self._path.rename(self._numbered(1))
        self._open()
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._sync_folder()

    def _sync_folder(self) -> None:
        """Make the name of the file durable, too."""
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _mend(self) -> None:
        """Take back a last line that has no end."""
        size = end = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) == b"\n":
            return
        while end:
            start = max(0, end - TAIL_BYTES)
            newline = os.pread(self._file, end - start, start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        self._shorten(size, end)

    def _shorten(self, size: int, end: int) -> None:
        if end < size:
            os.ftruncate(self._file, end)
