"""Records as vendors write them: their habits, their slips, and what is read from them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.cef import parse
from bridge.syslog import parse_envelope

DATA = Path(__file__).parent / "data" / "cef" / "vendors"
NOW = datetime(2024, 4, 5, 20, tzinfo=UTC)
ENVELOPE = ("priority", "timestamp", "host", "app_name", "proc_id", "msg_id", "structured_data")

Case = dict[str, Any]
CASES: list[tuple[str, Case]] = [
    (path.stem, case)
    for path in sorted(DATA.glob("*.yaml"))
    for case in yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
]


@pytest.mark.parametrize(
    "case", [case for _, case in CASES], ids=[f"{name}: {case['what']}" for name, case in CASES]
)
def test_a_vendors_record_is_read_completely(case: Case) -> None:
    record = parse(case["frame"])
    assert list(record.header.values()) == case["header"]
    assert list(record.extensions.items()) == list(case["extensions"].items())
    assert record.duplicates == [tuple(pair) for pair in case.get("duplicates", [])]
    assert (record.prefix, record.leftover) == (case.get("prefix", ""), case.get("leftover", ""))
    assert sorted(record.flags) == case.get("flags", [])
    found = {name: getattr(record.envelope, name) for name in ENVELOPE}
    read = {name: value for name, value in found.items() if value is not None}
    assert read == case.get("envelope", {})


@pytest.mark.parametrize(
    "case", [case for _, case in CASES], ids=[f"{name}: {case['what']}" for name, case in CASES]
)
def test_a_vendors_record_means_what_it_says(case: Case) -> None:
    record = parse(case["frame"])
    assert record.labels() == case.get("labels", {})
    typed = {key: value for key, value in record.typed().items() if not isinstance(value, str)}
    assert typed == case.get("numbers", {})
    assert record.severity_band() == case["band"]
    moment, _, source = (case["time"] or "").partition(" ")
    event = record.event_reading(NOW)
    assert event.time == (datetime.fromisoformat(moment) if moment else None)
    assert event.source == source


def test_the_envelope_is_what_the_syslog_reader_says() -> None:
    """The parser has a shorter way to it, which must end at the same place."""
    for _, case in CASES:
        assert parse(case["frame"]).envelope == parse_envelope(case["frame"])


def test_there_are_many_vendors() -> None:
    assert len(CASES) >= 150
    assert len({case["header"][1].lower() for _, case in CASES}) >= 25


def test_a_source_that_never_escapes_can_be_read_as_it_means_it() -> None:
    """The path of a file share, which the standard's escapes would break in two places."""
    [frame] = [
        case["frame"] for name, case in CASES if name == "varonis" and "escapes" in case["what"]
    ]
    path = parse(frame, escapes=False).extensions["filePath"]
    assert path == r"\\FILES01\share$\new\report.docx"
