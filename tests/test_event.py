"""Names and values for events out of whatever a source sends."""

from __future__ import annotations

import enum
import json
import re
import uuid
from collections import OrderedDict, deque
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from ipaddress import ip_address
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.event import MAX_DEPTH, flatten, scrub, snake_case, text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("deviceReceiptTime", "device_receipt_time"),
        ("DetectionDescription", "detection_description"),
        ("already_snake_case", "already_snake_case"),
        ("MD5 Hash", "md5_hash"),
        ("fileSHA256", "file_sha256"),
        ("SHA256Hash", "sha256_hash"),
        ("MACAddress", "mac_address"),
        ("destinationZoneURI", "destination_zone_uri"),
        ("customerExternalID", "customer_external_id"),
        ("zoneExternalIDs", "zone_external_ids"),
        ("URLs", "urls"),
        ("deviceCustomIPv6Address1", "device_custom_ipv6_address1"),
        ("cs1Label", "cs1_label"),
        ("Reported Resource Group Name", "reported_resource_group_name"),
        ("--Odd -- name!", "odd_name"),
        ("größe", "grosse"),
        ("Température", "temperature"),
        ("日本", "u65e5u672c"),
        ("a\ud800b\x00c", "a_b_c"),
        ("", ""),
        ("!?", ""),
    ],
)
def test_a_name_becomes_snake_case(name: str, expected: str) -> None:
    assert snake_case(name) == expected


@given(st.text())
def test_snake_case_is_its_own_snake_case_and_safe_for_every_name(name: str) -> None:
    once = snake_case(name)
    assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*|", once)
    assert snake_case(once) == once


def test_long_names_are_not_remembered() -> None:
    """The cache must not keep what a sender sends once and never again."""
    assert snake_case("aB" * 1000) == "_".join(["a", *["ba"] * 999, "b"])


def test_an_object_becomes_flat_under_its_prefix() -> None:
    item = {
        "cylance_score": -1,
        "sha256": "ab",
        "Device": {"Name": "PC-1", "DeviceId": 7, "Policy": {"Id": None}},
        "running": False,
    }
    assert flatten(item, "cylance") == {
        "cylance_score": -1,
        "cylance_sha256": "ab",
        "cylance_device_name": "PC-1",
        "cylance_device_id": 7,
        "cylance_device_policy_id": None,
        "cylance_running": False,
    }


def test_the_prefix_itself_as_a_name_is_not_doubled() -> None:
    assert flatten({"Cylance": 1, "": 2}, "cylance") == {"cylance": 1, "cylance_2": 2}


def test_lists_become_compact_json_text() -> None:
    assert flatten({"a": [1, "é", {"b": None}], "b": []}, "x") == {
        "x_a": '[1,"é",{"b":null}]',
        "x_b": "[]",
    }


def test_two_paths_with_one_name_keep_both_values() -> None:
    item = {"a": {"b": 1}, "a_b": 2, "A-B": 3}
    assert flatten(item, "x") == {"x_a_b": 1, "x_a_b_2": 2, "x_a_b_3": 3}


def test_an_object_too_deep_to_name_becomes_json_text() -> None:
    item: dict[str, Any] = {"end": 1}
    for _ in range(MAX_DEPTH + 2):
        item = {"n": item}
    (value,) = flatten(item, "x").values()
    assert value == '{"n":{"end":1}}'


@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=8,
        ),
    )
)
def test_flattening_keeps_every_leaf(item: dict[str, Any]) -> None:
    def leaves(value: Any) -> int:
        return sum(map(leaves, value.values())) if isinstance(value, dict) else 1

    assert len(flatten(item, "x")) == leaves(item)


class Colour(enum.Enum):
    RED = "red"


class Broken:
    def __str__(self) -> str:
        raise KeyError("nothing to say")


def circle() -> list[Any]:
    ring: list[Any] = []
    ring.append(ring)
    return ring


def well(depth: int) -> dict[str, Any]:
    item: dict[str, Any] = {}
    for _ in range(depth):
        item = {"a": item}
    return item


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("as it is \x00", "as it is \x00"),
        (None, ""),
        (True, "true"),
        (False, "false"),
        (12, "12"),
        (0.5, "0.5"),
        (float("nan"), "nan"),
        (datetime(2026, 1, 2, 3, 4, 5, 6, UTC), "2026-01-02T03:04:05.000006Z"),
        (
            datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))),
            "2026-01-02T01:00:00.000000Z",
        ),
        (datetime(2026, 1, 2, 3), "2026-01-02T03:00:00.000000Z"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))), "0001-01-01T00:00:00+02:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (b"caf\xc3\xa9 \xff", "café \\xff"),
        (Colour.RED, "red"),
        (Decimal("1.10"), "1.10"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (ip_address("2001:db8::1"), "2001:db8::1"),
        (PurePosixPath("/opt/x"), "/opt/x"),
        ([1, [True, None]], "[1,[true,null]]"),
        ((1, Decimal("2.5")), '[1,"2.5"]'),
        ({"a": {"b": 1.0}}, '{"a":{"b":1.0}}'),
        (OrderedDict(b=1), '{"b":1}'),
        (MappingProxyType({"a": 1}), '{"a":1}'),
        ({7}, "[7]"),
        (deque([1, 2]), "[1,2]"),
        ([datetime(2026, 1, 2)], '["2026-01-02T00:00:00.000000Z"]'),
        ({(1, 2): 3}, "{(1, 2): 3}"),
        (circle(), "[[...]]"),
        (Broken(), "<Broken>"),
        ([Broken()], '["<Broken>"]'),
        (["\ud800"], '["\ufffd"]'),
    ],
)
def test_any_value_has_a_text(value: object, expected: str) -> None:
    assert text(value) == expected


def test_an_integer_too_long_for_decimals_is_written_in_hexadecimal() -> None:
    assert text(10**5000) == hex(10**5000)


def test_a_value_nested_beyond_reason_is_only_named() -> None:
    assert text(well(100_000)) == "<dict>"


@given(st.lists(st.none() | st.booleans() | st.integers() | st.text()))
def test_a_list_as_text_is_json(value: list[Any]) -> None:
    assert json.loads(text(value)) == json.loads(scrub(json.dumps(value, ensure_ascii=False)))


def test_control_characters_and_half_surrogates_become_visible() -> None:
    assert scrub("a\x00b\x1b[31m\x7f\ttab\r\n\ud83d!") == "a␀b␛[31m␡\ttab\r\n\ufffd!"


def test_two_halves_of_one_character_are_put_together() -> None:
    assert scrub("\ud83d\ude00") == "😀"


@given(st.text())
def test_scrubbing_loses_no_character(value: str) -> None:
    assert len(scrub(value)) == len(value)
    assert scrub(scrub(value)) == scrub(value)
