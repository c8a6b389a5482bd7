"""Numbers, sizes, durations and texts as they are printed."""

from __future__ import annotations

import json

import pytest

from bridge.cli.words import duration, printable, printable_json, size, times


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (0, "0 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (90_061, "1 d 1 h"),
        (86_400 * 400, "400 d"),
    ],
)
def test_a_duration_has_the_two_largest_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("octets", "text"),
    [(0, "0 B"), (1023, "1,023 B"), (1024, "1.0 KiB"), (1.5 * 1024**3, "1.5 GiB")],
)
def test_a_size_has_one_unit(octets: float, text: str) -> None:
    assert size(octets) == text


def test_once_is_a_word() -> None:
    assert [times(1), times(2), times(12_000)] == ["once", "2 times", "12,000 times"]


def test_what_a_terminal_would_obey_or_hide_is_escaped() -> None:
    assert printable("a\x1b[2J\n\x9b\u202eb ü€") == r"a\x1b[2J\n\x9b\u202eb ü€"
    text = json.dumps({"a": "\x9b\u202eü\x7f"}, ensure_ascii=False)
    assert printable_json(text).isprintable()
    assert json.loads(printable_json(text)) == json.loads(text)
