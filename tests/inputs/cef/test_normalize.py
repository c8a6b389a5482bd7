"""From records to events: names, types, labels, times, the human line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import times
from bridge.cef import parse
from bridge.inputs.cef import tables
from bridge.inputs.cef.keys import FIXED_KINDS
from bridge.inputs.cef.names import Names
from bridge.inputs.cef.normalize import Options, normalize
from bridge.inputs.cef.plan import Planner
from tests.inputs.cef.normalized import DATA, NOW, OPTIONS, acme, event_of, exact, vendor_fields


@pytest.mark.parametrize("path", sorted(DATA.glob("*.in")), ids=lambda path: path.stem)
def test_a_sample_becomes_exactly_this_event(path: Path) -> None:
    """Every value of the published samples is there, under its name, with its type."""
    frame = path.read_text().rstrip("\n")
    expected = json.loads(path.with_suffix(".json").read_text())
    event = normalize(parse(frame), frame, now=1_700_000_000.0, sender="192.0.2.7")
    assert exact(event) == exact(expected)


class TestNames:
    def test_a_dictionary_key_gets_its_full_name(self) -> None:
        event = acme("dst=192.0.2.1 dpt=443 fname=a.txt c6a1=2001:db8::1 mrt=1629500007043")
        assert event["cef_destination_address"] == "192.0.2.1"
        assert event["cef_destination_port"] == 443
        assert event["cef_filename"] == "a.txt"
        assert event["cef_device_custom_ipv6_address1"] == "2001:db8::1"
        assert event["cef_manager_receipt_time"] == "2021-08-20T22:53:27.043000Z"

    def test_the_dictionary_is_looked_up_without_regard_to_case(self) -> None:
        assert acme("DST=192.0.2.1")["cef_destination_address"] == "192.0.2.1"

    def test_two_spellings_of_a_dictionary_key_are_two_fields(self) -> None:
        event = acme("dst=192.0.2.1 DST=192.0.2.2")
        assert event["cef_destination_address"] == "192.0.2.1"
        assert event["acme_dst"] == "192.0.2.2"

    def test_any_other_key_gets_the_vendor_in_front(self) -> None:
        event = acme("ThreatId=7 ad.Rule[0]=x PanOSX-Forwarded-For=y")
        assert vendor_fields(event) == {
            "acme_threat_id": "7",
            "acme_ad_rule_0": "x",
            "acme_pan_osx_forwarded_for": "y",
        }

    def test_a_key_that_is_called_like_something_of_ours_cannot_reach_it(self) -> None:
        event = acme("name=a severity=b message=c timestamp=d host=e full_message=f level=g")
        assert event["cef_name"] == "Login"
        assert event["cef_severity"] == 5
        assert event["host"] == "192.0.2.7"
        assert set(vendor_fields(event).values()) == set("abcdefg")

    @pytest.mark.parametrize("vendor", ["CEF", "Bridge", "event", "Cylance", "Host Inc.", "GL2"])
    def test_a_vendor_with_a_reserved_name_cannot_reach_the_fields_of_others(
        self, vendor: str
    ) -> None:
        event = event_of(f"CEF:0|{vendor}|Gate|1.0|7|Login|5|version=1")
        assert str(event["event_type"]).startswith("vendor_")
        assert event[f"{event['event_type']}_version"] == "1"

    def test_a_record_without_a_vendor_has_a_name_all_the_same(self) -> None:
        event = event_of("CEF:0||Gate|1.0|7|Login|5|foo=1")
        assert event["event_type"] == "vendor_unknown"
        assert event["vendor_unknown_foo"] == "1"

    def test_two_keys_that_become_one_name_do_not_lose_a_value(self) -> None:
        event = acme("foo.bar=1 foo_bar=2")
        assert event["acme_foo_bar"] == "1"
        assert event["cef_unnamed_pairs"] == '["foo_bar=2"]'
        assert "unnamed_pairs" in str(event["bridge_flags"])

    def test_beyond_the_bound_pairs_go_into_one_text(self) -> None:
        options = Options(planner=Planner({}, Names({}, max_names=1)))
        event = acme("first=1 second=2 third=3 dst=192.0.2.1", options)
        assert vendor_fields(event) == {"acme_first": "1"}
        assert event["cef_unnamed_pairs"] == '["second=2","third=3"]'
        assert event["cef_destination_address"] == "192.0.2.1"

    def test_every_name_that_no_sender_invents_has_a_fixed_kind(self) -> None:
        for path in DATA.glob("*.in"):
            event = normalize(parse(path.read_text()), "", now=NOW, sender="192.0.2.7")
            for name in event:
                if name.startswith(("cef_", "syslog_", "cybereason_malop_")):
                    assert name in FIXED_KINDS


class TestLabels:
    """Rows 84 to 94 of the decision table: no value is ever lost."""

    def test_a_label_names_the_field(self) -> None:
        event = acme("cs1=x cs1Label=Rule Name")
        assert vendor_fields(event) == {"acme_rule_name": "x"}
        assert "cef_device_custom_string1" not in event

    @pytest.mark.parametrize(
        ("pair", "value"),
        [
            ("cs6", "x"),
            ("cs7", "x"),
            ("cn4", 7),
            ("cfp1", 0.5),
            ("c6a2", "2001:db8::1"),
            ("flexString1", "x"),
            ("flexNumber2", 7),
            ("flexDate2", "2021-08-20T22:53:27.043000Z"),
            ("deviceCustomDate2", "2021-08-20T22:53:27.043000Z"),
        ],
    )
    def test_every_family_folds(self, pair: str, value: object) -> None:
        sent = "1629500007043" if str(value).endswith("Z") else value
        event = acme(f"{pair}={sent} {pair}Label=Thing")
        assert exact(vendor_fields(event)) == exact({"acme_thing": value})  # type: ignore[dict-item]

    def test_the_label_may_come_first(self) -> None:
        assert acme("cs1Label=Rule cs1=x")["acme_rule"] == "x"

    def test_the_case_of_a_label_s_key_does_not_matter(self) -> None:
        assert acme("cs1=x cs1label=Rule")["acme_rule"] == "x"

    def test_a_vendor_key_that_merely_ends_in_label_stays(self) -> None:
        assert acme("threat=x threatLabel=y")["acme_threat_label"] == "y"

    def test_a_label_without_a_value_is_kept(self) -> None:
        assert acme("cs1Label=Rule")["cef_device_custom_string1_label"] == "Rule"

    def test_a_value_without_a_label_keeps_its_own_name(self) -> None:
        assert acme("cs1=x")["cef_device_custom_string1"] == "x"

    @pytest.mark.parametrize("label", ["", "***"])
    def test_a_label_that_gives_no_name_changes_nothing(self, label: str) -> None:
        event = acme(f"cs1=x cs1Label={label} act=y")
        assert event["cef_device_custom_string1"] == "x"
        assert event["cef_device_custom_string1_label"] == label

    def test_the_second_of_two_equal_labels_keeps_its_own_name(self) -> None:
        event = acme("cs1=x cs1Label=Rule cs2=y cs2Label=rule")
        assert event["acme_rule"] == "x"
        assert event["cef_device_custom_string2"] == "y"
        assert event["cef_device_custom_string2_label"] == "rule"

    def test_a_label_that_equals_a_key_does_not_take_its_name(self) -> None:
        event = acme("cs1=x cs1Label=Rule rule=y")
        assert event["acme_rule"] == "y"
        assert event["cef_device_custom_string1"] == "x"

    @pytest.mark.parametrize("label", ["source", "message", "timestamp", "level", "host", "src"])
    def test_a_label_cannot_reach_the_event_s_own_fields(self, label: str) -> None:
        plain = acme("src=192.0.2.9 cs1=x")
        event = acme(f"src=192.0.2.9 cs1=x cs1Label={label}")
        assert event[f"acme_{label}"] == "x"
        for name in ("message", "timestamp", "level", "host", "cef_source_address"):
            assert event[name] == plain[name]

    def test_of_a_repeated_pair_the_last_counts_and_the_others_are_kept(self) -> None:
        event = acme("cs1=x cs1Label=Old cs1=y cs1Label=Rule")
        assert event["acme_rule"] == "y"
        assert event["cef_duplicates"] == '["cs1=x","cs1Label=Old"]'

    def test_short_keys_can_be_kept(self) -> None:
        options = Options(planner=Planner({}, Names({}), keep_short_keys=True))
        event = acme("cs1=x cs1Label=Rule Name", options)
        assert event["acme_rule_name"] == "x"
        assert event["cef_device_custom_string1"] == "x"
        assert event["cef_device_custom_string1_label"] == "Rule Name"


class TestKinds:
    @pytest.mark.parametrize(
        ("extension", "field", "value"),
        [
            ("cnt=007", "cef_base_event_count", 7),
            ("in=4294967296", "cef_bytes_in", 4294967296),
            ("cn1=-5", "cef_device_custom_number1", -5),
            ("cn1=9223372036854775807", "cef_device_custom_number1", 9223372036854775807),
            ("cn1=18446744073709551615", "cef_device_custom_number1_text", "18446744073709551615"),
            ("dpt=N/A", "cef_destination_port_text", "N/A"),
            ("dpt=", "cef_destination_port_text", ""),
            ("dpt=0x1bb", "cef_destination_port_text", "0x1bb"),
            ("dpt=１", "cef_destination_port_text", "１"),
            ("cfp1=1", "cef_device_custom_floating_point1", 1.0),
            ("cfp1=1e400", "cef_device_custom_floating_point1_text", "1e400"),
            ("cfp1=NaN", "cef_device_custom_floating_point1_text", "NaN"),
            ("slat=52.5", "cef_source_geo_latitude", 52.5),
            ("src=not an address", "cef_source_address", "not an address"),
            ("dmac=00-AA-BB-CC-DD-EE", "cef_destination_mac_address", "00-AA-BB-CC-DD-EE"),
            ("spid=12 ", "cef_source_process_id", 12),
        ],
    )
    def test_a_value_is_read_by_the_kind_of_its_field(
        self, extension: str, field: str, value: object
    ) -> None:
        event = acme(extension + " act=x")
        assert exact({field: event[field]}) == exact({field: value})

    @pytest.mark.parametrize("value", ["dpt=x", "cfp1=NaN", "rt=soon"])
    def test_a_value_of_another_kind_is_flagged_and_leaves_its_field_free(self, value: str) -> None:
        event = acme(value)
        assert "_unreadable" in str(event["bridge_flags"])
        assert not {"cef_destination_port", "cef_device_receipt_time"} & event.keys()

    def test_a_vendor_s_own_key_is_always_text(self) -> None:
        assert acme("count=7")["acme_count"] == "7"

    def test_a_sibling_and_a_key_of_the_same_name_do_not_lose_a_value(self) -> None:
        event = acme("cn1=many cn1Label=Hits hits_text=x")
        assert event["acme_hits_text"] == "x"
        assert event["cef_unnamed_pairs"] == '["acme_hits_text=many"]'

    @pytest.mark.parametrize(
        ("severity", "field", "value"),
        [
            ("5", "cef_severity", 5),
            ("High", "cef_severity_text", "High"),
            ("7.5", "cef_severity_text", "7.5"),
        ],
    )
    def test_the_severity_is_a_number_or_beside_it_a_word(
        self, severity: str, field: str, value: object
    ) -> None:
        assert event_of(f"CEF:0|Acme|Gate|1.0|7|Login|{severity}|")[field] == value


KEYS = st.sampled_from(
    "act dst dpt rt end dtz cs1 cs1Label cs2 cs2Label CS2 cn1 cn1Label cfp1 cfp1Label cs9 "
    "cs9Label deviceCustomDate1 deviceCustomDate1Label foo foo_bar foo.bar fooText x_text X".split()
) | st.from_regex(r"[a-zA-Z][a-zA-Z0-9_.]{0,8}", fullmatch=True)
VALUES = (
    st.text(st.characters(codec="utf-8"), max_size=12)
    | st.sampled_from(["foo", "foo bar", "Text", "x", "1629500007043", "Dec 19 2017 15:58:14 IST"])
    | st.integers().map(str)
    | st.floats().map(str)
)


@given(st.dictionaries(KEYS, VALUES, max_size=8), st.sampled_from(["Acme", "Cybereason", "", "é"]))
def test_no_value_of_any_record_is_lost(pairs: dict[str, str], vendor: str) -> None:
    """Each is a field, the number or time of a field, or stands in the list of the nameless."""
    record = parse("CEF:0|V|P|1|2|n|5|")._replace(
        header={**parse("CEF:0|V|P|1|2|n|5|").header, "device_vendor": vendor}, extensions=pairs
    )
    event = normalize(record, "", now=NOW, sender="192.0.2.7", options=OPTIONS)
    held = list(event.values()) + [
        item.partition("=")[2] for item in json.loads(str(event.get("cef_unnamed_pairs", "[]")))
    ]
    labels = {value for key, value in pairs.items() if key.lower().endswith("label")}
    for value in pairs.values():
        assert value in labels or _held(value, held), (value, event)


def _held(value: str, held: list[Any]) -> bool:
    if value in held:
        return True
    text = value.strip()
    moment = times.read(text, datetime.fromtimestamp(NOW, UTC)).time
    if moment and moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") in held:
        return True
    if text.lower() in ("yes", "no", "true", "false", "1", "0", "1.0", "0.0"):
        return bool({"true", "false"} & {str(item) for item in held})
    try:
        return float(text) in [item for item in held if isinstance(item, (int, float))]
    except ValueError:
        return False


def test_tables_fix_the_kind_of_a_field() -> None:
    event = event_of(
        "CEF:1|Cybereason|Cybereason|23.2|Malop|Malop Updated|10|cs1=FALSE cs1Label=isSigned "
        "cs2=2 cs2Label=affectedUsers cs3=Dec 19 2017, 15:58:14 UTC cs3Label=malopUpdateTime "
        "cs4=perhaps cs4Label=isOnline"
    )
    assert event["cybereason_malop_file_is_signed"] == "false"
    assert exact({"": event["cybereason_malop_counters_affected_users"]}) == exact({"": 2.0})
    assert event["cybereason_malop_modified_at"] == "2017-12-19T15:58:14.000000Z"
    assert event["cybereason_malop_host_is_online_text"] == "perhaps"
    assert "boolean_unreadable" in str(event["bridge_flags"])


def test_a_table_of_a_user_counts_for_its_vendor() -> None:
    table = tables.read("{vendor: ACME, fields: {hits: {from: [n], kind: long}}}", "own.yaml")
    known = tables.by_slug([table])
    options = Options(tables=known, planner=Planner(known, Names({})))
    assert acme("n=7", options)["acme_hits"] == 7
