"""What `encode` writes, Graylog keeps; what it had to change, it says."""

from __future__ import annotations

import datetime
import enum
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from bridge import gelf
from bridge.event import text
from bridge.gelf import Change, What
from tests.gelf import events as an

SPECIAL = {"host", "source", "message", "full_message", "timestamp", "level", "bridge_trimmed"}


def kept(event: Mapping[str, Any]) -> dict[str, Any]:
    """What Graylog stores of the event; nothing may be dropped, refused or warned of."""
    decoded = gelf.decode(gelf.encode(dict(event)))
    assert (decoded.rejection, decoded.dropped, decoded.warnings) == (None, (), ())
    assert gelf.index_problems(decoded.fields) == []
    return decoded.fields


def changes(event: Mapping[str, Any]) -> list[Change]:
    """What had to be changed."""
    found: list[Change] = []
    gelf.encode(dict(event), found)
    return found


def with_field(name: str, value: Any) -> dict[str, Any]:
    return {"host": "pc-1", "message": "Threat found", name: value}


def test_a_typical_event_arrives_field_by_field() -> None:
    event = {
        "event_type": "cylance",
        "event_uid": "c-1",
        "timestamp": 1629500007.043,
        "host": "pc-1",
        "message": "Threat found",
        "full_message": '{"name": "x"}\n',
        "level": 4,
        "cylance_score": 0.5,
        "cylance_file_size": 1500000,
        "cylance_running": False,
        "cylance_path": "C:\\bin\\users\\file",
        "cylance_av_industry": None,
    }
    assert kept(event) == {
        "event_type": "cylance",
        "event_uid": "c-1",
        "timestamp": 1629500007.043,
        "source": "pc-1",
        "message": "Threat found",
        "full_message": '{"name": "x"}',
        "level": 4,
        "cylance_score": 0.5,
        "cylance_file_size": 1500000,
        "cylance_running": "false",
        "cylance_path": "C:\\bin\\users\\file",
    }
    assert changes(event) == []


def test_the_document_is_gelf_1_1() -> None:
    document = json.loads(gelf.encode(with_field("cef_name", "x")))
    assert document == {
        "version": "1.1",
        "host": "pc-1",
        "short_message": "Threat found",
        "_cef_name": "x",
    }


@pytest.mark.parametrize("value", [None, "", "   ", "\t\r\n"])
def test_what_has_no_value_is_left_out(value: Any) -> None:
    event = with_field("cef_name", value)
    assert "cef_name" not in kept(event)
    assert changes(event) == []


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, b'"true"'),
        (False, b'"false"'),
        (0, b"0"),
        (2**63 - 1, b"9223372036854775807"),
        (-(2**63), b"-9223372036854775808"),
        (1.0, b"1.0"),
        (0.0, b"0.0"),
        (1e15, b"1000000000000000.0"),
        (1e16, b"1.0e+16"),
        (1.5e300 / 1e270, b"1.5e+30"),
        (1e-7, b"1.0e-07"),
        (" padded", b'" padded"'),
        ("C:\\b", b'"C:\\\\b"'),
    ],
)
def test_a_value_is_written_in_the_form_that_graylog_reads_right(
    value: Any, written: bytes
) -> None:
    event = with_field("x", value)
    assert gelf.encode(event).endswith(b'"_x":' + written + b"}")
    assert changes(event) == []


class Colour(str, enum.Enum):  # noqa: UP042 (its str() is not its value)
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 7


class Fraction(float):
    def __repr__(self) -> str:
        raise ValueError("never asked")


@pytest.mark.parametrize(
    ("value", "stored"),
    [(Colour.RED, "red"), (Level.HIGH, 7), (Fraction(0.5), 0.5)],
    ids=["str", "int", "float"],
)
def test_a_subclass_of_text_or_number_is_what_it_is_underneath(value: Any, stored: Any) -> None:
    event = with_field("x", value)
    assert kept(event)["x"] == stored
    assert changes(event) == []


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ([1, "a", None], '[1,"a",null]'),
        ({"a": True}, '{"a":true}'),
        (Decimal("1.10"), "1.10"),
        (datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), "2026-01-02T00:00:00.000000Z"),
        (b"raw", "raw"),
    ],
)
def test_other_types_become_text_and_are_counted(value: Any, stored: str) -> None:
    event = with_field("x", value)
    assert kept(event)["x"] == stored
    assert changes(event) == [Change(What.TEXT, "x")]


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (2**63, "9223372036854775808"),
        (-(2**63) - 1, "-9223372036854775809"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (1e300, "1e+300"),
    ],
)
def test_a_number_that_graylog_cannot_hold_is_text_beside_its_field(
    value: Any, stored: str
) -> None:
    """In its own field it would wrap, or cost the whole message in an index of numbers."""
    event = with_field("x", value)
    assert kept(event) == {"source": "pc-1", "message": "Threat found", "x_text": stored}
    assert changes(event) == [Change(What.SET_ASIDE, "x")]


