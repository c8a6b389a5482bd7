"""The newest rows in memory."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.spool import recent
from bridge.spool.model import Batch
from bridge.spool.recent import Recent
from bridge.spool.rows import Row

KIB = 1024


def row(position: int, size: int = 10, target: str | None = None) -> Row:
    return Row(Batch(position, "in", 1, b"x" * size), target)


def ids(batches: list[Batch]) -> list[int]:
    return [batch.id for batch in batches]


def test_it_reads_as_the_file_does() -> None:
    """One row at least, then up to a size, and only what is meant for the output."""
    rows = Recent(4)
    rows.add([row(5), row(6, target="other"), row(7), row(9)], floor=0)
    assert ids(rows.read("out", 4, 0)) == [5]
    assert ids(rows.read("out", 4, 20)) == [5, 7]
    assert ids(rows.read("other", 5, 100)) == [6, 7, 9]
    assert rows.read("out", 9, 100) == []


def test_deleted_rows_are_let_go() -> None:
    """They cost memory, and nobody will ask for them."""
    rows = Recent(0)
    rows.add([row(1), row(2), row(3)], floor=0)
    rows.add([], floor=2)
    assert rows.start == 2
    assert ids(rows.read("out", 2, 100)) == [3]


def test_what_everybody_has_read_is_let_go() -> None:
    """Whoever wants it once more, because it did not arrive, finds it on the disk."""
    rows = Recent(0)
    rows.add([row(1), row(2), row(3)], floor=0)
    rows.read("slow", 0, 0)
    rows.read("out", 0, 100)
    rows.add([row(4)], floor=0)
    assert rows.start == 1
    assert ids(rows.read("slow", 1, 100)) == [2, 3, 4]
    rows.add([row(5)], floor=0)
    assert rows.start == 3


def test_it_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go; what is left is without a gap."""
    monkeypatch.setattr(recent, "KEPT_BYTES", 100)
    rows = Recent(0)
    rows.add([row(n, size=40) for n in range(1, 6)], floor=0)
    assert rows.start == 3
    assert ids(rows.read("out", 3, 1000)) == [4, 5]
    rows.add([row(6, size=500)], floor=0)
    assert rows.start == 6
    rows.add([row(7)], floor=0)
    assert ids(rows.read("out", 6, 1000)) == [7]


def test_it_is_bounded_in_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small ones are not cheap either."""
    monkeypatch.setattr(recent, "KEPT_ROWS", 3)
    rows = Recent(0)
    rows.add([row(n) for n in range(1, 11)], floor=0)
    assert rows.start == 7


def test_it_knows_what_is_not_read() -> None:
    """By an output that reads from memory, and only what is meant for it."""
    rows = Recent(0)
    rows.add([row(1, 60), row(2, 30), row(3, 10, target="other")], floor=0)
    assert rows.unread() == 0
    rows.read("out", 0, 60)
    assert rows.unread() == 30
    rows.read("other", 0, 0)
    assert rows.unread() == 40
    rows.forget(["other"])
    assert rows.unread() == 30


def test_who_reads_from_the_disk_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it reads from memory again."""
    monkeypatch.setattr(recent, "KEPT_BYTES", 100)
    rows = Recent(0)
    rows.add([row(1, 60)], floor=0)
    rows.read("out", 0, 0)
    rows.add([row(2, 90)], floor=0)
    assert rows.unread() == 90
    rows.add([row(3, 80)], floor=0)
    assert rows.unread() == 0
    rows.add([row(4, 10)], floor=0)
    rows.read("out", 2, 0)
    assert rows.unread() == 10


OUTPUTS = st.sampled_from(["one", "two"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 50), st.none() | OUTPUTS),
        st.tuples(st.just("read"), OUTPUTS, st.integers(0, 100)),
        st.tuples(st.just("again"), OUTPUTS, st.just(0)),
        st.tuples(st.just("floor"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("forget"), OUTPUTS, st.just(0)),
    )
)


@given(STEPS)
def test_what_is_not_read_is_what_could_still_be_read(steps: list[tuple[str, Any, Any]]) -> None:
    """Whatever comes, is read, read again or deleted."""
    rows, newest = Recent(0), 0
    at: dict[str, int] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recent, "KEPT_BYTES", 150)
        for what, first, second in steps:
            if what == "add":
                newest += 1
                rows.add([row(newest, first, second)], floor=0)
            elif what == "floor":
                rows.add([], floor=rows.start + first)
            elif what == "forget":
                rows.forget([first])
                at.pop(first, None)
            else:
                after = max(at.get(first, 0) if what == "read" else 0, rows.start)
                found = rows.read(first, after, second)
                at[first] = found[-1].id if found else after
            at = {name: position for name, position in at.items() if position >= rows.start}
            left = {
                name: sum(
                    len(one.batch.data)
                    for one in rows.rows()
                    if one.batch.id > position and one.target in (None, name)
                )
                for name, position in at.items()
            }
            assert rows.unread() == max(left.values(), default=0)
