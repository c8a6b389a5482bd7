"""From objects of the API to events: names, types, times, the human line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import gelf
from bridge.event import Event
from bridge.inputs.cylance.kinds import KINDS
from bridge.inputs.cylance.normalize import guid, merged, moment, normalize, sighting

DATA = Path(__file__).parents[2] / "data" / "cylance"
NOW = 1_700_000_000.0
TENANT = "7D3F0B6C2F604A3D9F5D0C1E2B3A4D5E"
SENDER = "protectapi-euc1.example.org"
LAPTOP = "1c7b6b0a-4d1e-4c1f-9b0a-3c2d1e0f9a8b"


def kind_of(path: Path) -> str:
    return path.stem.removesuffix("_with_details")


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / f"{name}.in").read_text())
    return found


def event_of(kind: str, /, **item: Any) -> Event:
    return normalize(kind, item, now=NOW, sender=SENDER)


@pytest.mark.parametrize("path", sorted(DATA.glob("*.in")), ids=lambda path: path.stem)
def test_a_sample_becomes_exactly_this_event(path: Path) -> None:
    """Every value is there, under its name, with its type."""
    item = json.loads(path.read_text())
    event = normalize(kind_of(path), item, now=NOW, tenant_id=TENANT, sender=SENDER)
    expected = json.loads(path.with_suffix(".json").read_text())
    assert {name: (type(value), value) for name, value in event.items()} == {
        name: (type(value), value) for name, value in expected.items()
    }


@pytest.mark.parametrize("path", sorted(DATA.glob("*.in")), ids=lambda path: path.stem)
def test_graylog_keeps_every_field_of_a_sample(path: Path) -> None:
    event = normalize(kind_of(path), json.loads(path.read_text()), now=NOW, tenant_id=TENANT)
    decoded = gelf.decode(gelf.encode(event))
    assert not decoded.dropped
    assert {name for name in event if name.startswith("cylance_")} <= set(decoded.fields)


def test_the_original_object_is_the_full_message() -> None:
    item = read("detection")
    assert json.loads(str(event_of("detection", **item)["full_message"])) == item


def test_of_the_two_values_of_a_device_the_one_that_is_no_guid_is_the_host() -> None:
    """The vendor's documentation has them swapped; the fields stay as they were sent."""
    swapped = event_of("detection", Device={"Name": LAPTOP, "CylanceId": "LAPTOP-7"})
    right = event_of("detection", Device={"Name": "LAPTOP-7", "CylanceId": LAPTOP})
    assert swapped["host"] == right["host"] == "LAPTOP-7"
    assert swapped["cylance_device_name"] == right["cylance_device_id"] == LAPTOP


def test_without_a_device_the_host_is_that_of_the_api() -> None:
    assert event_of("threat", name="a.exe")["host"] == SENDER


@pytest.mark.parametrize("nothing", [None, "", [], {}, "0001-01-01T00:00:00"])
def test_what_means_no_value_makes_no_field(nothing: Any) -> None:
    event = event_of("threat", cert_timestamp=nothing, sha256="aa")
    assert "cylance_cert_timestamp" not in event


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2019-01-28T23:36:58", "2019-01-28T23:36:58.000000Z"),
        ("2020-11-09T23:10:21.902", "2020-11-09T23:10:21.902000Z"),
        ("2020-04-13T10:32:43.5072251", "2020-04-13T10:32:43.507225Z"),
        ("2019-05-10T22:00:54.289Z", "2019-05-10T22:00:54.289000Z"),
        ("2019-05-10T22:00:54Z", "2019-05-10T22:00:54.000000Z"),
        ("2019-05-10T22:00:54+02:00", "2019-05-10T20:00:54.000000Z"),
        ("2019-05-10 22:00:54", "2019-05-10T22:00:54.000000Z"),
    ],
)
def test_a_time_is_read_in_all_its_spellings(written: str, read: str) -> None:
    event = event_of("threat", last_found=written)
    assert event["cylance_last_found"] == read
    assert event["bridge_timestamp_from"] == "last_found"
    found = moment(written)
    assert found is not None
    assert event["timestamp"] == found.timestamp()


@pytest.mark.parametrize("text", ["2019-13-28T23:36:58", "yesterday", "2019", "0001-xy"])
def test_what_is_no_time_stays_as_it_is_and_the_arrival_counts(text: str) -> None:
    event = event_of("threat", last_found=text)
    assert event["cylance_last_found"] == text
    assert (event["timestamp"], event["bridge_timestamp_from"]) == (NOW, "arrival")


def test_a_detection_happened_when_the_device_says_so_else_when_the_cloud_got_it() -> None:
    times = {"OccurrenceTime": "2024-01-01T00:00:00Z", "ReceivedTime": "2024-01-02T00:00:00Z"}
    assert event_of("detection", **times)["bridge_timestamp_from"] == "occurrence_time"
    times["OccurrenceTime"] = "0001-01-01T00:00:00"
    assert event_of("detection", **times)["bridge_timestamp_from"] == "received_time"


