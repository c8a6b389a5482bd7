"""Time texts, as devices write them, to aware datetimes in UTC.

A time is right or absent, never silently wrong: what has to be decided (a missing year, a missing
zone, the unit of an epoch) follows fixed rules, and what cannot be decided (`IST` is India, Israel
and Ireland) is not read unless the caller says which zone is meant.

Flags, by name:

======================== ==========================================================================
time_unreadable          The text is no time that is known here.
epoch_not_milliseconds   The digits are seconds, micro- or nanoseconds; told by their number.
zone_unknown             The zone's name is not known; the caller's zone or UTC was used instead.
zone_ambiguous           The zone's name has several meanings; only the caller's zone is used, and
                         without one the time is not read.
======================== ==========================================================================
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from datetime import timezone as fixed_offset
from functools import cache, lru_cache
from typing import Final, NamedTuple

Zone = str | tzinfo
"""`Europe/Berlin`, `+02:00`, `EST`, or a tzinfo."""


class Reading(NamedTuple):
    """A time in UTC, or None, and the names of what was unusual about its text."""

    time: datetime | None
    flags: frozenset[str] = frozenset()


UNREADABLE: Final = Reading(None, frozenset({"time_unreadable"}))
NOTHING: Final = Reading(None)
MAX_LENGTH: Final = 64

_EPOCH_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_MILLISECONDS: Final = frozenset({"epoch_not_milliseconds"})
_EPOCH = re.compile(r"([0-9]{10,20})(?:[.,]([0-9]+))?")

_CLOCK = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?"
)
_WEEKDAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? +)?"
_TAIL = r"(?P<tail>(?:(?![0-9:.,]).*)?)"
_FORMS: Final = (
    # 2024-04-05T19:34:38.123+02:00 and its kin with a blank, a comma or slashes
    r"(?P<year>[0-9]{4})([-/])(?P<month>[0-9]{1,2})\2(?P<day>[0-9]{1,2})(?:[Tt]|,? +)" + _CLOCK,
    # 20240405T193438Z
    r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})[Tt]"
    r"(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?",
    # 5 Apr 2024 19:34:38, Fri, 05 Apr 2024 19:34:38, 05/Apr/2024:19:34:38
    _WEEKDAY + r"(?P<day>[0-9]{1,2})([ /-])(?P<month>[A-Za-z]{3,9})\2"
    r"(?P<year>[0-9]{4})[ :,]+" + _CLOCK,
    # Apr 5 19:34:38, Apr 05 2024 19:34:38, Fri Apr  5 19:34:38 2024, Dec 19 2017, 15:58:14
    _WEEKDAY + r"(?P<month>[A-Za-z]{3,9}) +(?P<day>[0-9]{1,2})"
    r"(?:,? +(?P<year>[0-9]{4})[ :,]+|,? +)" + _CLOCK,
)
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        "jan january|feb february|mar march|apr april|may|jun june|jul july|aug august|"
        "sep sept september|oct october|nov november|dec december".split("|"),
        1,
    )
    for name in names.split()
}

_OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])([0-9]{1,2})(?::?([0-9]{2}))?")
_PLACE = re.compile(r"[A-Za-z_]+(?:/[A-Za-z0-9_+-]+){0,2}")
# Minutes east of Greenwich. A name means the same on every date: EST is -05:00 in July, too.
_ABBREVIATIONS: Final = {
    name: int(minutes)
    for minutes, names in (
        line.split(":")
        for line in """
        0: Z UTC UT GMT WET UCT ZULU
        60: CET MET WEST WAT
        120: CEST MEST EET SAST CAT
        180: EEST MSK EAT TRT
        240: MSD
        300: PKT UZT
        345: NPT
        420: ICT WIB
        480: AWST HKT SGT MYT PHT WITA
        540: JST KST WIT
        570: ACST
        600: AEST CHST
        630: ACDT
        660: AEDT
        720: NZST
        780: NZDT
        -150: NDT
        -180: ADT BRT ART CLST UYT
        -210: NST
        -240: EDT CLT VET
        -300: EST CDT COT PET
        -360: MDT
        -420: MST PDT
        -480: PST AKDT
        -540: AKST
        -600: HST
        """.split("\n")
        if line.strip()
    )
    for name in names.split()
}
# CST: Chicago, China, Cuba. IST: India, Israel, Ireland. BST: Britain, Bangladesh. AST: Atlantic,
# Arabia. GST: Gulf, South Georgia. SST: Samoa, Singapore. AMT: Armenia, Amazon. ECT: Ecuador,
# Eastern Caribbean. WST: Western Australia, West Samoa.
_AMBIGUOUS: Final = frozenset("CST IST BST AST GST SST AMT ECT WST".split())


def read(
    text: str,
    now: datetime | None = None,
    timezone: Zone | None = None,
    device_zone: str | None = None,
) -> Reading:
    """Read a time: epoch, CEF guide appendix A, ISO 8601, C and RFC 2822 style.

    The zone is the text's own, else `device_zone` (CEF `dtz`), else `timezone`, else UTC. A text
    without a year gets the one that puts it closest to `now` (aware; default: the clock), at most
    two days ahead. Never raises; an empty text is no time and no deviation. `timezone` must be a
    zone that `zone` takes, else ValueError.
    """
    text = text.strip(" \t\r\n\"'")
    if text.startswith("#arcsightDate("):  # a template that SentinelOne does not fill in
        text = text[14:].rstrip(")")
    if not text:
        return NOTHING
    if len(text) > MAX_LENGTH:
        return UNREADABLE
    if len(text) == 13 and text.isdigit() and text.isascii():
        return Reading(_EPOCH_START + timedelta(milliseconds=int(text)))
    if epoch := _EPOCH.fullmatch(text):
        return _from_epoch(epoch[1], epoch[2] or "")
    if parts := _parts(text):
        return _from_parts(parts, now, timezone, device_zone)
    return UNREADABLE


def flags_of(text: str, device_zone: str | None = None) -> frozenset[str]:
    """What is unusual about the text of a time; the same for every caller's zone and clock."""
    if len(text) > MAX_LENGTH or (device_zone and len(device_zone) > MAX_LENGTH):
        return read(text, device_zone=device_zone).flags
    return _flags_of(text, device_zone)