def test_a_sibling_never_takes_the_place_of_a_field() -> None:
    event = with_field("x", 2**64) | {"x_text": "own"}
    fields = kept(event)
    assert fields["x_text"] == "own"
    assert [value for name, value in fields.items() if name.startswith("x_text_")] == [str(2**64)]


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("device-id", "device-id"),
        ("user@host", "user@host"),
        ("MixedCase", "MixedCase"),
        ("version", "version"),
        ("file", "file"),
        ("a.b", "a_b"),
        ("a b:c/d", "a_b_c_d"),
        ("größe", "grosse"),
        ("日本", "u65e5u672c"),
        ("_hidden", "hidden"),
        ("id", "field_id"),
        ("_id", "field_id"),
        ("source", "field_source"),
        ("_timestamp", "field_timestamp"),
        ("short_message", "field_short_message"),
        ("streams", "field_streams"),
        ("bridge_trimmed", "field_bridge_trimmed"),
        ("gl2_remote_ip", "field_gl2_remote_ip"),
        ("", "field"),
        ("___", "field"),
    ],
)
def test_a_field_is_stored_under_its_name_or_the_nearest_that_graylog_keeps(
    name: str, stored: str
) -> None:
    event = with_field(name, "x")
    assert kept(event)[stored] == "x"
    assert gelf.wire_name(name) == f"_{stored}"
    assert changes(event) == ([] if stored == name else [Change(What.RENAMED, name)])


def test_an_endless_name_is_cut_and_stays_different_from_others() -> None:
    fields = kept(with_field("n" * 10_000, 1) | {"n" * 10_001: 2})
    assert sorted(fields.values(), key=str)[:2] == [1, 2]
    assert max(map(len, fields)) <= 200


def test_two_names_that_become_one_keep_both_values_in_any_order() -> None:
    """The field that has the name by right keeps it; the other gets a checksum."""
    first = kept(with_field("a b", 1) | {"a_b": 2})
    second = kept(with_field("a_b", 2) | {"a b": 1})
    assert first == second
    assert first["a_b"] == 2
    assert 1 in first.values()


def test_the_document_does_not_depend_on_what_was_encoded_before() -> None:
    event = with_field("never_seen_before", 1) | {"event_type": "t"}
    assert gelf.encode(event) == gelf.encode(event)


def test_names_are_kept_however_many_there_were_before() -> None:
    for number in range(5_000):
        gelf.encode(with_field(f"name_{number}", number))
    assert kept(with_field("one_more", 1))["one_more"] == 1


@pytest.mark.parametrize("host", [None, "", "  ", "\u2003"])
def test_a_missing_host_is_unknown(host: Any) -> None:
    event = {"host": host, "message": "m"}
    assert kept(event)["source"] == "unknown"
    assert changes(event) == [Change(What.REPLACED, "host")]


def test_a_host_is_always_text_and_short_enough_for_an_index() -> None:
    assert kept({"host": 17, "message": "m"})["source"] == "17"
    fields = kept({"host": "h" * 5_000, "message": "m"})
    assert fields["source"] == "h" * 1_024
    assert fields["bridge_trimmed"] == "host:5000"


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"full_message": "\n first line \nsecond"}, "first line"),
        ({"event_type": "cylance", "full_message": " "}, "cylance"),
        ({"message": "\u2003", "event_type": "cylance"}, "cylance"),
        ({"event_type": "\u2003"}, "no message"),
        ({}, "no message"),
    ],
)
def test_something_stands_in_for_a_missing_message(event: dict[str, Any], message: str) -> None:
    event["host"] = "pc-1"
    assert kept(event)["message"] == message
    assert changes(event) == [Change(What.REPLACED, "message")]


def test_a_message_that_is_no_text_becomes_one() -> None:
    assert kept({"host": "h", "message": 5, "full_message": 6.5}) == {
        "source": "h",
        "message": "5",
        "full_message": "6.5",
    }


@pytest.mark.parametrize("timestamp", [1, 1629500007, 1629500007.043, 253_402_300_799])
def test_a_time_in_seconds_is_the_timestamp(timestamp: float) -> None:
    assert kept(with_field("timestamp", timestamp))["timestamp"] == timestamp


