"""A recorder of what a process writes and syncs, replayed as a power failure would leave it.

strace tells every write, truncation and sync in order, with its content, and also what the process
said (its acknowledgements). After a sync a file is as it was written; of what came later, any part
may be there or not.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CALLS = "pwrite64,write,ftruncate,fdatasync,fsync"
LINE = re.compile(
    r"(?P<pid>\d+) +(?:<\.\.\. )?(?P<call>\w+)(?: resumed>|\(\d+<(?P<path>[^>]*)>)"
    r'(?:, "(?P<data>[^"]*)")?(?P<numbers>(?:, \d+)*)(?P<rest>.*)'
)
SECTOR = 4096


@dataclass(frozen=True)
class Step:
    """One thing that a process did; `name` is that of the file, or `said`."""

    call: str
    name: str
    data: bytes = field(repr=False, default=b"")
    offset: int = 0


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


def steps(log: Path) -> Iterator[Step]:
    """A write counts when it begins, a sync when it has ended."""
    pending: dict[str, str] = {}
    with log.open() as lines:
        for line in lines:
            found = LINE.match(line)
            if not found:
                continue
            call, path = found["call"], found["path"]
            name = Path(text(path).decode()).name if path is not None else ""
            is_sync = call in ("fdatasync", "fsync")
            if is_sync and "<unfinished" in line:
                pending[found["pid"]] = name
            elif is_sync:
                yield Step("sync", name or pending.pop(found["pid"]))
            elif path is not None:
                yield step(call, name, found)


def step(call: str, name: str, found: re.Match[str]) -> Step:
    numbers = [int(number) for number in found["numbers"].split(",") if number.strip()]
    if call == "ftruncate":
        return Step(call, name, offset=numbers[0])
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


class Disk:
    """The files as they are on the disk for certain, and what was written since."""

    def __init__(self) -> None:
        self._synced: dict[str, bytearray] = {}
        self._since: dict[str, list[Step]] = {}
        self.said: list[bytes] = []

    def do(self, step: Step) -> None:
        if step.call == "say":
            self.said += step.data.splitlines()
        elif step.call == "sync":
            content = self._synced.setdefault(step.name, bytearray())
            for one in self._since.pop(step.name, ()):
                apply(content, one)
        else:
            self._since.setdefault(step.name, []).append(step)

    def fail(self, folder: Path, chance: random.Random, share: float) -> None:
        """Write what a power failure leaves: all that was synced, and a share of the rest."""
        folder.mkdir(mode=0o700)
        for name in ("worker-0.db", "worker-0.db-wal"):
            content = bytearray(self._synced.get(name, b""))
            for late in self._since.get(name, ()):
                for piece in pieces(late):
                    if chance.random() < share:
                        apply(content, piece)
            if content or name in self._synced:
                (folder / name).write_bytes(content)