def zone(name: Zone) -> tzinfo:
    """The zone of that name: `Europe/Berlin`, `+02:00`, `GMT-5`, `EST`; a tzinfo stays itself.

    Raises ValueError when the name is unknown or has several meanings.
    """
    if isinstance(name, tzinfo):
        return name
    found = _named(name.strip())
    if isinstance(found, tzinfo):
        return found
    if found == "zone_ambiguous":
        raise ValueError(f"{name!r} names several time zones: write an offset or Region/City")
    raise ValueError(f"{name!r} is no time zone: write an offset such as +02:00, or Region/City")


@lru_cache(maxsize=1024)
def _flags_of(text: str, device_zone: str | None) -> frozenset[str]:
    return read(text, device_zone=device_zone).flags


@lru_cache(maxsize=1024)
def _parts(text: str) -> dict[str, str | None] | None:
    """The parts of a written time; kept, because many events of a burst have the same."""
    for form in _FORMS if text[0].isdigit() else _FORMS[2:]:
        if match := _compiled(form).fullmatch(text):
            return match.groupdict()
    return None


@cache
def _compiled(form: str) -> re.Pattern[str]:
    """Not before it is needed: most senders write numbers."""
    return re.compile(form + _TAIL)


def _from_epoch(digits: str, fraction: str) -> Reading:
    """Seconds, milli-, micro- or nanoseconds by magnitude (10-11, 12-14, 15-17, 18-20 digits)."""
    places = 3 * ((len(digits) - 9) // 3)
    units = digits + (fraction + "000000")[:6]
    microseconds = int(units) // 10**places
    flags = frozenset() if places == 3 else _NOT_MILLISECONDS
    return Reading(_EPOCH_START + timedelta(microseconds=microseconds), flags)


def _from_parts(
    parts: dict[str, str | None],
    now: datetime | None,
    timezone: Zone | None,
    device_zone: str | None,
) -> Reading:
    year, half_day, zone_name = _tail(parts["tail"] or "", parts.get("year") or "")
    month = parts["month"] or ""
    try:
        local = _local(
            year=year,
            month=int(month) if month.isdigit() else _MONTHS[month.lower()],
            clock=_clock(parts, half_day),
            day=int(parts["day"] or ""),
            now=now or datetime.now(UTC),
        )
    except (KeyError, ValueError, OverflowError):
        return UNREADABLE
    found, flags = _zone_of(zone_name or (device_zone or "").strip(), timezone)
    if found is None:
        return Reading(None, flags)
    try:
        return Reading(local.replace(tzinfo=found).astimezone(UTC), flags)
    except OverflowError:
        return UNREADABLE


def _tail(text: str, year: str) -> tuple[str, str, str]:
    """What follows the clock, in any order: year, AM or PM, zone, the zone's name in brackets."""
    half_day = zone_name = ""
    for word in text.replace("[", " [").split():
        if len(word) == 4 and word.isdigit() and not year:
            year = word
        elif word.upper() in ("AM", "PM"):
            half_day = word.upper()
        elif not (word[0] in "([" and zone_name):
            zone_name += word.strip("()[]")
    return year, half_day, zone_name


def _clock(parts: dict[str, str | None], half_day: str) -> timedelta:
    hour, minute = int(parts["hour"] or ""), int(parts["minute"] or "")
    second = int(parts["second"] or "0")
    if half_day:
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if half_day == "PM" else 0)
    if hour > 23 or minute > 59 or second > 60:
        raise ValueError
    microsecond = int(((parts["fraction"] or "") + "000000")[:6])
    return timedelta(hours=hour, minutes=minute, seconds=second, microseconds=microsecond)


