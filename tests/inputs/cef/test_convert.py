"""From the text of a value to the kind of its field."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.inputs.cef import convert


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_every_64_bit_integer_is_exact(number: int) -> None:
    assert convert.long(str(number)) == number


@pytest.mark.parametrize("text", ["", "x", "1.0", "1_000", "0x10", "1e3", "٣", str(1 << 63)])
def test_anything_else_is_no_long(text: str) -> None:
    assert convert.long(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_is_a_double(number: float) -> None:
    assert convert.double(repr(number)) == number


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "-Infinity", "1e999", "1_0.5", "0x1p3"])
def test_anything_else_is_no_double(text: str) -> None:
    assert convert.double(text) is None


def test_booleans_are_texts() -> None:
    assert [convert.boolean(text) for text in ("True", "1", "no", "0.0")] == [
        "true",
        "true",
        "false",
        "false",
    ]
    assert convert.boolean("None") is None


def test_a_time_has_six_decimals() -> None:
    assert convert.iso(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1629500007043", True),
        ("2021-08-20T22:53:27Z", True),
        ("1629500007", False),
        ("2021-08-20 22:53:27", False),
    ],
)
def test_which_texts_of_times_need_not_be_kept(text: str, plain: bool) -> None:
    assert convert.is_plain_time(text) is plain
