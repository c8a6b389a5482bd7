"""How documents are put into rows."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.native import core
from bridge.spool.model import joined, joined_in_python
from bridge.spool.packing import SMALL, Part, pack

PLAIN = st.binary(min_size=1, max_size=9).map(lambda octets: octets.replace(b"\0", b"x"))
FULL = st.binary(min_size=1, max_size=40).map(lambda octets: octets.replace(b"\0", b"x"))


def parts_of(datas: list[bytes]) -> list[Part]:
    return [Part(joined(data), data) for data in datas]


@given(
    st.lists(st.lists(FULL, min_size=1).map(b"\0".join)),
    st.integers(min_value=1, max_value=400),
)
def test_packing_loses_nothing_and_stays_in_the_limit(datas: list[bytes], limit: int) -> None:
    """Only a document that is larger by itself exceeds it, and then it is alone."""
    rows = list(pack(parts_of(datas), limit))
    assert b"\0".join(row.data for row in rows) == b"\0".join(datas)
    assert bool(rows) == bool(datas)
    for row in rows:
        assert row.count == joined(row.data)
        assert row.count == 1 or len(row.data) <= limit


@given(st.lists(PLAIN, max_size=200), st.integers(min_value=9 * SMALL, max_value=400))
def test_small_parts_fill_the_rows(datas: list[bytes], limit: int) -> None:
    """Small commits together must not become small rows."""
    for row, following in pairwise(pack(parts_of(datas), limit)):
        assert len(row.data) + 1 + len(following.data.split(b"\0")[0]) > limit


def test_a_large_part_is_not_copied() -> None:
    """It is most of what there is at full speed."""
    data = b"x" * 400_000
    (small, row) = pack([Part(1, b"a"), Part(1, data)])
    assert small.data == b"a"
    assert row.data is data


@pytest.mark.skipif(core is None, reason="the compiled parts are not installed")
@given(st.text("\0a", max_size=8).map(str.encode))
def test_both_count_alike(data: bytes) -> None:
    """And none of them takes an empty document, which an output could not send."""
    documents = data.split(b"\0")
    assert abs(core.joined(data)) == len(documents)
    assert core.joined(data) == joined_in_python(data)
    if b"" in documents:
        with pytest.raises(ValueError, match="a document is empty"):
            joined(data)
    else:
        assert joined(data) == len(documents)
