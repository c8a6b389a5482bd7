"""Rows in segments: written once, found without a database, in files that are used again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.spool.damage import Impossible
from bridge.spool.records import HEAD, Place, Record, scan, size_of
from bridge.spool.segments import (
    BLOCK_BYTES,
    FREE_BYTES,
    FULL_BYTES,
    LONG_BYTES,
    MOST_SPARES,
    NEXT_BYTES,
    SEGMENT_BYTES,
    SPARES,
    Portion,
    Records,
    Segments,
    files,
    write_in_python,
)
from tests.page_cache import is_cached

MIB = 2**20
PAGE = 4096


def record(number: int, size: int = 100) -> Record:
    return Record(number, 1.7e9, 1, "in", None, b"%d." % number * size)


def put(segments: Segments, *records: Record) -> list[Place]:
    """Write and commit some rows."""
    places = [segments.put(one) for one in records]
    segments.write()
    segments.keep()
    return places


def failing(*_: object) -> None:
    raise OSError(5, "Input/output error")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "worker-0.db-rows"


def test_rows_are_read_where_they_were_put(folder: Path) -> None:
    segments = Segments(folder, 0, None)
    rows = [record(number, 10_000) for number in range(1, 2000)]
    places = [place for row in rows for place in put(segments, row)]
    assert len({place.segment for place in places}) > 3
    reading = Records(folder)
    for row, place in zip(rows, places, strict=True):
        found = reading.record(place, size_of("in", None, len(row.data)))
        assert found
        assert (found.id, found.data) == (row.id, row.data)
    assert reading.record(Place(99, 0), 100) is None
    reading.close()
    segments.close()


def test_what_was_not_committed_is_gone(folder: Path) -> None:
    segments = Segments(folder, 0, None)
    (first,) = put(segments, record(1))
    segments.put(record(2, 5000))
    segments.write()
    segments.take_back()
    assert [one.id for _, one in scan((folder / "00000001").read_bytes(), 1) if one] == [1]
    (second,) = put(segments, record(2))
    assert second == Place(1, size_of("in", None, len(record(1).data)))
    assert first == Place(1, 0)
    segments.close()


def test_it_goes_on_behind_the_last_row(folder: Path) -> None:
    """What was written behind it was never accepted, nor what is in later files."""
    segments = Segments(folder, 0, None)
    put(segments, record(1))
    end = Place(1, size_of("in", None, len(record(1).data)))
    put(segments, record(2, 5000))
    segments.close()
    (folder / "00000002").write_bytes(b"later")
    segments = Segments(folder, 1, end)
    assert list(files(folder)) == [1]
    assert put(segments, record(3)) == [end]
    segments.close()
    assert [one.id for _, one in scan((folder / "00000001").read_bytes(), 1) if one] == [1, 3]


@pytest.mark.parametrize("size", [None, 10])
def test_rows_that_are_not_there_are_noticed(folder: Path, size: int | None) -> None:
    folder.mkdir()
    if size is not None:
        (folder / "00000003").write_bytes(bytes(size))
    with pytest.raises(Impossible, match="segment 3"):
        Segments(folder, 3, Place(3, 11))


def test_the_files_are_private_and_take_their_place_on_the_disk_at_once(folder: Path) -> None:
    segments = Segments(folder, 0, None)
    put(segments, record(1))
    (file,) = folder.iterdir()
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
    assert file.stat().st_blocks * 512 >= SEGMENT_BYTES
    assert segments.reusable <= FULL_BYTES
    segments.close()


def fill(segments: Segments, number: int) -> None:
    """Use a segment up."""
    for _ in range(FULL_BYTES // MIB):
        put(segments, record(number, MIB // 2))


def test_files_without_rows_are_used_again(folder: Path) -> None:
    """Some of them are kept, most not for long; a reader does not take old rows for new ones."""
    segments, last = Segments(folder, 0, None), MOST_SPARES + 3
    for number in range(1, last + 1):
        fill(segments, number % 10)
    inodes = {path.stat().st_ino for path in folder.iterdir()}
    segments.release(last)
    assert len(list(folder.iterdir())) == 1 + MOST_SPARES
    while segments.trim():
        pass
    assert len(list(folder.iterdir())) == 1 + SPARES
    assert segments.reusable == SPARES * FULL_BYTES
    reading = Records(folder)
    size = size_of("in", None, len(record(1, MIB // 2).data))
    for _ in range(SPARES):
        fill(segments, 9)
    assert {path.stat().st_ino for path in folder.iterdir()} <= inodes
    assert reading.record(Place(last, 0), size)
    assert reading.record(Place(2, 0), size) is None
    assert list(files(folder)) == list(range(last, last + 1 + SPARES))
    reading.close()
    segments.close()


def test_a_file_whose_rows_are_all_gone_is_written_from_its_beginning(folder: Path) -> None:
    """Not at every event: only when a part of it was used."""
    segments = Segments(folder, 0, None)
    put(segments, record(1))
    segments.release(None)
    assert put(segments, record(2))[0].start > 0
    put(segments, record(3, FREE_BYTES))
    segments.release(None)
    assert segments.reusable == FULL_BYTES
    assert put(segments, record(4)) == [Place(2, 0)]
    assert list(files(folder)) == [2]
    segments.close()


def test_a_disk_that_fails_is_tried_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every call: the next try finds the way to the same place."""
    monkeypatch.setattr("bridge.spool.segments.write_rows", write_in_python)
    segments = Segments(folder, 0, None)
    for name in ("pwrite", "fdatasync", "fsync", "open"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, failing)
            with pytest.raises(OSError, match="Input"):
                put(segments, record(1))
            segments.take_back()
            segments.close()
    (place,) = put(segments, record(1))
    content = files(folder)[place.segment].read_bytes()
    assert [one.id for _, one in scan(content, place.segment) if one] == [1]
    segments.close()