def _local(year: str, month: int, day: int, clock: timedelta, now: datetime) -> datetime:
    if year:
        return datetime(int(year), month, day) + clock
    latest = now.astimezone(UTC).replace(tzinfo=None) + timedelta(days=2)
    # Eight years back always hold a 29 February, also around a year like 2100.
    for candidate in range(latest.year, latest.year - 9, -1):
        try:
            local = datetime(candidate, month, day) + clock
        except ValueError:
            continue
        if local <= latest:
            return local
    raise ValueError


def _zone_of(name: str, timezone: Zone | None) -> tuple[tzinfo | None, frozenset[str]]:
    found = _named(name[: MAX_LENGTH + 1]) if name else "zone_missing"
    if isinstance(found, tzinfo):
        return found, frozenset()
    flags = frozenset({found} if name else ())
    if timezone is not None:
        return zone(timezone), flags
    return (None if found == "zone_ambiguous" else UTC), flags


@lru_cache(maxsize=512)
def _named(name: str) -> tzinfo | str:
    """The zone, or the name of the flag that says why there is none."""
    if name.upper() in _ABBREVIATIONS:
        return fixed_offset(timedelta(minutes=_ABBREVIATIONS[name.upper()]))
    if name.upper() in _AMBIGUOUS:
        return "zone_ambiguous"
    if offset := _OFFSET.fullmatch(name):
        hours, minutes = int(offset[2]), int(offset[3] or 0)
        if hours > 15 or minutes > 59:
            return "zone_unknown"
        distance = timedelta(hours=hours, minutes=minutes)
        return fixed_offset(-distance if offset[1] == "-" else distance)
    if not _PLACE.fullmatch(name) or len(name) > MAX_LENGTH:
        return "zone_unknown"
    from zoneinfo import ZoneInfo  # late: most senders write numbers, and it costs milliseconds

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return "zone_unknown"