def test_scores_are_decimals_hashes_small_letters_booleans_texts() -> None:
    event = event_of("threat", cylance_score=-1, av_industry=1, sha256="ABCD", safelisted=False)
    assert repr(event["cylance_score"]) == "-1.0"
    assert repr(event["cylance_av_industry"]) == "1.0"
    assert event["cylance_sha256"] == "abcd"
    assert event["cylance_safelisted"] == "false"


def test_both_spellings_of_a_device_id_are_one() -> None:
    assert guid("1C7B6B0A4D1E4C1F9B0A3C2D1E0F9A8B") == guid(LAPTOP) == LAPTOP
    assert guid("LAPTOP-7") == "LAPTOP-7"


def test_names_in_camel_case_are_understood_too() -> None:
    """Two pages of the vendor show them; no reply seen so far does."""
    event = event_of("threat", avIndustry=0, fileSize=7, mostRecentDetection="2024-01-01T00:00:00")
    assert (event["cylance_av_industry"], event["cylance_file_size"]) == (0.0, 7)
    assert event["bridge_timestamp_from"] == "most_recent_detection"


def test_a_vendors_key_cannot_take_a_field_of_ours() -> None:
    event = event_of("threat", kind="other", sha256="aa")
    assert event["cylance_kind"] == "threat"
    assert event["cylance_unnamed_fields"] == '{"cylance_kind":"other"}'


def test_names_beyond_the_bound_are_kept_in_one_field() -> None:
    item = {"name": "a.exe", "brand_new": 1, "x" * 200: 2}
    event = normalize("threat", item, now=NOW, admit=lambda name: False)
    assert event["cylance_name"] == "a.exe"
    assert json.loads(str(event["cylance_unnamed_fields"])) == {
        "cylance_brand_new": 1,
        f"cylance_{'x' * 200}": 2,
    }


def test_a_sighting_has_the_file_and_the_device() -> None:
    row = {"id": LAPTOP, "name": "LAPTOP-7", "file_path": "C:\\a.exe", "file_status": "Default"}
    event = event_of("threat_device", **sighting({"name": "a.exe", "sha256": "aa"}, row))
    assert event["cylance_name"] == "a.exe"
    assert event["cylance_device_name"] == event["host"] == "LAPTOP-7"
    assert event["cylance_file_path"] == "C:\\a.exe"


def test_details_add_what_the_list_lacks() -> None:
    item = {"md5": "", "score": 1, "Device": {"Name": "A"}, "only": None}
    detail = {"md5": "aa", "score": 2, "Device": {"Name": "B", "Id": 1}, "signed": True}
    assert merged(item, detail) == {
        "md5": "aa",
        "score": 1,
        "Device": {"Name": "A", "Id": 1},
        "signed": True,
        "only": None,
    }


@pytest.mark.parametrize(
    ("kind", "item", "line"),
    [
        (
            "threat_device",
            {
                "sha256": "bf17366e",
                "classification": "PUP",
                "cylance_score": -1,
                "name": "threatfile.exe",
                "device": {"name": "LAPTOP-7"},
            },
            "Cylance: threat bf17… (PUP, score -1) in threatfile.exe on LAPTOP-7",
        ),
        ("threat", {}, "Cylance: threat"),
        ("detection", {"PhoneticId": "47E7-0635"}, "Cylance: detection 47E7-0635"),
        ("device", {"name": "A"}, "Cylance: device A"),
        ("memory_protection", {"violation_type": 99}, "Cylance: memory protection violation 99"),
        ("zone", {}, "Cylance: event"),
        ("threat", {"name": "a\nb\x00c"}, "Cylance: threat in a b\x00c"),
    ],
)
def test_one_line_tells_a_person_what_happened(kind: str, item: dict[str, Any], line: str) -> None:
    assert event_of(kind, **item)["message"] == line


@pytest.mark.parametrize(
    ("score", "level"), [(-1, 2), (-0.9, 2), (-0.7, 3), (-0.1, 4), (0, 6), (1, 6), (None, 5)]
)
def test_the_level_of_a_threat_follows_its_score(score: float | None, level: int) -> None:
    assert event_of("threat", cylance_score=score)["level"] == level


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
known_keys = st.sampled_from([name.removeprefix("cylance_") for name in KINDS])


@given(
    kind=st.sampled_from(["threat", "detection", "memory_protection", "device", "threat_device"]),
    item=st.dictionaries(known_keys | st.text(max_size=12), json_values, max_size=8),
)
def test_no_object_is_too_strange(kind: str, item: dict[str, Any]) -> None:
    """Whatever comes becomes an event that Graylog takes, and known texts are texts."""
    event = normalize(kind, item, now=NOW, tenant_id=TENANT, sender=SENDER)
    assert gelf.decode(gelf.encode(event)).rejection is None
    for name, value in event.items():
        kinds = (str,) if KINDS.get(name) == "text" else (str, int, float)
        assert type(value) in kinds, name
