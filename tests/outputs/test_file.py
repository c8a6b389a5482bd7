"""Events in files: whole lines, on the disk, rotated without a loss."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from bridge.errors import BridgeError, Retryable
from bridge.outputs import Batch
from bridge.outputs.file import TAIL_BYTES, File
from tests.outputs.running import Host, batch, document, numbers


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.log"


def output(host: Host, path: Path, **options: Any) -> File:
    settings = {"type": "file", "path": path, **options}
    return File(File.Config.model_validate(settings), host.context())


@contextlib.asynccontextmanager
async def opened(host: Host, path: Path, **options: Any) -> AsyncIterator[File]:
    writer = output(host, path, **options)
    await writer.connect()
    try:
        yield writer
    finally:
        await writer.close()


def written(*paths: Path) -> list[int]:
    return [number for path in paths for number in numbers(path.read_bytes().splitlines())]


def message(text: str) -> Batch:
    return Batch(1, "in", 1, orjson.dumps({"version": "1.1", "host": "h", "short_message": text}))


async def test_every_event_is_one_line_of_json(host: Host, path: Path) -> None:
    async with opened(host, path) as writer:
        await writer.send(batch(1, 3))
        await writer.send(batch(4, 4))
    assert written(path) == [1, 2, 3, 4]
    assert path.read_bytes().endswith(b"\n")
    assert path.stat().st_mode & 0o777 == 0o640


async def test_the_message_alone_is_written_on_one_line(host: Host, path: Path) -> None:
    async with opened(host, path, format="message") as writer:
        await writer.send(message('{"name": "threatfile.exe"}'))
        await writer.send(message("two\r\nlines, käse"))
    assert path.read_text() == '{"name": "threatfile.exe"}\ntwo\\r\\nlines, käse\n'


async def test_it_goes_on_at_the_end_of_what_is_there(host: Host, path: Path) -> None:
    path.write_bytes(document(1) + b"\n")
    async with opened(host, path) as writer:
        await writer.send(batch(2, 2))
    assert written(path) == [1, 2]


@pytest.mark.parametrize("rest", [b"{", b"x" * (2 * TAIL_BYTES + 3), b"\0" * TAIL_BYTES])
@pytest.mark.parametrize("whole", [b"", document(1) + b"\n"])
async def test_half_a_line_of_a_crash_is_taken_back(
    host: Host, path: Path, whole: bytes, rest: bytes
) -> None:
    path.write_bytes(whole + rest)
    async with opened(host, path) as writer:
        await writer.send(batch(2, 2))
    assert path.read_bytes() == whole + document(2) + b"\n"


async def test_a_full_file_is_renamed_and_the_oldest_goes(host: Host, path: Path) -> None:
    async with opened(host, path, max_bytes=1000, keep=2) as writer:
        for number in range(1, 9):
            await writer.send(batch(number, number, 500))
    older, oldest = path.with_name("events.log.1"), path.with_name("events.log.2")
    assert written(oldest, older, path) == [6, 7, 8]
    assert sorted(one.name for one in path.parent.iterdir()) == [
        "events.log",
        "events.log.1",
        "events.log.2",
    ]


async def test_a_file_that_was_moved_away_is_followed_by_a_new_one(host: Host, path: Path) -> None:
    async with opened(host, path) as writer:
        await writer.send(batch(1, 1))
        moved = path.rename(path.with_name("events.log-20261122"))
        await writer.send(batch(2, 2))
        path.unlink()
        await writer.send(batch(3, 3))
    assert (written(moved), written(path)) == ([1], [3])


async def test_a_file_that_was_emptied_is_filled_from_its_start(host: Host, path: Path) -> None:
    async with opened(host, path) as writer:
        await writer.send(batch(1, 1))
        os.truncate(path, 0)
        await writer.send(batch(2, 2))
    assert written(path) == [2]


@pytest.fixture
def small_files() -> Iterator[None]:
    """Let writes beyond 100,000 bytes fail, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


async def test_what_does_not_fit_leaves_nothing_behind(
    host: Host, path: Path, small_files: None
) -> None:
    async with opened(host, path) as writer:
        await writer.send(batch(1, 1, 60_000))
        with pytest.raises(Retryable, match=r"events\.log cannot be written: File too large"):
            await writer.send(batch(2, 2, 60_000))
        await writer.send(batch(3, 3))
    assert written(path) == [1, 3]


async def test_a_folder_that_is_missing_is_named(host: Host, tmp_path: Path) -> None:
    writer = output(host, tmp_path / "none" / "events.log")
    with pytest.raises(Retryable, match=r"none/events\.log cannot be written: No such file"):
        await writer.connect()
    with pytest.raises(BridgeError, match="No such file"):
        await writer.check()


async def test_a_pipe_is_no_file(host: Host, path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(Retryable, match="no regular file"):
        await output(host, path).connect()


async def test_check_and_close_leave_nothing_open(host: Host, path: Path) -> None:
    writer = output(host, path)
    await writer.check()
    await writer.close()
    await writer.close()


async def test_workers_write_the_same_file_in_turns(host: Host, path: Path) -> None:
    """Each has a descriptor of its own; none tears, cuts off or loses the lines of the other."""
    async with (
        opened(host, path, max_bytes=20_000, keep=100) as one,
        opened(host, path, max_bytes=20_000, keep=100) as other,
    ):
        for first in range(0, 400, 8):
            sent = [batch(first, first + 3, 600), batch(first + 4, first + 7, 600)]
            await asyncio.gather(one.send(sent[0]), other.send(sent[1]))
    assert sorted(written(*path.parent.iterdir())) == list(range(400))


async def test_what_a_killed_worker_left_half_written_is_taken_back(host: Host, path: Path) -> None:
    async with opened(host, path) as writer:
        await writer.send(batch(1, 1))
        with path.open("ab") as other:
            other.write(b'{"half a line')
        await writer.send(batch(2, 2))
    assert written(path) == [1, 2]
