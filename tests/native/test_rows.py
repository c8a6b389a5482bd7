"""The compiled writing of rows writes what Python's writes."""

from __future__ import annotations

import fcntl
import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import mmap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.native import core
from bridge.spool.records import CHECKED, signed
from bridge.spool.segments import write_in_python
from tests.page_cache import is_cached

pytestmark = pytest.mark.skipif(core is None, reason="the compiled parts are not installed")

ROWS = st.lists(st.tuples(st.binary(min_size=CHECKED, max_size=80), st.binary(max_size=300)))
MANY = [(bytes(CHECKED) + b"%d" % number, b"." * number) for number in range(3000)]


@contextmanager
def opened() -> Iterator[int]:
    with tempfile.TemporaryFile() as file:
        yield file.fileno()


def content(file: int) -> bytes:
    return os.pread(file, os.fstat(file).st_size, 0)


@given(ROWS, st.integers(0, 100))
def test_the_octets_are_the_same(rows: list[tuple[bytes, bytes]], start: int) -> None:
    with opened() as one, opened() as other:
        core.write_rows(one, start, rows)
        write_in_python(other, start, rows)
        assert content(one) == content(other)


@pytest.mark.parametrize("start", [0, 2**33])
def test_more_rows_than_one_call_takes_are_written(start: int) -> None:
    with opened() as file:
        core.write_rows(file, start, MANY)
        size = os.fstat(file).st_size - start
        assert os.pread(file, size, start) == b"".join(signed(*row) + row[1] for row in MANY)


@given(
    st.lists(st.integers(0, 700_000), min_size=1, max_size=6),
    st.integers(0, 1 << 21),
)
@settings(max_examples=40)
def test_long_rows_are_written_whatever_blocks_they_end_in(sizes: list[int], start: int) -> None:
    """The blocks in the middle go past the page cache, and what is around them stays."""
    rows = [(bytes(CHECKED), bytes([index + 1]) * size) for index, size in enumerate(sizes)]
    around = b"a" * start
    with opened() as file:
        os.pwrite(file, around + b"b" * (sum(sizes) + 100 * len(sizes)), 0)
        core.write_rows(file, start, rows)
        written = b"".join(signed(*row) + row[1] for row in rows)
        assert content(file).startswith(around + written + b"b")


def test_long_rows_are_in_the_page_cache_as_little_as_the_file_system_allows(
    tmp_path: Path,
) -> None:
    past, long, short = (tmp_path / name for name in ("past", "long", "short"))
    size = 1 << 20
    file = os.open(past, os.O_RDWR | os.O_CREAT | os.O_DIRECT)
    os.pwrite(file, mmap(-1, size), 0)
    os.close(file)
    for path, length in ((long, size), (short, size // 16)):
        with path.open("wb") as opened_file:
            core.write_rows(opened_file.fileno(), 0, [(bytes(CHECKED), bytes(length))])
    assert is_cached(long, size // 2) == is_cached(past, size // 2)
    assert is_cached(short, 0)


@pytest.mark.parametrize("folder", [None, "/dev/shm"])
def test_the_file_is_left_as_it_was(folder: str | None) -> None:
    """A file system in memory has no page cache to go past, but takes the rows."""
    row = (bytes(CHECKED), b"." * (1 << 20))
    with tempfile.TemporaryFile(dir=folder) as opened_file:
        file = opened_file.fileno()
        before = fcntl.fcntl(file, fcntl.F_GETFL)
        core.write_rows(file, 1, [row])
        assert fcntl.fcntl(file, fcntl.F_GETFL) == before
        assert content(file) == b"\0" + signed(*row) + row[1]


def test_what_was_given_is_not_changed() -> None:
    head = bytes(CHECKED) + b"head"
    with opened() as file:
        core.write_rows(file, 0, [(head, b"data")])
    assert head == bytes(CHECKED) + b"head"


def test_a_full_disk_is_an_error() -> None:
    file = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(OSError, match="No space left on device"):
        core.write_rows(file, 0, MANY)
    os.close(file)


def test_a_write_that_ends_early_is_gone_on_with() -> None:
    """The limit for the size of a file lets the first part through, and refuses the rest."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened() as file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_001, before[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                core.write_rows(file, 0, MANY)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        whole = b"".join(signed(*row) + row[1] for row in MANY)
        assert content(file) == whole[:1_000_001]


@pytest.mark.parametrize(
    "rows",
    [None, (), [b"head"], [("head", b"")], [(bytes(CHECKED), "data")], [(bytes(7), b"")], [()]],
)
def test_what_is_no_row_is_refused(rows: Any) -> None:
    with opened() as file, pytest.raises(TypeError):
        core.write_rows(file, 0, rows)


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    file = os.open(tmp_path / "file", os.O_RDONLY)
    with pytest.raises(OSError, match="Bad file descriptor"):
        core.write_rows(file, 0, [(bytes(CHECKED), b"data")])
    os.close(file)
