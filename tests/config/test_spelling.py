"""The nearest spelling is what people meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.spelling import choice, nearest, shown, unknown


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("adress", "address"),
        ("Address", "address"),
        ("allow-from", "allow_from"),
        ("idle", "idle_seconds"),
        ("ALLOWFROM", "allow_from"),
        ("xyzzy", None),
        ("", None),
        ("a", None),
    ],
)
def test_the_nearest_word_is_found(word: str, meant: str | None) -> None:
    assert nearest(word, ["address", "allow_from", "idle_seconds"]) == meant


def test_the_known_words_are_listed() -> None:
    assert (
        unknown("type", "cfe", ["cef", "x y"])
        == 'no such type, did you mean cef? Known: cef, "x y"'
    )
    assert unknown("type", "zzz", ["cef"]) == "no such type; known: cef"


def test_a_choice_reads_as_a_sentence() -> None:
    assert choice(["a"]) == "a"
    assert choice(["a", "b"]) == "a or b"
    assert choice(["a", "b", "c"]) == "a, b or c"


@given(st.text())
def test_a_shown_word_never_breaks_the_line(word: str) -> None:
    assert shown(word).isprintable()
    assert shown(word).encode()
