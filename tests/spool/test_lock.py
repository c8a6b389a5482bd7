"""The spool directory: private, and owned by one process at a time."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.errors import SpoolDenied, SpoolError, SpoolLocked
from bridge.spool.lock import Lock, databases, prepare

HOLD = """
import sys, time
from pathlib import Path
from bridge.spool.lock import Lock, prepare
prepare(Path(sys.argv[1]))
lock = Lock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_second_process_names_the_first(directory: Path) -> None:
    """With its pid and command, and what to do."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, directory, "a b"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(SpoolLocked) as caught:
            Lock(directory)
        holder.send_signal(signal.SIGKILL)
    assert caught.value.holder == f"process {holder.pid} (-c {directory} 'a b')"
    assert "stop that process" in str(caught.value)
    Lock(directory).release()  # nothing was left behind by the kill


def test_a_lock_is_released_once_and_for_all(directory: Path) -> None:
    """Releasing twice must not close a file of somebody else."""
    prepare(directory)
    lock = Lock(directory)
    with pytest.raises(SpoolLocked, match=f"process {os.getpid()} "):
        Lock(directory)
    lock.release()
    second = Lock(directory)
    lock.release()
    with pytest.raises(SpoolLocked):
        Lock(directory)
    second.release()


def test_a_holder_that_could_not_sign_is_still_a_holder(directory: Path) -> None:
    """The lock is the kernel's; the text is for people only."""
    prepare(directory)
    lock = Lock(directory)
    (directory / "lock").write_bytes(b"")
    with pytest.raises(SpoolLocked, match="another process"):
        Lock(directory)
    lock.release()


def test_a_new_directory_is_private(tmp_path: Path) -> None:
    """Parents are made too."""
    prepare(tmp_path / "var" / "spool")
    assert mode(tmp_path / "var" / "spool") == 0o700
    Lock(tmp_path / "var" / "spool").release()
    assert mode(tmp_path / "var" / "spool" / "lock") == 0o600


def test_an_empty_directory_becomes_private(directory: Path) -> None:
    """As systemd and packages make it: empty, and open to others."""
    directory.mkdir(mode=0o755)
    prepare(directory)
    assert mode(directory) == 0o700


def test_a_spool_directory_becomes_private_again(directory: Path) -> None:
    """It is ours, whatever else is in it."""
    directory.mkdir(mode=0o755)
    (directory / "worker-0.db").touch()
    (directory / "notes.txt").touch()
    prepare(directory)
    assert mode(directory) == 0o700


def test_a_directory_of_others_keeps_its_mode(directory: Path) -> None:
    """A mistaken `directory: /var/lib` must lock nobody out."""
    directory.mkdir(mode=0o755)
    (directory / "somebody").touch()
    prepare(directory)
    assert mode(directory) == 0o755


def test_there_are_no_files_where_none_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in ("none", "file", "file/below"):
        assert databases(tmp_path / place) == {}


def test_what_is_no_directory_is_refused(tmp_path: Path) -> None:
    """With the path and the option to change."""
    (tmp_path / "file").touch()
    with pytest.raises(SpoolDenied, match=r"file/spool.*spool\.directory"):
        prepare(tmp_path / "file" / "spool")


def test_a_full_disk_may_be_well_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no mistake in the configuration, so that a supervisor may try again."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(SpoolError, match="No space left") as caught:
        prepare(tmp_path / "spool")
    assert not isinstance(caught.value, SpoolDenied)
