"""How keys are remembered, and how documents are counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.spool.model import joined
from bridge.spool.rows import key

PLAIN = st.binary(min_size=1, max_size=9).map(lambda octets: octets.replace(b"\0", b"x"))


def test_keys_are_short_and_take_any_text() -> None:
    """However long and odd an `event_uid` is."""
    assert len(key("x" * 10_000)) == 16
    assert len({key(text) for text in ("", "a", "\ud800", "é", "\N{COMBINING ACUTE ACCENT}e")}) == 5


@given(st.lists(PLAIN, min_size=1))
def test_joined_documents_are_counted(documents: list[bytes]) -> None:
    assert joined(b"\0".join(documents)) == len(documents)
