"""The compiled writing of rows writes what Python's writes."""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.native import core
from bridge.spool.segments import CHECKED, signed, write_in_python

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
