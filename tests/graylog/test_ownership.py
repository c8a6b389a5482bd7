"""Whose an entity is shows by a mark in its description, and by its content."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.graylog.ownership import Mark, Owner, digest, mark_in, marked, owner

OLD, NEW = {"source": "old"}, {"source": "new"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def described(content: Any, number: int = 1) -> str:
    return marked("For people.", Mark(number, digest(content)))


@pytest.mark.parametrize(
    ("description", "content", "expected"),
    [
        (described(NEW), NEW, Owner.SAME),
        ("Somebody's", NEW, Owner.SAME),
        (None, NEW, Owner.SAME),
        (described(OLD), OLD, Owner.OURS),
        (described(OLD), {"source": "edited"}, Owner.EDITED),
        (described(OLD, 3), OLD, Owner.NEWER),
        ("Somebody's", OLD, Owner.FOREIGN),
        ("", OLD, Owner.FOREIGN),
        (None, OLD, Owner.FOREIGN),
    ],
)
def test_mark_and_content_tell_the_owner(
    description: str | None, content: Any, expected: Owner
) -> None:
    assert owner(description, content, NEW, 2) is expected


def test_a_description_keeps_its_words_beside_the_mark() -> None:
    assert marked("For people.", Mark(1, "0" * 16)) == (
        "For people. (gelf-bridge rules 1 sha256:0000000000000000)"
    )
    assert mark_in("Ours now. gelf-bridge rules 7 sha256:00000000000000ab!") == Mark(
        7, "00000000000000ab"
    )
    assert mark_in("gelf-bridge rules x sha256:short") is None


def test_ids_of_others_do_not_matter_to_a_digest() -> None:
    """So it is the same before and after they are known, and on every server."""
    contents = ["@(stream)", "6b021c0a724e46202fb6aed7", "6b021f4b68cc49e735fc5ff2"]
    assert len({digest({"streams": [each], "query": "*"}) for each in contents}) == 1
    sha256 = "bf17366ee3bb8068a9ad70fc9e68496e7e311a055bf4ffeeff53cc5d29ccce52"
    assert digest({"hash": sha256}) != digest({"hash": sha256[::-1]})


@given(st.dictionaries(st.text(), JSON))
def test_the_order_of_keys_does_not_matter_to_a_digest(content: dict[str, Any]) -> None:
    turned = dict(reversed(list(content.items())))
    assert digest(content) == digest(turned)
