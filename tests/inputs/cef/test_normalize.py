"""From records to events: names, types, labels, times, the human line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.cef import parse
from bridge.inputs.cef.normalize import normalize

DATA = Path(__file__).parents[2] / "data" / "cybereason"
NOW = 1_700_000_000.0


@pytest.mark.parametrize("path", sorted(DATA.glob("*.in")), ids=lambda path: path.stem)
def test_a_sample_becomes_exactly_this_event(path: Path) -> None:
    """Every value of the published samples is there, under its name, with its type."""
    frame = path.read_text().rstrip("\n")
    expected = json.loads(path.with_suffix(".json").read_text())
    event = normalize(parse(frame), frame, now=NOW, sender="192.0.2.7")
    assert {name: (type(value), value) for name, value in event.items()} == {
        name: (type(value), value) for name, value in expected.items()
    }