@pytest.mark.parametrize(
    "timestamp",
    [0, -1.5, 1629500007043, float("nan"), float("inf"), 2**70, "2021-08-20T22:53:27Z", True],
)
def test_a_time_that_graylog_cannot_use_is_kept_as_text(timestamp: Any) -> None:
    """Milliseconds would lose the whole message; without a timestamp Graylog takes its own."""
    event = with_field("timestamp", timestamp)
    fields = kept(event)
    assert "timestamp" not in fields
    assert fields["timestamp_text"] == ("true" if timestamp is True else str(timestamp))
    assert changes(event) == [Change(What.SET_ASIDE, "timestamp")]


@pytest.mark.parametrize("level", range(8))
def test_a_syslog_level_is_kept(level: int) -> None:
    assert kept(with_field("level", level))["level"] == level


@pytest.mark.parametrize("level", [-1, 8, 3.0, "high", False, 2**70])
def test_any_other_level_is_kept_as_text(level: Any) -> None:
    fields = kept(with_field("level", level))
    assert "level" not in fields
    assert fields["level_text"] == ("false" if level is False else str(level))


def test_control_characters_become_visible_and_nothing_else_changes() -> None:
    event = with_field("x", "a\x00b\x08\x0c\x1b\x7f\n\t\ud800 \\b \\\\u0000 é")
    assert kept(event)["x"] == "a␀b␈␌␛␡\n\t\ufffd \\b \\\\u0000 é"
    assert changes(event) == [Change(What.SCRUBBED, "x")]


def test_a_text_too_long_for_one_term_is_cut_at_a_whole_character() -> None:
    """An index refuses the message otherwise; analysed texts may be longer."""
    event = with_field("x", "é" * 20_000) | {"full_message": "é" * 20_000}
    fields = kept(event)
    assert fields["x"] == "é" * 16_383
    assert fields["full_message"] == "é" * 20_000
    assert fields["bridge_trimmed"] == "x:40000"
    assert changes(event) == [Change(What.CUT, "x")]


@pytest.mark.parametrize("size", [32_766, 32_767])
def test_the_limit_of_a_term_is_exact(size: int) -> None:
    assert len(kept(with_field("x", "x" * size))["x"]) == 32_766


def test_a_document_too_long_for_a_frame_is_trimmed() -> None:
    event = with_field("x", 1) | {"full_message": "y" * 3_000_000}
    data = gelf.encode(event)
    assert gelf.MAX_BYTES - 500 < len(data) <= gelf.MAX_BYTES
    fields = kept(event)
    assert fields["x"] == 1
    assert fields["bridge_trimmed"] == "full_message:3000000"
    assert changes(event) == [Change(What.CUT, "full_message")]


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def test_nothing_that_a_value_does_can_stop_an_event() -> None:
    ring: list[Any] = []
    ring.append(ring)
    event = {"host": Broken(), "message": Broken(), "timestamp": Broken(), "x": ring, 5: "five"}
    assert kept(event) == {
        "source": "<Broken>",
        "message": "<Broken>",
        "timestamp_text": "<Broken>",
        "x": "[[...]]",
        "5": "five",
    }


@given(an.events(an.anything))
def test_every_event_becomes_one_document_within_the_limits(event: dict[str, Any]) -> None:
    data = gelf.encode(event)
    assert b"\0" not in data
    assert len(data) <= gelf.MAX_BYTES
    document = json.loads(data)
    assert all(type(value) in (str, int, float) for value in document.values())


@given(an.events(an.anything))
def test_every_value_of_every_event_is_kept(event: dict[str, Any]) -> None:
    """As many fields as values, the required ones always, and no name twice."""
    fields = kept(event)
    values = [
        name
        for name, value in event.items()
        if name not in SPECIAL - {"source", "bridge_trimmed"} and text(value).strip(" \t\r\n")
    ]
    aside = {name for what, name in changes(event) if what is What.SET_ASIDE}
    assert len(fields.keys() - SPECIAL) == len(values) + len(aside & SPECIAL)
    assert fields["source"]
    assert fields["message"]


@given(an.events())
def test_a_plain_value_under_a_good_name_is_stored_as_it_is(event: dict[str, Any]) -> None:
    changed = {name for _, name in changes(event)}
    fields = kept(event)
    for name, value in event.items():
        if name in fields and name not in SPECIAL | changed and text(value).strip(" \t\r\n"):
            stored = fields[name]
            if isinstance(value, bool):
                assert stored == ("true" if value else "false")
            elif isinstance(value, str):
                assert stored == value.strip("".join(map(chr, range(33))))
            elif name not in ("message", "full_message"):
                assert (type(stored), stored) == (type(value), value)
