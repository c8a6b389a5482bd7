"""Writes the spool that every later version must be able to go on with.

    PYTHONPATH=. python -m tests.spool.written tests/data/spool/VERSION.tar.gz

is called once, when a version is released whose format or tables are new. The file is never written
again: what later code makes of it shows nothing about the code that is out there.
"""

from __future__ import annotations

import asyncio
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from bridge.config import SpoolConfig
from bridge.spool import Buried, Progress, Spool
from tests.clocks import VirtualClock

WRITTEN_AT: Final = 1_795_000_000.0
"""When the clock of the file stood still: keys that were seen are kept for 40 days."""
INPUT, POLLER = "malops", "protect"
BEHIND, AHEAD = "archive", "graylog"
"""Outputs: one has delivered nothing, one has delivered the first row and buried the second."""
MORE: Final = 300
"""Events of the last row."""


def document(number: int) -> bytes:
    """One GELF document of the file."""
    return b'{"version":"1.1","host":"a","short_message":"event %d","_number":%d}' % (
        number,
        number,
    )


async def write(directory: Path) -> None:
    """Two inputs, two outputs, checkpoints, keys, kinds, a note, a dead letter, 304 events."""
    config = SpoolConfig(directory=directory, min_free_bytes=0)
    spool = await Spool.open(config, VirtualClock(WRITTEN_AT))
    for output in (BEHIND, AHEAD):
        await spool.attach(output)
    await spool.append(INPUT, [document(1), document(2)], kinds={"x_number": "number"})
    await spool.append(
        POLLER, [document(3)], uids=["three"], checkpoint={"threats": {"until": "2026-11-18"}}
    )
    await spool.append(POLLER, [document(3), document(4)], uids=["three", "four"])
    await spool.append(INPUT, [document(5 + number) for number in range(MORE)])
    first, second, *_ = await spool.read(AHEAD, 0, 2**20)
    await spool.advance(AHEAD, Progress(first.id, delivered=2))
    buried = (Buried(document(3), "answered 400 Bad Request", POLLER),)
    await spool.advance(AHEAD, Progress(second.id, buried=buried))
    await spool.remember("closes graylog.example.org:12201", True)
    await spool.close()


def main(path: Path) -> None:
    """Write the files, packed."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(write(Path(folder)))
        (Path(folder) / "lock").unlink()
        with tarfile.open(path, "w:gz", compresslevel=9) as packed:
            packed.add(folder, ".", filter=anonymous)


def anonymous(file: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nobody's, of no time."""
    file.uid = file.gid = file.mtime = 0
    file.uname = file.gname = ""
    return file


if __name__ == "__main__":
    main(Path(sys.argv[1]))
