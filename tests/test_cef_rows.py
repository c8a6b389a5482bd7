"""Golden cases of the decision table: every row of how CEF is read, with its reason."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge import cef, times
from bridge.cef import CefRecord, parse

DATA = Path(__file__).parent / "data" / "cef"
NOW = "2024-04-05T20:00:00Z"
FILES = ("envelope", "header", "extension", "labels", "times", "types")

Case = dict[str, Any]


def load(path: Path) -> list[Case]:
    return list(yaml.load(path.read_text("utf-8"), yaml.CSafeLoader))


CASES = [(name, case) for name in FILES for case in load(DATA / f"{name}.yaml")]


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def read(case: Case) -> CefRecord:
    frame = case["octets"].encode("latin-1") if "octets" in case else case["frame"]
    record = parse(frame, **case.get("options", {}))
    assert record.frame is frame
    return record


def check_parts(record: CefRecord, case: Case) -> None:
    """Header and envelope by the parts that are named, all else exactly."""
    assert {key: record.header[key] for key in case.get("header", {})} == case.get("header", {})
    envelope = case.get("envelope", {})
    assert {key: getattr(record.envelope, key) for key in envelope} == envelope
    if not {"labelled", "typed", "times", "event_time"} & case.keys() or "extensions" in case:
        assert list(record.extensions.items()) == list(case.get("extensions", {}).items())
    assert record.duplicates == [tuple(pair) for pair in case.get("duplicates", [])]
    assert (record.prefix, record.leftover) == (case.get("prefix", ""), case.get("leftover", ""))
    assert sorted(record.flags) == sorted(case.get("flags", []))


def check_readings(record: CefRecord, case: Case) -> None:
    now, zone = moment(case.get("now", NOW)), case.get("timezone")
    if "labelled" in case:
        assert list(record.labelled().items()) == list(case["labelled"].items())
    if "labels" in case:
        assert record.labels() == case["labels"]
    if "typed" in case:
        typed = record.typed()
        assert typed == case["typed"]
        assert [type(value) for value in typed.values()] == [
            type(v) for v in case["typed"].values()
        ]
    if "band" in case:
        assert record.severity_band() == case["band"]
    for key, text in case.get("times", {}).items():
        assert record.timestamp(key, now, zone) == moment(text), key
    if "event_time" in case:
        found = record.event_reading(now, zone)
        assert found.time == record.event_time(now, zone) == moment(case["event_time"]["time"])
        assert found.source == case["event_time"]["source"]


@pytest.mark.parametrize(
    ("file", "case"), CASES, ids=[f"{case['row']}-{case['why'][:60]}" for _, case in CASES]
)
def test_a_frame_is_read_as_the_decision_table_says(file: str, case: Case) -> None:
    """Rows 1-120; `why` of the case gives the reason."""
    record = read(case)
    check_parts(record, case)
    check_readings(record, case)


def test_every_row_has_a_case() -> None:
    """Row 83 (a huge value) is a test of cost, not a line of data."""
    rows = {case["row"] for _, case in CASES}
    assert rows == set(range(1, 121)) - {83}


def named_flags() -> set[str]:
    """The flags in the tables of the documentation."""
    tables = [
        re.split("^=.*=$", str(module.__doc__), flags=re.MULTILINE)[1] for module in (cef, times)
    ]
    return set(re.findall(r"^([a-z_0-9]+) ", "".join(tables), re.MULTILINE))


def test_every_flag_is_documented_and_has_a_case() -> None:
    """`octet_count` is a flag of `bridge.syslog`."""
    used = {flag for _, case in CASES for flag in case.get("flags", [])}
    assert used - {"octet_count"} == named_flags()


def test_octets_and_text_are_read_alike() -> None:
    for _, case in CASES:
        if "frame" in case:
            text, octets = read(case), parse(case["frame"].encode(), **case.get("options", {}))
            assert text._replace(frame=b"") == octets._replace(frame=b"")


def test_the_answer_does_not_depend_on_what_was_read_before() -> None:
    """Known sequences of keys take a shorter way; it must end at the same place."""
    for _, case in CASES:
        assert read(case) == read(case)


def test_times_are_in_utc() -> None:
    found = parse("CEF:0|V|P|1|i|n|5|rt=Apr 05 2024 19:34:38 Asia/Tokyo").event_time()
    assert found is not None
    assert found.tzinfo is UTC
