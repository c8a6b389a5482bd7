"""Records for the differential tests: ordinary ones of few shapes, half of them made odd."""

from __future__ import annotations

import random
from typing import Final

TEXTS: Final = [
    *("", " ", "\t", "x", "-", "None", "N/A", "null", "unknown", "system", "true", "no", "1.0"),
    *("192.0.2.7", "2001:db8::7", "C:\\\\Temp\\\\tool.exe", "a\\=b", "one\\ntwo", "one\\r\\ntwo"),
    *("\\n", "\\nx", "\\\\", "\\", "C:\\Temp", "a\\|b", "a|b", 'say "yes"', "tab\there", "  two"),
    *("trailing ", "two  blanks", "grün", "Ünder", "日本語", "٣٤", "٢٠٢٦-01-01", "²x", "a\u200bb"),
    *("\u00a0", "a\u00a0 b", "\u2028x", "😀 file", "\ufeffbom", "e\u0301", "x" * 600, "y " * 600),
    *("ü" * 300, "\\=" * 300, "\\\\" * 900, "z" * 1024, "z" * 1025, "z" * 6001, "q" * 40_000),
    *("2026", "2026-01", "2026-01-01", "2026/01/01", "2026-01-01T10:00:00Z", "2026x", "20260101"),
    *("2026-02-30T00:00:00.000000Z", "2026-01-02T03:04:05.000006Z", "1999-12-31 and more", "2٠26-"),
    *(
        "key=value",
        "a=b=c",
        "=",
        "x =y",
        "x= y",
        "new key=1",
        "k-e-y=1",
        "\\",
        "del\x7f",
        "nul\x00",
    ),
    *("bell\x07", "esc\x1b[0m", "\x85", "CEF:0|A|B|C|D|E|5|a=1", "\ud800"),
]
LONGS: Final = [
    *("0", "1", "443", "007", "000", "-1", "+5", " 5", "5 ", "1.0", "1e3", "0x10", "12a", "²"),
    *("999999999999999999", "9999999999999999999", "9" * 30, "٣", "-0", "1_000", ""),
]
DOUBLES: Final = [
    *(
        "0",
        "0.0",
        "-0.0",
        "1",
        "1.5",
        "0.5077",
        "-3.25",
        "007.50",
        "1.",
        ".5",
        "1e5",
        "1E-7",
        "nan",
    ),
    *(
        "0.001",
        "0.0009",
        "0.0001",
        "0.00001",
        "123456789012345",
        "1234567890123456",
        "1e400",
        "inf",
    ),
    *(
        "0.1234567890123456789",
        "99999999999999.9",
        "100000000000000000000",
        "-",
        "1,5",
        "--1",
        "1.5.2",
    ),
    *("12345678.90625000", "0.100000000000000", "5.0000000000000000000001", "-.5", "+1.5", ""),
]
TIMES: Final = [
    *("1700000000000", "1700000000001", "1700000000123", "0000000001000", "0000000000999"),
    *("9999999999999", "170000000000", "1700000000", "1700000000000000", "17000000000a0", ""),
    *("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.6Z", "2026-01-02T03:04:05.123456Z"),
    *(
        "2026-01-02T03:04:05.1234567Z",
        "2026-01-02T03:04:05.123456789+02:00",
        "2024-02-29T00:00:00Z",
    ),
    *("2023-02-29T00:00:00Z", "2026-12-31T23:59:59.999999-14:00", "2026-01-02T03:04:05"),
    *(
        "2026-01-02 03:04:05Z",
        "2026-01-02T24:00:00Z",
        "2026-13-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
    ),
    *(
        "1970-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "2026-01-02T03:04:60Z",
    ),
    *(
        "2026-01-02T03:04:05+15:30",
        "2026-01-02t03:04:05z",
        "Jan 02 2026 03:04:05",
        "Jan  2 03:04:05",
    ),
    *("Jan 02 2026 03:04:05 IST", "now", "2026-01-02T03:04:05.Z", "2026-1-2T03:04:05Z", "-1"),
]
BOOLEANS: Final = [
    "true",
    "false",
    "True",
    "TRUE",
    "ﬁne",
    "K",
    "0.0",
    "yes",
    "no",
    "1",
    "0",
    "1.0",
    "",
    "maybe",
    " true",
]
SEVERITIES: Final = [
    *("0", "1", "5", "7", "10", "Low", "Medium", "High", "Very-High", "very high", "Unknown"),
    *("11", "", "5.5", " 5", "critical", "05", "-1", "10.0"),
]
HEADS: Final = [
    *("", "<134>Jan  2 03:04:05 fw-1 sensor: ", "<134>Jan 12 03:04:06 fw-2 sensor[77]: "),
    *(
        "<13>Jan  2 03:04:05 192.0.2.9 ",
        "Jan  2 03:04:05 fw-1 ",
        "<134>",
        "<999>Jan  2 03:04:05 a ",
    ),
    *("<134>1 2026-01-02T03:04:05.678Z fw-3 sensor 77 - - ", "<134>1 - - - - - - "),
    *('<134>1 2026-01-02T03:04:05+02:00 fw-3 sensor - ID7 [a@1 b="c"] ', "12 ", "\ufeff"),
    *("<134>1 2026-01-02T03:04:05.123456789Z fw-3 2026-01-01 - - - ", "host-only: ", " "),
    *("<134>2026-01-02T03:04:05Z fw-4 app: ", "<134>Jan  2 2026 03:04:05 fw-5 app: ", "<1>Feb 30 "),
    *("<134>Feb 30 03:04:05 fw-1 sensor: ", "<134>Jan  2 25:04:05 fw-1 sensor: ", "<134>Nov 23 "),
    *("<134>Jan  2 03:04:05 fw-1 sensor: CEF: ", "<134>Jan  2 03:04:05 UTC fw-1 app: ", "'"),
    *(
        "<134>Dec 24 23:59:59 grün app: ",
        '<134>Jan  2 03:04:05 fw-1 "x": ',
        "<134>Jan  2 03:04:05  ",
    ),
]
HEADER: Final = [
    *(
        "Example",
        "Gate",
        "1.0",
        "7",
        "Door opened",
        "a\\|b",
        "a\\\\b",
        "a\\b",
        "",
        " ",
        "a=b",
        "Ünal",
    ),
    *(
        "2026-01-01",
        "CEF:0",
        "two  blanks",
        "tab\there",
        '"quoted"',
        "x" * 1200,
        "none ",
        "Cybereason",
    ),
]
SHAPES: Final = [
    ["rt:time", "externalId:text", "src:text", "spt:long", "dst:text", "dpt:long", "msg:text"],
    ["start:time", "end:time", "suser:text", "duser:text", "shost:text", "dhost:text", "in:long"],
    [
        "cs1:text",
        "cs1Label=MalopId",
        "cn1:long",
        "cn1Label=isSigned",
        "cfp1:double",
        "cfp1Label=Score",
    ],
    ["dvchost:text", "deviceCustomDate1:time", "deviceCustomDate1Label=ModifiedTime", "fname:text"],
    ["cs2:text", "cs2Label=Zone Name", "flexNumber1:long", "flexNumber1Label=Count", "dlat:double"],
    ["act:text", "dtz:text", "cat:text", "rt:time", "msg:text", "reason:text"],
    ["customKey:text", "another_key:text", "cs3:text", "cs3Label:text", "cs4:text"],
    ["src:text", "src:text", "msg:text"],
    ["request:text", "cn2:boolean", "cn2Label=isSigned", "cs6:text", "cs6Label=IncidentLink"],
    [],
]
VALUES: Final = {
    "text": TEXTS,
    "long": LONGS,
    "double": DOUBLES,
    "time": TIMES,
    "boolean": BOOLEANS,
}
USUAL: Final = {
    "text": ["x", "system", "192.0.2.7", "some words here", "C:\\\\Temp\\\\a.exe", "grün"],
    "long": ["1", "443", "65535"],
    "double": ["0.5", "1.25", "100.0"],
    "time": ["1700000000123", "1767323045000"],
    "boolean": ["true", "0"],
}


