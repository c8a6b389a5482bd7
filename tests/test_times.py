"""Time texts become right times or none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.times import read, zone

NOW = datetime(2024, 4, 5, 20, 0, tzinfo=UTC)
MOMENT = datetime(2024, 4, 5, 19, 34, 38, tzinfo=UTC)


def at(text: str) -> datetime | None:
    return read(text, NOW).time


@pytest.mark.parametrize(
    "text",
    [
        "1712345678000",
        " 1712345678000 ",
        "1712345678",
        "1712345678.000",
        "1712345678,000",
        "1712345678000000",
        "1712345678000000000",
        "2024-04-05T19:34:38Z",
        "2024-04-05t19:34:38z",
        "2024-04-05 19:34:38",
        "2024-04-05, 19:34:38",
        "2024-04-05T19:34:38.000Z",
        "2024-04-05T19:34:38,000+00:00",
        "2024-04-05 21:34:38 +0200",
        "2024-04-05T21:34:38+02",
        "2024-04-05T15:34:38-04:00",
        "2024-4-5 19:34:38",
        "2024/04/05 19:34:38",
        "20240405T193438Z",
        "20240405T193438.000",
        "Apr 05 19:34:38",
        "Apr  5 19:34:38",
        "apr 5 19:34:38",
        "Apr 05 2024 19:34:38",
        "Apr 05, 2024 19:34:38",
        "Apr 05 2024:19:34:38 UTC",
        '"Apr 05 2024 19:34:38"',
        "#arcsightDate(Fri, 05 Apr 2024, 19:34:38 UTC)",
        "Apr 05 2024, 19:34:38 UTC",
        "April 5, 2024 7:34:38 PM",
        "Apr 05 2024 19:34:38.000 GMT",
        "Apr 05 2024 15:34:38 EDT",
        "Apr 05 2024 14:34:38 EST",
        "Apr 05 2024 12:34:38 PDT",
        "Apr 05 2024 21:34:38 CEST",
        "Apr 05 2024 21:34:38 EET",
        "Apr 05 2024 22:34:38 MSK",
        "Apr 06 2024 04:34:38 JST",
        "Apr 06 2024 05:04:38 ACST",
        "Apr 05 2024 21:34:38 GMT+02:00",
        "Apr 05 2024 14:34:38 GMT-5",
        "Apr 05 2024 21:34:38 Europe/Berlin",
        "Apr 06 2024 01:19:38 Asia/Kathmandu",
        "Apr 05 2024 16:34:38 America/Argentina/Buenos_Aires",
        "Fri Apr 5 19:34:38 2024",
        "Fri Apr  5 19:34:38 UTC 2024",
        "Fri Apr 05 19:34:38.000 2024",
        "Fri, 05 Apr 2024 19:34:38 +0000",
        "Friday, April 5, 2024 19:34:38",
        "5 Apr 2024 19:34:38",
        "05-Apr-2024 19:34:38",
        "05/Apr/2024:19:34:38 +0000",
        "Apr 05 2024 21:34:38 +0200 (CEST)",
        "2024-04-05T21:34:38+02:00[Europe/Berlin]",
    ],
)
def test_every_known_form_is_the_same_moment(text: str) -> None:
    assert at(text) == MOMENT


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "0",
        "-1",
        "171234567",
        "123456789012345678901",
        "1_712_345_678_901",
        "\u0661\u0667\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u0660\u0661",
        "0x18eafb0c5b5",
        "1.7e12",
        "04/05/2024 19:34:38",
        "05.04.2024 19:34:38",
        "24-04-05 19:34:38",
        "2024-04-05",
        "19:34:38",
        "2024-13-05 19:34:38",
        "2024-04-31 19:34:38",
        "2023-02-29 19:34:38",
        "Feb 30 19:34:38",
        "2024-04-05 24:34:38",
        "2024-04-05 19:60:38",
        "2024-04-05 19:34:61",
        "Apr 05 2024 13:34:38 PM",
        "Apx 05 2024 19:34:38",
        "Xyz Apr 05 2024 19:34:38",
        "2024-04-05T19:34:38 and more words than any zone has, so many that it is no time",
        "2024-04-05T19:34:38:12",
        "0000-01-01 00:00:00",
    ],
)
def test_what_is_no_time_gives_none_and_a_flag(text: str) -> None:
    assert read(text, NOW) == (None, {"time_unreadable"})


@pytest.mark.parametrize("text", ["", "  ", "\t"])
def test_an_empty_text_is_no_time_and_no_deviation(text: str) -> None:
    assert read(text, NOW) == (None, frozenset())


@pytest.mark.parametrize("name", "CST IST BST AST GST SST AMT ECT WST ist".split())
def test_an_ambiguous_zone_is_only_read_as_the_caller_means_it(name: str) -> None:
    text = f"Dec 19 2017, 15:58:14 {name}"
    assert read(text) == (None, {"zone_ambiguous"})
    found = read(text, timezone="Asia/Kolkata")
    assert found == (datetime(2017, 12, 19, 10, 28, 14, tzinfo=UTC), {"zone_ambiguous"})


def test_an_ambiguous_zone_of_the_device_is_not_guessed_either() -> None:
    assert read("Dec 19 2017 15:58:14", device_zone="IST") == (None, {"zone_ambiguous"})
    assert read("1712345678000", device_zone="IST").time == MOMENT
    assert read("2024-04-05T19:34:38Z", device_zone="IST") == (MOMENT, frozenset())


def test_an_unknown_zone_falls_back_and_is_named() -> None:
    text = "Apr 05 2024 19:34:38 XQT"
    assert read(text) == (MOMENT, {"zone_unknown"})
    assert read(text, timezone="+02:00").time == MOMENT - timedelta(hours=2)
    assert read("Apr 05 2024 19:34:38", device_zone="../../etc/passwd").flags == {"zone_unknown"}


def test_the_zone_is_the_texts_then_the_devices_then_the_callers() -> None:
    text = "Apr 05 2024 19:34:38"
    assert read(text).time == MOMENT
    assert read(text, timezone=timezone(timedelta(hours=1))).time == MOMENT - timedelta(hours=1)
    assert read(text, timezone="+01:00", device_zone="+02:00").time == MOMENT - timedelta(hours=2)
    assert read(f"{text} +03:00", timezone="+01:00", device_zone="+02:00").time == (
        MOMENT - timedelta(hours=3)
    )


def test_summer_time_is_that_of_the_date() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert read("Jan 05 2024 12:00:00", timezone=berlin).time == datetime(
        2024, 1, 5, 11, tzinfo=UTC
    )
    assert read("Jul 05 2024 12:00:00", timezone=berlin).time == datetime(
        2024, 7, 5, 10, tzinfo=UTC
    )


@given(
    now=st.datetimes(datetime(1975, 1, 1), datetime(2150, 1, 1)),
    back=st.timedeltas(timedelta(days=-2), timedelta(days=360)),
)
def test_a_missing_year_is_found_for_anything_of_the_last_year(
    now: datetime, back: timedelta
) -> None:
    moment = (now - back).replace(microsecond=0)
    text = moment.strftime("%b %d %H:%M:%S")
    if (moment.month, moment.day) != (2, 29):
        assert read(text, now.replace(tzinfo=UTC)).time == moment.replace(tzinfo=UTC)


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)),
    st.sampled_from([UTC, ZoneInfo("Asia/Tokyo"), timezone(timedelta(hours=-3, minutes=-30))]),
)
def test_iso_texts_are_read_to_the_microsecond(moment: datetime, place: tzinfo) -> None:
    local = moment.replace(tzinfo=place)
    assert read(local.isoformat()) == (local.astimezone(UTC), frozenset())


@given(st.datetimes(datetime(2001, 9, 10), datetime(2200, 1, 1)))
def test_epochs_are_exact_in_every_unit(moment: datetime) -> None:
    microseconds = (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    moment = moment.replace(tzinfo=UTC)
    assert read(str(microseconds)).time == moment
    assert read(f"{microseconds}789").time == moment
    assert read(f"{microseconds // 1000}.{microseconds % 1000:03}").time == moment
    assert read(str(microseconds // 1000)).time == moment.replace(
        microsecond=moment.microsecond // 1000 * 1000
    )


@given(text=st.text(), device_zone=st.none() | st.text())
@example(text="9999-12-31 23:59:59 -15:00", device_zone=None)
@example(text="0001-01-01 00:00:00 +15:00", device_zone=None)
@example(text="Dec 31 9999 23:59:60", device_zone=None)
@example(text="Apr 05 2024 19:34:38 \0", device_zone=None)
@example(text="Apr 05 2024 19:34:38", device_zone="Europe")
@example(text="Apr 05 2024 19:34:38", device_zone="posixrules/")
@example(text="Apr 05 2024 19:34:38", device_zone="x" * 100_000)
def test_nothing_raises(text: str, device_zone: str | None) -> None:
    found = read(text, NOW, device_zone=device_zone)
    assert found.time is None or found.time.tzinfo is UTC


@pytest.mark.parametrize("name", ["Europe/Berlin", "+02:00", "-0330", "GMT+2", "UTC", "EST"])
def test_zones_for_the_configuration_have_names_or_offsets(name: str) -> None:
    assert isinstance(zone(name), tzinfo)
    assert zone(zone(name)) is zone(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("IST", "several time zones"), ("Middle/Earth", "no time zone"), ("", "no time zone")],
)
def test_a_zone_that_is_none_is_refused_with_what_to_write(name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        zone(name)
