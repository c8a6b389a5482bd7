"""`decode` keeps and drops what Graylog 6.2 and later keeps and drops.

Every expectation here was seen on Graylog's own decoder; `tests/graylog` compares again.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import gelf
from tests.gelf.decoded import GOOD, dropped, kept, rejection, stored, written


def test_a_message_is_stored_under_graylogs_own_names() -> None:
    decoded = gelf.decode(b'{"version":"1.1","host":" h ","short_message":" m\\n","_a":1}')
    assert decoded == gelf.Decoded({"message": "m", "source": "h", "a": 1})


class TestValues:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ('" a b "', "a b"),
            ('"\\u00a0a\\u2003"', "\u00a0a\u2003"),
            ('"\\u0001a\\u001f"', "a"),
            ('"raw \x01 inside"', "raw \x01 inside"),
            ('""', None),
            ('"\\u0000 "', None),
            ("null", None),
            ("true", None),
            ("false", None),
            ("5", 5),
            ("-0", 0),
            ("9223372036854775807", 2**63 - 1),
            ("9223372036854775808", -(2**63)),
            ("18446744073709551615", -1),
            ("92233720368547758080", 0),
            ("-9223372036854775809", 2**63 - 1),
            ("0.5", 0.5),
            ("1E2", 100.0),
            ("1e16", 1e16),
            ("1e400", float("inf")),
            ("[]", "[]"),
            ('[1, "é", null, true]', '[1,"é",null,true]'),
            ('{"a" : {"b": [ ]} }', '{"a":{"b":[]}}'),
            ('{"a": 1, "b": 2, "a": 3}', '{"a":3,"b":2}'),
            ('["\\u000b\\n\\"\\/\\u2028"]', '["\\u000B\\n\\"/\u2028"]'),
            ("[18446744073709551615, 1e400]", '[18446744073709551615,"Infinity"]'),
            ("[1.0e10, 0.001, 0.00099, 5e-324]", "[1.0E10,0.001,9.9E-4,4.9E-324]"),
            ("[12345678.0, 1234567.0, -0.0]", "[1.2345678E7,1234567.0,-0.0]"),
        ],
    )
    def test_a_value_is_stored_as_java_has_it(self, value: str, expected: Any) -> None:
        found = written(value)
        assert (type(found), found) == (type(expected), expected)

    def test_what_is_not_stored_has_a_reason(self) -> None:
        document = json.dumps(GOOD | {"_a": True, "_b": None, "_c": " ", "_d e": 1, "__id": 2})
        assert dropped(document) == {
            "_a": "Graylog drops booleans",
            "_b": "null",
            "_c": "blank",
            "_d e": "the name has a character that Graylog does not take",
            "__id": "_id is set already",
        }

    def test_what_is_stored_in_another_form_is_warned_of(self) -> None:
        document = json.dumps(GOOD | {"_a": [1], "_b": 2**63, "_c": 2**63 - 1})
        assert gelf.decode(document.encode()).warnings == (
            "_a: becomes text",
            "_b: beyond 64 bits, wraps around",
        )

    def test_deep_containers_are_read_to_the_depth_that_jackson_reads(self) -> None:
        assert written("[" * 900 + "]" * 900) == "[" * 900 + "]" * 900
        assert "nested" in rejection(f'{{"host":"h","short_message":"m","_x":{"[" * 1001}')


class TestNames:
    @pytest.mark.parametrize(
        ("key", "name"),
        [
            ("_a", "a"),
            ("a", "a"),
            ("__a", "_a"),
            ("_", "_"),
            ("__", "_"),
            ("_a.b@c-D9", "a.b@c-D9"),
            ("_ a ", "a"),
            ("_id", "id"),
            ("_version", "version"),
            ("_streams", "streams"),
            ("_gl2_remote_ip", "gl2_remote_ip"),
            ("", ""),
        ],
    )
    def test_a_field_is_stored_without_its_underscore(self, key: str, name: str) -> None:
        assert kept(**{key: "x"}) == {name: "x"}

    @pytest.mark.parametrize(
        "key",
        [
            *("_a b", "_a:b", "_a/b", "_a[0]", "_é", "_\u00a0a"),
            *("_message", "_source", "_timestamp", "_short_message", "_host"),
            *("__id", "__source", "__ttl", "__index", "__type", "__score", "__all"),
        ],
    )
    def test_a_name_that_graylog_does_not_keep(self, key: str) -> None:
        document = json.dumps(GOOD | {key: "x"})
        assert stored(document) == {}
        assert list(dropped(document)) == [key]

    def test_the_first_of_two_keys_with_one_name_is_kept(self) -> None:
        assert kept(_a=1, a=2) == {"a": 1}
        assert kept(a=2, _a=1) == {"a": 2}

    def test_a_name_with_blanks_replaces_a_field_that_it_equals_when_trimmed(self) -> None:
        assert kept(**{"_a": 1, "_a ": 2}) == {"a": 2}
        assert kept(**{"_a ": 2, "_a": 1}) == {"a": 2}

    def test_of_one_key_twice_the_last_value_is_taken(self) -> None:
        assert stored('{"host":"h","_a":1,"short_message":"m","_b":2,"_a":3}') == {"a": 3, "b": 2}


class TestRequiredKeys:
    @pytest.mark.parametrize(
        "document",
        [
            '{"host":5,"short_message":"m"}',
            '{"host":null,"short_message":"m"}',
            '{"host":" ","short_message":"m"}',
            '{"host":"\\u2003","short_message":"m"}',
            '{"host":"h"}',
            '{"host":"h","short_message":5}',
            '{"host":"h","short_message":null,"message":"m"}',
            '{"host":"h","short_message":"  "}',
            '{"host":"h","message":5}',
            '{"host":"h","message":""}',
            '{"host":"h","short_message":" ","message":null,"_x":1}',
            '{"host":"h","_message":5,"message":"m"}',
            '{"_source":5,"short_message":"m"}',
            "[]",
            '"text"',
            "5",
        ],
    )
    def test_a_message_without_a_host_that_is_text_and_a_text_is_refused(
        self, document: str
    ) -> None:
        rejection(document)

    def test_message_stands_in_for_short_message_where_it_comes_in_the_document(self) -> None:
        assert gelf.decode(b'{"host":"h","message":"m"}').fields["message"] == "m"
        first = gelf.decode(b'{"host":"h","_message":"first","message":"second"}')
        assert first.fields["message"] == "first"

    def test_a_blank_short_message_is_refused_even_beside_a_message(self) -> None:
        """The decoder lets it pass, and the blank text makes the message incomplete."""
        assert "incomplete" in rejection('{"host":"h","short_message":" ","message":"m"}')

    def test_no_break_spaces_are_a_text(self) -> None:
        fields = gelf.decode(b'{"host":"\\u00a0","short_message":"\\u2007"}').fields
        assert fields == {"message": "\u2007", "source": "\u00a0"}

    def test_without_a_host_the_source_is_the_sender(self) -> None:
        decoded = gelf.decode(b'{"short_message":"m"}', "192.0.2.1")
        assert decoded.fields["source"] == "192.0.2.1"
        assert decoded.warnings == ('"host" is missing',)
        own = gelf.decode(b'{"short_message":"m","_source":"own"}', "192.0.2.1")
        assert own.fields["source"] == "own"


class TestTimestamp:
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("1629500007", 1629500007),
            ("1629500007.043123", 1629500007.043),
            ("1629500007.0435", 1629500007.044),
            ("0.0004", 0.0),
            ("0.0005", 0.001),
            ('"1629500007.043"', 1629500007.043),
            ('" 1.5e3d "', 1500.0),
            ('"0x1p4"', 16.0),
            ('"NaN"', 0.0),
            ("1629500007043", 1629500007043),
            ("1e300", 9223372036854775.807),
            ("0", None),
            ("-5", None),
            ('"-5"', None),
            ('"2021-08-20T22:53:27Z"', None),
            ('"1_000"', None),
            ("true", None),
            ("null", None),
            ("[1]", None),
        ],
    )
    def test_seconds_are_rounded_to_milliseconds(self, value: str, seconds: float | None) -> None:
        assert written(value, "timestamp") == seconds

    @pytest.mark.parametrize("value", ["today", 0, None, False])
    def test_a_time_that_is_not_taken_is_dropped(self, value: Any) -> None:
        assert list(dropped(json.dumps(GOOD | {"timestamp": value}))) == ["timestamp"]


class TestOldStandardKeys:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("3", 3),
            ("9", 9),
            ("3.9", 3),
            ("true", 1),
            ("false", 0),
            ('"3"', 3),
            ('" +3 "', 3),
            ('"%s7"' % ("0" * 5_000), 7),
            ('"%s"' % ("7" * 5_000), "7" * 5_000),
            ('"-"', "-"),
            ('"3.9"', 3),
            ('"0x10"', "0x10"),
            ('"high"', "high"),
            ('"99999999999"', "99999999999"),
            ('"1e99"', 2147483647),
            ('"NaN"', 0),
            ('"-1"', "-1"),
            ('""', None),
            ("-1", -1),
            ("4294967299", 3),
            ("2147483648", 2147483648),
            ("1e99", 2147483647),
            ("null", None),
            ('{"a":1}', '{"a":1}'),
        ],
    )
    def test_a_level_is_read_leniently(self, value: str, expected: Any) -> None:
        assert written(value, "level") == expected

    @pytest.mark.parametrize(
        ("value", "expected"),
        [("12", 12), ("true", 1), ('"x"', "x"), ("-3", -3), ("4294967299", 4294967299)],
    )
    def test_a_line_is_a_long(self, value: str, expected: Any) -> None:
        assert written(value, "line") == expected

    @pytest.mark.parametrize("key", ["full_message", "file", "facility"])
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ('" a "', "a"),
            ("null", "null"),
            ("true", "true"),
            ("5", "5"),
            ("1e10", "1.0E10"),
            ("18446744073709551615", "18446744073709551615"),
            ('{"a":[]}', '{"a":[]}'),
            ('" "', None),
        ],
    )
    def test_other_standard_keys_are_texts(self, key: str, value: str, expected: Any) -> None:
        assert written(value, key) == expected

    def test_with_an_underscore_they_are_ordinary_fields(self) -> None:
        assert kept(_level="9", _file=None, _line=1.5) == {"level": "9", "line": 1.5}
        assert kept(_level="9", level=3) == {"level": 3}


class TestIndex:
    def test_what_the_index_would_refuse_is_named(self) -> None:
        fields = kept(
            _long="x" * 32_767,
            full_message="x" * 40_000,
            _big=3.5e38,
            timestamp=1629500007043,
            _streams="mine",
        ) | {"a.b": 1, "a_b": 2, "c.d": 3, "": 4}
        problems = sorted(gelf.index_problems(fields))
        assert [problem.split(":")[0] for problem in problems] == [
            "a field without a name loses the message",
            "a.b",
            "big",
            "long",
            "streams",
            "timestamp",
        ]

    def test_ordinary_fields_have_no_problem(self) -> None:
        assert gelf.index_problems(kept(_a=1, _b="x" * 32_766, _c=3.4e38, timestamp=1.5)) == []


@given(st.binary() | st.text().map(str.encode))
def test_decoding_never_raises(data: bytes) -> None:
    gelf.decode(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), json_values))
def test_every_key_is_either_stored_or_has_a_reason(fields: dict[str, Any]) -> None:
    """Nothing of a message that Graylog keeps can get lost without a word."""
    document = json.dumps(GOOD | fields, allow_nan=True)
    decoded = gelf.decode(document.encode())
    if decoded.rejection is not None:
        return
    keys = {key for key in json.loads(document) if key not in ("version", "timestamp")}
    explained = {each.key for each in decoded.dropped}
    names = {
        {"short_message": "message", "host": "source"}.get(key, key.removeprefix("_") or key)
        for key in keys - explained
    }
    assert {name.strip("".join(map(chr, range(33)))) for name in names} <= decoded.fields.keys()