def test_short_writes_are_gone_on_with(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a nearly full disk or a signal makes them."""
    segments = Segments(folder, 0, None)
    real = os.pwrite

    def short(file: int, data: memoryview, start: int) -> int:
        return real(file, data[:7], start)

    monkeypatch.setattr(os, "pwrite", short)
    monkeypatch.setattr("bridge.spool.segments.write_rows", write_in_python)
    put(segments, record(1), record(2))
    content = (folder / "00000001").read_bytes()
    assert [one.id for _, one in scan(content, 1) if one] == [1, 2]
    segments.close()


def test_where_a_row_begins_is_known_whatever_became_of_its_documents(folder: Path) -> None:
    segments = Segments(folder, 0, None)
    _, place = put(segments, record(1), record(2))
    path = folder / "00000001"
    path.write_bytes(path.read_bytes()[: place.start + HEAD.size])
    reading = Records(folder)
    assert reading.begins(2, place)
    assert not reading.begins(1, place)
    for wrong in (
        Place(1, place.start + 1),
        Place(1, place.start + HEAD.size),
        Place(1, 2**62),
        Place(2, place.start),
    ):
        assert not reading.begins(2, wrong)
    path.rename(folder / "00000002")
    assert not reading.begins(2, Place(2, place.start))
    reading.close()
    segments.close()


def test_a_row_that_was_read_is_let_go_of_by_the_page_cache(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as the file system does that, which another file shows."""
    monkeypatch.setattr("bridge.spool.segments.write_rows", write_in_python)
    segments = Segments(folder, 0, None)
    [place] = put(segments, record(1, 64 * PAGE))
    [path] = files(folder).values()
    assert is_cached(path, PAGE)
    control = folder / "control"
    with control.open("wb") as file:
        file.write(bytes(64 * PAGE))
        file.flush()
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    reading = Records(folder)
    row = reading.record(place, size_of("in", None, 2 * 64 * PAGE))
    assert row is not None
    assert row.id == 1
    assert is_cached(path, PAGE) == is_cached(control, PAGE)
    reading.close()
    segments.close()


def ids(folder: Path) -> dict[int, list[int]]:
    """The rows that are found in each segment."""
    return {
        number: [one.id for _, one in scan(path.read_bytes(), number) if one]
        for number, path in files(folder).items()
    }


def cut(segments: Segments, *records: Record) -> Portion:
    """What is to be written for some rows."""
    for one in records:
        segments.put(one)
    portion = segments.cut()
    assert portion
    return portion


def write(*portions: Portion) -> None:
    for one in portions:
        write_in_python(one.file, one.start, one.rows)


def test_portions_are_kept_in_order(folder: Path) -> None:
    """The second one begins where the first one will end, long before that is written."""
    segments = Segments(folder, 0, None)
    first, second = cut(segments, record(1)), cut(segments, record(2), record(3))
    assert second.start == first.end
    write(first, second)
    segments.keep()
    segments.keep()
    assert segments.cut() is None
    segments.close()
    assert ids(folder) == {1: [1, 2, 3]}


def test_portions_that_are_not_kept_are_never_found(folder: Path) -> None:
    segments = Segments(folder, 0, None)
    portions = [cut(segments, record(number)) for number in (1, 2, 3)]
    write(*portions)
    segments.keep()
    segments.take_back()
    assert ids(folder) == {1: [1]}
    assert cut(segments, record(2)).start == portions[0].end
    segments.close()


def test_the_next_file_is_ready_before_it_is_needed(folder: Path) -> None:
    """Then going over to it takes no work on files, while the one before is still written."""
    segments = Segments(folder, 0, None)
    assert not segments.is_ready
    put(segments, record(1))
    assert not segments.needs_next(lambda: True)
    half = cut(segments, record(2, NEXT_BYTES // 2))
    assert segments.needs_next(lambda: True)
    assert not segments.needs_next(lambda: False), "the disk has no room, and there is no spare"
    segments.make_next()
    assert list(files(folder)) == [1, 2]
    assert not segments.needs_next(lambda: True)
    rest = cut(segments, record(3, NEXT_BYTES // 2))
    assert segments.is_ready
    other = cut(segments, record(4))
    assert (other.segment, other.start, segments.is_ready) == (2, 0, True)
    write(half, rest, other)
    for _ in range(3):
        segments.keep()
    segments.close()
    assert ids(folder) == {1: [1, 2, 3], 2: [4]}


def test_what_is_taken_back_may_be_in_two_files(folder: Path) -> None:
    """The rows come again, in the file that is in use by then."""
    segments = Segments(folder, 0, None)
    put(segments, record(1))
    first = cut(segments, record(2, FULL_BYTES // 2))
    segments.make_next()
    second = cut(segments, record(3))
    assert (first.segment, second.segment) == (1, 2)
    write(first, second)
    segments.take_back()
    assert ids(folder) == {1: [1], 2: []}
    assert put(segments, record(2)) == [Place(2, 0)]
    segments.close()
    assert ids(folder) == {1: [1], 2: [2]}


def test_a_next_file_that_cannot_be_made_is_made_when_it_is_needed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segments = Segments(folder, 0, None)
    put(segments, record(1, FULL_BYTES // 2))
    with monkeypatch.context() as patch:
        patch.setattr("bridge.spool.segments.sync", failing)
        with pytest.raises(OSError, match="Input"):
            segments.make_next()
    assert not segments.is_ready
    assert put(segments, record(2)) == [Place(2, 0)]
    segments.close()


@pytest.mark.parametrize("less", [0, 1, 4, BLOCK_BYTES - 1])
def test_what_follows_a_long_portion_begins_with_a_block(folder: Path, less: int) -> None:
    """It is found behind the gap, and so is what comes after a restart in the gap."""
    segments = Segments(folder, 0, None)
    empty = size_of("in", None, 0)
    long = Record(1, 1.7e9, 1, "in", None, b"x" * (LONG_BYTES + BLOCK_BYTES - empty - less))
    first, second = put(segments, long, record(2))[0], put(segments, record(3))[0]
    assert (first.start, second.start % BLOCK_BYTES) == (0, 0)
    end = second.start + size_of("in", None, len(record(3).data))
    assert put(segments, record(4))[0].start == end, "short ones follow each other"
    assert ids(folder) == {1: [1, 2, 3, 4]}
    segments.close()
    end = size_of("in", None, len(long.data)) + size_of("in", None, len(record(2).data))
    segments = Segments(folder, 1, Place(1, end))
    put(segments, record(5))
    segments.close()
    assert ids(folder) == {1: [1, 2, 5]}
