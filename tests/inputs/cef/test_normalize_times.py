"""When an event happened, and what the envelope around its record gives it."""

from __future__ import annotations

import pytest

from bridge import times
from bridge.inputs.cef.normalize import Options
from tests.inputs.cef.normalized import NOW, acme, event_of, vendor_fields


class TestTimes:
    def test_a_time_is_iso_text_in_utc(self) -> None:
        event = acme("start=Dec 19 2017 15:58:14.5 +02:00")
        assert event["cef_start_time"] == "2017-12-19T13:58:14.500000Z"
        assert event["cef_start_time_text"] == "Dec 19 2017 15:58:14.5 +02:00"

    @pytest.mark.parametrize("text", ["1629500007043", "2021-08-20T22:53:27.043Z"])
    def test_a_text_from_which_nothing_was_lost_is_not_repeated(self, text: str) -> None:
        event = acme(f"rt={text}")
        assert event["cef_device_receipt_time"] == "2021-08-20T22:53:27.043000Z"
        assert "cef_device_receipt_time_text" not in event

    def test_an_epoch_whose_unit_was_guessed_keeps_its_text(self) -> None:
        event = acme("rt=1629500007")
        assert event["cef_device_receipt_time"] == "2021-08-20T22:53:27.000000Z"
        assert event["cef_device_receipt_time_text"] == "1629500007"

    @pytest.mark.parametrize(
        ("extension", "found", "second"),
        [
            ("rt=1629500007043 end=1629500008000", "rt", 7.043),
            ("end=1629500008000 start=1629500009000", "end", 8.0),
            ("start=1629500009000", "start", 9.0),
            ("rt=soon start=1629500009000", "start", 9.0),
            ("END=1629500009000", "end", 9.0),
        ],
    )
    def test_the_event_s_time_is_the_best_there_is_and_it_says_which(
        self, extension: str, found: str, second: float
    ) -> None:
        event = acme(extension)
        assert event["bridge_timestamp_from"] == found
        assert event["timestamp"] == 1629500000 + second

    def test_without_a_time_in_the_record_the_envelope_s_counts(self) -> None:
        event = event_of("<134>1 2021-08-20T22:53:27Z gw app - - - CEF:0|Acme|Gate|1|7|Login|5|")
        assert event["timestamp"] == 1629500007.0
        assert event["bridge_timestamp_from"] == "envelope"

    def test_without_any_time_the_arrival_counts(self) -> None:
        event = acme("act=x")
        assert event["timestamp"] == NOW
        assert event["bridge_timestamp_from"] == "arrival"

    def test_an_ambiguous_zone_is_read_only_by_the_input_s_own(self) -> None:
        extension = "rt=Dec 19 2017, 15:58:14 IST"
        unread = acme(extension)
        assert unread["bridge_timestamp_from"] == "arrival"
        assert unread["cef_device_receipt_time_text"] == "Dec 19 2017, 15:58:14 IST"
        assert "zone_ambiguous" in str(unread["bridge_flags"])
        read = acme(extension, Options(timezone=times.zone("Asia/Kolkata")))
        assert read["cef_device_receipt_time"] == "2017-12-19T10:28:14.000000Z"

    def test_the_device_s_own_zone_counts_before_the_input_s(self) -> None:
        event = acme("rt=Dec 19 2017 15:58:14 dtz=+01:00", Options(timezone=times.zone("+05:00")))
        assert event["cef_device_receipt_time"] == "2017-12-19T14:58:14.000000Z"


class TestEnvelope:
    FRAME = (
        '<134>1 2021-08-20T22:53:27Z gw.example.org sensor 812 ID7 [meta a="b"] '
        "CEF:0|Acme|Gate|1.0|7|Login|Low|dvchost=inner"
    )

    def test_the_syslog_header_has_its_own_fields(self) -> None:
        event = event_of(self.FRAME)
        assert vendor_fields(event, "syslog_") == {
            "syslog_facility": 16,
            "syslog_severity": 6,
            "syslog_timestamp": "2021-08-20T22:53:27.000000Z",
            "syslog_host": "gw.example.org",
            "syslog_app_name": "sensor",
            "syslog_proc_id": "812",
            "syslog_msg_id": "ID7",
            "syslog_structured_data": '[meta a="b"]',
        }

    def test_the_host_is_the_envelope_s_else_the_device_s_else_the_peer(self) -> None:
        assert event_of(self.FRAME)["host"] == "gw.example.org"
        assert acme("dvchost=inner")["host"] == "inner"
        assert acme("")["host"] == "192.0.2.7"

    def test_text_before_the_record_that_is_no_header_is_kept(self) -> None:
        event = event_of("some words CEF:0|Acme|Gate|1.0|7|Login|5|")
        assert event["syslog_prefix"] == "some words"

    def test_text_that_belongs_to_no_pair_is_kept(self) -> None:
        assert acme("lost words act=x")["bridge_leftover"] == "lost words"

    def test_flags_of_the_stream_and_of_the_record_come_together(self) -> None:
        event = event_of("CEF:0|Acme|Gate|1.0|7|Login|odd|", flags={"over_long"})
        assert event["bridge_flags"] == "over_long,severity_unknown"

    def test_what_is_no_record_at_all_is_an_event_too(self) -> None:
        event = event_of("<13>Feb 28 11:00:00 gw su: hello\tworld")
        assert event["message"] == "hello\tworld"
        assert event["full_message"] == "<13>Feb 28 11:00:00 gw su: hello\tworld"
        assert event["bridge_flags"] == "not_cef"
        assert event["syslog_app_name"] == "su"
        assert event["host"] == "gw"
