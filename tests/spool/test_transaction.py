"""How documents are put into rows, and how keys are remembered."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bridge.spool.model import joined
from bridge.spool.transaction import key, pack

PLAIN = st.binary(max_size=9).map(lambda octets: octets.replace(b"\0", b"x"))


@given(
    st.lists(st.lists(st.binary(max_size=40), min_size=1).map(b"\0".join)),
    st.integers(min_value=1, max_value=60),
)
def test_packing_loses_nothing_and_stays_in_the_limit(parts: list[bytes], limit: int) -> None:
    """Only a document that is larger by itself exceeds it, and then it is alone."""
    rows = list(pack(parts, limit))
    assert b"\0".join(rows) == b"\0".join(parts)
    assert bool(rows) == bool(parts)
    for row in rows:
        assert b"\0" not in row or len(row) <= limit


@given(st.lists(PLAIN, max_size=20), st.integers(min_value=40, max_value=60))
def test_small_parts_fill_the_rows(parts: list[bytes], limit: int) -> None:
    """Small commits together must not become small rows."""
    for row, following in pairwise(pack(parts, limit)):
        assert len(row) + 1 + len(following.split(b"\0")[0]) > limit


def test_keys_are_short_and_take_any_text() -> None:
    """However long and odd an `event_uid` is."""
    assert len(key("x" * 10_000)) == 16
    assert len({key(text) for text in ("", "a", "\ud800", "é", "\N{COMBINING ACUTE ACCENT}e")}) == 5


@given(st.lists(PLAIN, min_size=1))
def test_joined_documents_are_counted(documents: list[bytes]) -> None:
    """Empty ones at the ends, too."""
    assert joined(b"\0".join(documents)) == len(documents)
