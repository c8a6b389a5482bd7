"""Spool files as a killed bridge leaves them, and ways to damage them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

from bridge.config import SpoolConfig
from bridge.spool import Buried, Progress, Spool

PAGE = 16384
SEGMENT = "00000001"
NAMES = ("worker-0.db", "worker-0.db-wal", f"worker-0.db-rows/{SEGMENT}")


def marked(number: int) -> bytes:
    """An event like no other, of up to 32 KiB."""
    return b"<%06d>" % number * (1 + number * 907 % 4000)


class Image(NamedTuple):
    """A spool with its WAL and its only segment; `waiting` are what `out` had not passed."""

    main: bytes
    wal: bytes
    rows: bytes
    waiting: dict[int, bytes]

    def write(
        self,
        directory: Path,
        main: bytes | None = None,
        wal: bytes | None = None,
        rows: bytes | None = None,
    ) -> Path:
        """Put it, or damaged versions of it, into a directory; the path of the database."""
        directory.mkdir(mode=0o700, exist_ok=True)
        path = directory / "worker-0.db"
        path.write_bytes(self.main if main is None else main)
        path.with_name("worker-0.db-wal").write_bytes(self.wal if wal is None else wal)
        folder = path.with_name("worker-0.db-rows")
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / SEGMENT).write_bytes(self.rows if rows is None else rows)
        return path


async def make(directory: Path, rows: int = 45) -> Image:
    """A spool with rows delivered and rows waiting."""
    config = SpoolConfig(directory=directory, min_free_bytes=0)
    spool = await Spool.open(config)
    await spool.attach("out")
    await spool.remember("note", {"of": "note"})
    waiting = {}
    for number in range(1, rows + 1):
        kinds = {f"field {number}": "text"}
        event, uid = [marked(number)], [str(number)]
        await spool.append("in", event, uids=uid, checkpoint={"walk": number}, kinds=kinds)
        if number % 3 == 0 and number <= rows // 2:
            buried = (Buried(b"<dead %d>" % number, "odd", "in"),)
            last = Progress(number, delivered=2, buried=buried)
            await spool.advance("out", last)
            waiting.clear()
        else:
            waiting[number] = marked(number)
    waiting = {number: marked(number) for number in range(rows // 2 // 3 * 3 + 1, rows + 1)}
    copy = directory.with_name("copy")
    shutil.copytree(directory, copy)
    await spool.close()
    contents = ((copy / name).read_bytes() for name in NAMES)
    main, wal, segment = contents
    return Image(main, wal, segment.rstrip(b"\0"), waiting)


def flipped(content: bytes, place: int, bit: int) -> bytes:
    """The same with one bit changed."""
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]
