"""The spool directory: private, and owned by one process at a time."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
import re
import shlex
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path

from bridge.errors import SpoolDenied, SpoolError, SpoolLocked

log = logging.getLogger(__name__)

ENDING_SECONDS = 60.0
"""How long the workers of a killed bridge may take to end."""
LOOK_SECONDS = 0.1

_DATABASE = re.compile(r"worker-(0|[1-9]\d?)\.db")


def database(worker: int) -> str:
    """The file of a worker; the only one of a bridge without workers is that of worker 0."""
    return f"worker-{worker}.db"


DATABASE = database(0)


def worker_of(path: Path) -> int:
    """Whose file this is; one of another name is taken for that of worker 0."""
    found = _DATABASE.fullmatch(path.name)
    return int(found[1]) if found else 0


def databases(directory: Path) -> dict[int, Path]:
    """The files that can be seen, by worker; whoever opens the spool says why there are none."""
    try:
        found = [_DATABASE.fullmatch(name) for name in os.listdir(directory)]
    except OSError:
        return {}
    return {i: directory / database(i) for i in sorted(int(one[1]) for one in found if one)}


def prepare(directory: Path) -> None:
    """Create the directory for its owner alone (0700).

    A directory that exists is closed to others only when it is empty or a spool already, so that
    a mistaken `directory: /var/lib` locks nobody out. The files are private (0600) in any case.
    Raises SpoolError.
    """
    try:
        if not directory.exists():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync(directory.parent)
        if is_open_to_others(directory) and is_ours(directory):
            directory.chmod(0o700)
    except OSError as error:
        raise _failed(
            f"the spool directory {directory} cannot be used: {error.strerror}: "
            "create it for the user that runs the bridge, or change spool.directory",
            error,
        ) from error


def _failed(message: str, error: OSError) -> SpoolError:
    """A full or ailing disk may be well at the next start; a missing right will not."""
    may_pass = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO)
    return SpoolError(message) if may_pass else SpoolDenied(message)


def sync(directory: Path) -> None:
    """Make the names in a directory durable: a power failure must not take the whole spool."""
    file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def is_open_to_others(directory: Path) -> bool:
    return bool(stat.S_IMODE(directory.stat().st_mode) & 0o077)


def is_ours(directory: Path) -> bool:
    status = directory.stat()
    if status.st_uid != os.geteuid() or status.st_mode & stat.S_ISVTX:
        return False
    return (directory / DATABASE).exists() or not any(directory.iterdir())


class Lock:
    """The right to use a spool directory, until `release` or the end of the process.

    The kernel holds it (flock), so a killed process leaves nothing to clean up. Workers get a copy
    of the descriptor, so that it is held until the last of them has ended. The file names the
    holder for the message of the second process. Raises SpoolLocked or SpoolError.
    """

    @classmethod
    async def wait(cls, directory: Path) -> Lock:
        """The lock; when only the workers of a killed bridge still hold it, their end is awaited.

        Raises SpoolLocked or SpoolError.
        """
        deadline = time.monotonic() + ENDING_SECONDS
        told = False
        while True:
            try:
                return cls(directory)
            except SpoolLocked:
                if _holder_lives(directory) or time.monotonic() >= deadline:
                    raise
            if not told:
                log.warning("waiting for the workers of a bridge that was killed")
                told = True
            await asyncio.sleep(LOOK_SECONDS)

    def __init__(self, directory: Path) -> None:
        path = directory / "lock"
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            message = (
                f"the spool lock {path} cannot be used: {error.strerror}: is this the user that "
                "runs the bridge?"
            )
            raise _failed(message, error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self._holder()
            self.release()
            raise SpoolLocked(str(directory), holder) from None
        except OSError as error:
            self.release()
            raise SpoolError(f"the spool {directory} cannot be locked: {error.strerror}") from error
        self._sign()

    def fileno(self) -> int:
        """The descriptor; whoever has a copy of it holds the lock as well."""
        return self._file

    def release(self) -> None:
        """Let go; safe twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _holder(self) -> str:
        pid, _, command = os.pread(self._file, 4096, 0).decode(errors="replace").partition(" ")
        return f"process {pid} ({command.strip()})" if pid.isdigit() else "another process"

    def _sign(self) -> None:
        command = "".join(c if c.isprintable() else "?" for c in shlex.join(sys.argv))
        # Only the message of a second process suffers when the disk is too full for this.
        with suppress(OSError):
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()} {command}\n".encode()[:4096], 0)


def _holder_lives(directory: Path) -> bool:
    """Whether the process that the lock names exists."""
    pid = (directory / "lock").read_text("utf-8", "replace").partition(" ")[0]
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (ValueError, OSError):
        return True
    return True
