"""A trimmed document is still a GELF document, says what is missing, and fits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import gelf
from bridge.gelf import Change, What
from tests.gelf import events as an


def document(**fields: Any) -> bytes:
    return gelf.encode({"event_type": "t", "host": "pc-1", "message": "Threat found"} | fields)


def test_a_document_that_fits_is_left_alone() -> None:
    data = document(x="y" * 2_000)
    assert gelf.trim(data, len(data)) is data


def test_the_longest_texts_are_cut_to_one_length_and_named() -> None:
    data = document(a="a" * 5_000, b="b" * 3_000, c="c" * 100, n=7)
    changes: list[Change] = []
    trimmed = gelf.trim(data, 3_000, changes)
    fields = gelf.decode(trimmed).fields
    assert 2_900 < len(trimmed) + 400 <= 3_400
    assert len(str(fields["a"])) == len(str(fields["b"])) > 1_000
    assert (fields["c"], fields["n"], fields["message"]) == ("c" * 100, 7, "Threat found")
    assert fields["bridge_trimmed"] == "a:5000 b:3000"
    assert changes == [Change(What.CUT, "a"), Change(What.CUT, "b")]


def test_a_text_is_cut_between_characters_and_escapes() -> None:
    for text in ("é" * 5_000, "\\" * 5_000, '"\n' * 2_500, "a" + "😀" * 2_000):
        fields = gelf.decode(gelf.trim(document(x=text), 1_500)).fields
        assert text.startswith(str(fields["x"]))
        assert len(str(fields["x"])) > 100


def test_fields_go_when_shortening_is_not_enough() -> None:
    """The last first; never the required ones, and those that identify the event at the end."""
    data = document(event_uid="u-1", timestamp=1.5, level=3, **{f"n_{i}": i for i in range(1_000)})
    changes: list[Change] = []
    fields = gelf.decode(gelf.trim(data, 2_000, changes)).fields
    assert fields["n_0"] == 0
    assert "n_999" not in fields
    assert fields["bridge_trimmed"].startswith("n_999:3 n_998:3 ")
    assert fields["bridge_trimmed"].endswith(" and more")
    assert {"source", "message", "event_type", "event_uid", "timestamp", "level"} <= fields.keys()
    assert {change.what for change in changes} == {What.DROPPED}


def test_trimming_again_keeps_the_first_lengths() -> None:
    once = gelf.trim(document(x="x" * 10_000), 5_000)
    twice = gelf.trim(once, 2_000)
    assert gelf.decode(twice).fields["bridge_trimmed"] == "x:10000"


def test_decimals_keep_their_point() -> None:
    assert b'"_n":1.0e+16' in gelf.trim(document(n=1e16, x="x" * 5_000), 2_000)


def test_a_limit_that_no_document_can_keep_is_refused() -> None:
    with pytest.raises(ValueError, match="1024"):
        gelf.trim(document(), gelf.MIN_BYTES - 1)


@given(an.events(), st.integers(gelf.MIN_BYTES, 5_000))
def test_every_document_can_be_trimmed(event: dict[str, Any], limit: int) -> None:
    data = gelf.encode(event)
    trimmed = gelf.trim(data, limit)
    assert len(trimmed) <= limit
    assert b"\0" not in trimmed
    decoded = gelf.decode(trimmed)
    assert (decoded.rejection, decoded.dropped) == (None, ())
    before, after = json.loads(data), json.loads(trimmed)
    assert {"host", "short_message"} <= after.keys()
    assert after.get("timestamp") == before.get("timestamp")
    if trimmed != data:
        gone = {key for key in before if after.get(key) != before[key]} - {gelf.TRIMMED}
        mark = decoded.fields["bridge_trimmed"]
        assert gone
        assert str(mark).endswith(" and more") or len(str(mark).split()) >= len(gone)