def frame(rng: random.Random) -> bytes:
    """One frame; in about half of them something is odd."""
    oddity = rng.choice([0.0, 0.0, 0.05, 0.05, 0.2, 0.5])

    def pick(usual: list[str], odd: list[str]) -> str:
        return rng.choice(odd if rng.random() < oddity else usual)

    head = pick(HEADS[:3] + HEADS[7:8], HEADS)
    severity = pick(SEVERITIES[:6], SEVERITIES)
    header = [pick([usual], HEADER) for usual in ("Example", "Gate", "1.0", "7", "Door opened")]
    if rng.random() < 0.3:
        header[0] = "Cybereason"
    version = pick(["0", "1"], ["0", "1", "2", "0.1", " 0", "x"])
    text = f"{head}CEF:{version}|{'|'.join([*header, severity])}|" + extension(rng, pick)
    data = text.encode("utf-8", "surrogatepass")
    return mutated(data, rng) if rng.random() < oddity / 4 else data


def extension(rng: random.Random, pick: object) -> str:
    """The pairs of one shape; sometimes odd separators."""
    parts = []
    for item in rng.choice(SHAPES):
        key, _, kind = item.partition(":")
        if not kind:
            parts.append(item)
        else:
            parts.append(f"{key}={pick(USUAL[kind], VALUES[kind])}")  # type: ignore[operator]
    separator = pick([" "], [" ", "  ", "\t", " \t", "\n"])  # type: ignore[operator]
    end = pick([""], ["", " ", "\t", " x", " x=", "\r", "|"])  # type: ignore[operator]
    start = pick([""], ["", " ", "\t", "words "])  # type: ignore[operator]
    return f"{start}{separator.join(parts)}{end}"


def mutated(data: bytes, rng: random.Random) -> bytes:
    """With one octet changed, taken out or put in."""
    place = rng.randrange(len(data))
    what = rng.choice([b"", bytes([rng.randrange(256)]), b"=", b"|", b"\\", b" "])
    return data[:place] + what + data[place + rng.randrange(2) :]
