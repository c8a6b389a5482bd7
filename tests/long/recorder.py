"""A recorder of everything that a process writes into a directory, and power cuts at any point.

The process runs under strace. What was written before a sync of the same file is on the disk for
sure; of what was written after it, every sector may have got there or not. The same holds for the
name of a new file and a sync of its directory.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
CALLS = "openat,pwrite64,write,ftruncate,fallocate,fdatasync,fsync,rename,unlink,close"
CALL = re.compile(r"^(\d+) +(\w+)\((.*)$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")
UNFINISHED = " <unfinished ...>"
NAMED = re.compile(r"^\d+<([^>]*)>")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened; `begun` and `done` are its places in the whole."""

    call: str
    arguments: str
    result: int
    begun: int
    done: int

    @property
    def path(self) -> str:
        """The file that it is about."""
        named = NAMED.match(self.arguments) or TEXT.search(self.arguments)
        return unhex(named[1]).decode() if named else ""

    @property
    def text(self) -> bytes:
        """What was written."""
        found = TEXT.search(self.arguments)
        return unhex(found[1]) if found else b""

    @property
    def number(self) -> int:
        """The last argument: an offset or a length."""
        return int(self.arguments.rpartition(",")[2])


def unhex(text: str) -> bytes:
    """What strace writes as `\\x2f\\x74`; other names (`pipe:[17]`) stay."""
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()


def command(trace: Path, *of: str) -> list[str]:
    """The command that runs another one under the recorder."""
    options = ["-f", "-y", "-xx", "-s", "1000000", "-e", f"trace={CALLS}", "-o", str(trace)]
    return ["strace", *options, *of]


def steps(trace: Path) -> Iterator[Step]:
    """Every call in the order in which they were done."""
    waiting: dict[str, tuple[int, str, str]] = {}
    with trace.open() as lines:
        for place, line in enumerate(lines):
            if resumed := RESUMED.match(line):
                begun, call, start = waiting.pop(resumed[1])
                yield from step(call, start + resumed[3], begun, place)
            elif called := CALL.match(line):
                rest = called[3].rstrip("\n")
                if rest.endswith(UNFINISHED):
                    start = rest.removesuffix(UNFINISHED)
                    waiting[called[1]] = place, called[2], start
                else:
                    yield from step(called[2], rest, place, place)


def step(call: str, rest: str, begun: int, done: int) -> Iterator[Step]:
    """One call from its text, if it came to an end and did something."""
    arguments, _, result = rest.rpartition(" = ")
    code = re.match(r"-?\d+", result)
    if code and int(code[0]) >= 0:
        yield Step(call, arguments.rstrip().removesuffix(")"), int(code[0]), begun, done)


@dataclass(slots=True)
class Disk:
    """One file: what is on the disk for sure, and what is on its way."""

    content: bytearray = field(default_factory=bytearray)
    pending: list[Step] = field(default_factory=list)
    is_named: bool = False
    is_gone: bool = False

    def sync(self, begun: int) -> None:
        """Whatever was done before the sync began is safe."""
        safe = [one for one in self.pending if one.done < begun]
        for one in safe:
            apply(self.content, one)
        self.pending = self.pending[len(safe) :]

    def torn(self, chance: random.Random) -> bytes:
        """What may be there after a power cut."""
        content = bytearray(self.content)
        for one in self.pending:
            apply(content, one, chance)
        return bytes(content)


def apply(content: bytearray, one: Step, chance: random.Random | None = None) -> None:
    """Do a write or a truncation; with `chance` each sector may be left out."""
    if one.call == "ftruncate":
        if chance is None or chance.random() < 0.5:
            del content[one.number :]
            content.extend(bytes(one.number - len(content)))
        return
    text, offset = one.text, one.number
    for start in range(0, len(text), SECTOR):
        if chance is None or chance.random() < 0.5:
            piece, place = text[start : start + SECTOR], offset + start
            content.extend(bytes(max(0, place + len(piece) - len(content))))
            content[place : place + len(piece)] = piece


class Recording:
    """All that was done to the files of a directory, and what the process said meanwhile."""

    def __init__(self, trace: Path, directory: Path) -> None:
        self._directory = str(directory)
        self._steps = list(steps(trace))

    def __len__(self) -> int:
        return len(self._steps)

    def cuts(self, points: Iterable[int], chance: random.Random, into: Path) -> Iterator[bytes]:
        """For each of some rising points write the files as a power cut after so many steps may
        leave them; yields what the process had said until then."""
        said, disks, place = b"", dict[str, Disk](), 0
        for point in points:
            for one in self._steps[place:point]:
                said += self._do(one, disks)
            place = point
            shutil.rmtree(into, ignore_errors=True)
            into.mkdir(mode=0o700)
            for path, disk in disks.items():
                if (disk.is_gone or not disk.is_named) and chance.random() < 0.5:
                    continue
                (into / Path(path).name).write_bytes(disk.torn(chance))
            yield said

    def _do(self, one: Step, disks: dict[str, Disk]) -> bytes:
        """Take one step; what the process said by it."""
        path = one.path
        if one.call == "write" and one.arguments.startswith("1<"):
            return one.text
        if one.call in ("fsync", "fdatasync") and path == self._directory:
            for name, disk in list(disks.items()):
                disk.is_named = True
                if disk.is_gone:
                    del disks[name]
        elif self._is_ours(path) and one.call != "close":
            disk = disks.setdefault(path, Disk())
            if one.call == "unlink":
                disk.is_gone = True
            elif disk.is_gone:
                disks[path] = Disk()
            elif one.call in ("pwrite64", "ftruncate"):
                disk.pending.append(one)
            elif one.call in ("fsync", "fdatasync"):
                disk.sync(one.begun)
            elif one.call != "openat":
                raise AssertionError(f"the recorder does not know {one.call}")
        return b""

    def _is_ours(self, path: str) -> bool:
        """The database and its WAL; the shared memory and the lock are gone with the power."""
        return path.startswith(f"{self._directory}/worker-0.db") and not path.endswith("-shm")


def points(recording: Recording, count: int, chance: random.Random) -> Sequence[int]:
    """Some points in a recording, in order."""
    return sorted(chance.sample(range(len(recording)), min(count, len(recording))))
