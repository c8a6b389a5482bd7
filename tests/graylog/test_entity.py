"""Bodies with references to ids that are not known yet."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.graylog.entity import as_text, picked, reference, resolved, safe, trimmed, unresolved

STREAM = reference("stream")
IDS = {STREAM: "6b021c0a724e46202fb6aed7", reference("cache", "intel"): "6b021c66724e46202fb6af6f"}
TEXTS = st.sampled_from([*IDS, "plain", f'route_to_stream(id: "{STREAM}");', ""])
BODIES = st.recursive(
    TEXTS | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(BODIES)
def test_references_and_ids_stand_for_each_other(body: Any) -> None:
    ready = resolved(body, IDS)
    assert "@(" not in str(ready)
    assert unresolved(ready, IDS) == body


def test_what_is_not_known_yet_stays_a_reference() -> None:
    assert resolved({"stream_id": STREAM}, {}) == {"stream_id": STREAM}


def test_what_holds_nothing_is_trimmed_away() -> None:
    body = {"a": None, "b": [], "c": {"d": ""}, "e": [{"f": None, "g": 0}], "h": False}
    assert trimmed(body) == {"e": [{"g": 0}], "h": False}
    assert picked(body, "a", "h", "missing") == {"h": False}


def test_texts_are_shown_as_they_are_and_the_rest_as_yaml() -> None:
    assert as_text("running") == "running\n"
    assert as_text({"b": 1, "a": ["ä"]}) == "a:\n- ä\nb: 1\n"


def test_names_of_files_have_no_odd_characters() -> None:
    assert safe("Cylance, last 24 hours/..") == "Cylance__last_24_hours_.."
