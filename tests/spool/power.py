"""A recorder of what a process writes and syncs, replayed as a power failure would leave it.

strace tells every write, truncation and sync in order, with its content, and also what the process
said (its acknowledgements). After a sync a file is as it was written; of what came later, any part
may be there or not. Room that is taken before it is needed (fallocate)
makes the file, and leaves it empty.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CALLS = "pwrite64,write,ftruncate,fallocate,fdatasync,fsync,rename,unlink"
LINE = re.compile(
    r"(?P<pid>\d+) +(?:<\.\.\. )?(?P<call>\w+)(?: resumed>|\((?:\d+<(?P<path>[^>]*)>)?)"
    r'(?:(?:, )?"(?P<data>[^"]*)")?'
    r'(?:, "(?P<to>[^"]*)")?(?P<numbers>(?:, \d+)*)'
)
SECTOR = 4096


@dataclass(frozen=True)
class Step:
    """One thing that a process did; `name` is that of a file or folder below `spool`, or `said`."""

    call: str
    name: str
    data: bytes = field(repr=False, default=b"")
    offset: int = 0
    to: str = ""


def record(folder: Path, *command: str) -> list[Step]:
    """Run a Python program under strace; what it did."""
    log = folder / "strace.log"
    strace = ["strace", "-f", "-y", "-xx", "-s", "100000000", "-o", str(log), "-e"]
    subprocess.run(
        [*strace, f"trace={CALLS}", sys.executable, *command],
        check=True,
        stdout=subprocess.PIPE,
        timeout=120,
    )
    return list(steps(log))


def text(quoted: str) -> bytes:
    """A text of strace, where every byte is written as \\xNN."""
    return bytes.fromhex(quoted.replace("\\x", ""))


def below(quoted: str) -> str:
    """A path, from the spool's folder on; `.` for that folder."""
    return text(quoted).decode().partition("/spool")[2].lstrip("/") or "."


def steps(log: Path) -> Iterator[Step]:
    """A write counts when it begins, a sync when it has ended."""
    pending: dict[str, str] = {}
    with log.open() as lines:
        for line in lines:
            found = LINE.match(line)
            if not found:
                continue
            call, path = found["call"], found["path"]
            name = below(path) if path is not None else ""
            is_sync = call in ("fdatasync", "fsync")
            if is_sync and "<unfinished" in line:
                pending[found["pid"]] = name
            elif is_sync:
                yield Step("sync", name or pending.pop(found["pid"]))
            elif call in ("rename", "unlink") and found["data"]:
                to = below(found["to"]) if found["to"] else ""
                yield Step(call, below(found["data"]), to=to)
            elif path is not None:
                yield step(call, name, found)


def step(call: str, name: str, found: re.Match[str]) -> Step:
    numbers = [int(number) for number in found["numbers"].split(",") if number.strip()]
    if call == "ftruncate":
        return Step(call, name, offset=numbers[0])
    if call == "fallocate":
        return Step("create", name)
    data = text(found["data"])
    if call == "write":
        return Step("say", "said", data)
    return Step("write", name, data, numbers[-1])


def apply(content: bytearray, step: Step) -> None:
    """Do to a file what a step did."""
    if step.call == "ftruncate":
        del content[step.offset :]
        content.extend(bytes(step.offset - len(content)))
        return
    end = step.offset + len(step.data)
    content.extend(bytes(max(0, end - len(content))))
    content[step.offset : end] = step.data


def pieces(step: Step) -> Iterator[Step]:
    """A disk writes whole sectors, in any order."""
    if step.call == "ftruncate":
        yield step
    for start in range(0, len(step.data), SECTOR):
        data = step.data[start : start + SECTOR]
        yield Step(step.call, step.name, data, step.offset + start)


class File:
    """Its content as it is on the disk for certain, and what was written since."""

    def __init__(self) -> None:
        self._synced = bytearray()
        self._since: list[Step] = []

    def do(self, step: Step) -> None:
        if step.call == "sync":
            for one in self._since:
                apply(self._synced, one)
            self._since.clear()
        elif step.call != "create":
            self._since.append(step)

    def left(self, chance: random.Random, share: float) -> bytes:
        """What a power failure leaves: all that was synced, and a share of the rest."""
        content = bytearray(self._synced)
        for late in self._since:
            for piece in pieces(late):
                if chance.random() < share:
                    apply(content, piece)
        return bytes(content)


class Disk:
    """The files by their names, as these are for certain, and the names that changed since.

    A name is certain when its folder is synced; of the changes since, those before some moment are
    there after a failure.
    """

    def __init__(self) -> None:
        self._files: dict[str, File] = {}
        self._certain: dict[str, File] = {}
        self._changes: list[tuple[str, File | None]] = []
        self.said: list[bytes] = []

    def do(self, step: Step) -> None:
        if step.call == "say":
            self.said += step.data.splitlines()
        elif step.call in ("rename", "unlink"):
            file = self._files.pop(step.name, None)
            self._changes.append((step.name, None))
            if file and step.to:
                self._name(step.to, file)
        elif step.call == "sync" and step.name not in self._files:
            self._sync_names(step.name)
        else:
            if step.name not in self._files:
                self._name(step.name, File())
            self._files[step.name].do(step)

    def _name(self, name: str, file: File) -> None:
        self._files[name] = file
        self._changes.append((name, file))

    def _sync_names(self, folder: str) -> None:
        here = [one for one in self._changes if str(Path(one[0]).parent) == folder]
        self._changes = [one for one in self._changes if one not in here]
        rename(self._certain, here)

    def fail(self, folder: Path, chance: random.Random, share: float) -> None:
        """Write what a power failure leaves."""
        folder.mkdir(mode=0o700)
        files = dict(self._certain)
        rename(files, self._changes[: chance.randint(0, len(self._changes))])
        for name, file in files.items():
            if not name.endswith(("lock", "-shm")):
                (folder / name).parent.mkdir(mode=0o700, exist_ok=True)
                content = file.left(chance, share)
                (folder / name).write_bytes(content)


def rename(files: dict[str, File], changes: list[tuple[str, File | None]]) -> None:
    """Give and take names."""
    for name, file in changes:
        files.pop(name, None)
        if file:
            files[name] = file
