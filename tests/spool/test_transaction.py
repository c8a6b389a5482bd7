"""How documents are put into rows, and how keys are remembered."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bridge.spool.transaction import key, pack


@given(st.lists(st.binary(max_size=40)), st.integers(min_value=1, max_value=60))
def test_packing_loses_nothing_and_stays_in_the_limit(documents: list[bytes], limit: int) -> None:
    """Only a document that is larger by itself exceeds it, and then it is alone."""
    runs = list(pack(documents, limit))
    assert [document for run in runs for document in run] == documents
    for run in runs:
        assert len(run) == 1 or len(b"\0".join(run)) <= limit
    for run, following in pairwise(runs):
        assert len(b"\0".join([*run, following[0]])) > limit


def test_keys_are_short_and_take_any_text() -> None:
    """However long and odd an `event_uid` is."""
    assert len(key("x" * 10_000)) == 16
    assert len({key(text) for text in ("", "a", "\ud800", "é", "\N{COMBINING ACUTE ACCENT}e")}) == 5
