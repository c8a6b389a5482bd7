"""Events of every kind, for property tests: likely ones, hostile ones, impossible ones."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAMES = [
    *("event_type", "event_uid", "host", "message", "full_message", "timestamp", "level"),
    *(
        "id",
        "_id",
        "__id",
        "source",
        "_source",
        "version",
        "streams",
        "gl2_remote_ip",
        "short_message",
    ),
    *("", "_", "a b", "a_b", "a.b", "a/b", "A_B", "é", "e", "日本", "a" * 300, "a" * 299 + "b"),
    *(
        "cef_name",
        "cylance_score",
        "cylance_score_text",
        "bridge_trimmed",
        "file",
        "line",
        "facility",
    ),
]
names = st.sampled_from(NAMES) | st.text(max_size=12)

surrogates = st.characters(categories=["Cs"])
texts = (
    st.text(max_size=40)
    | st.text(alphabet=st.characters(codec="ascii") | surrogates, max_size=20)
    | st.sampled_from(
        ["", " ", "\t\n", "\x00", "\u00a0", "\u2003", "C:\\bin\\users", '"\\b"', "€" * 11_000]
    )
)
numbers = (
    st.integers()
    | st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 10**400])
    | st.floats()
    | st.sampled_from([1e16, 1e22, 1e-7, 5e-324, 3.5e38, -0.0, 1629500007.043])
)
values = st.none() | st.booleans() | numbers | texts
anything = (
    values
    | st.binary(max_size=8)
    | st.datetimes()
    | st.lists(values, max_size=3)
    | st.sets(st.integers(), max_size=3)
    | st.dictionaries(names, values, max_size=3)
    | st.decimals()
    | st.uuids()
)


def events(of: st.SearchStrategy[Any] = values) -> st.SearchStrategy[dict[str, Any]]:
    """Events whose values come from `of`."""
    return st.dictionaries(names, of, max_size=12)
