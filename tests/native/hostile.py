"""Hostile records for the differential tests: vendors' own ones damaged, wide ones, long ones."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from bridge.testing.samples import cybereason
from tests.native.records import DOUBLES, HEADS, LONGS, TEXTS, TIMES, mutated

VENDORS: Final = Path(__file__).parent.parent / "data" / "cef" / "vendors"
INSERTS: Final = [
    *(
        b"\xff",
        b"\xc3",
        b"\xe2\x82",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xc0\xaf",
        b"\xef\xbb\xbf",
    ),
    *(
        b"\0",
        b"\r",
        b"\n",
        b"\t",
        b"\x0b",
        b"\x1f",
        b"\x7f",
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"\xc2\xa0",
    ),
    *(
        b"\\",
        b"\\\\",
        b"\\=",
        b"\\|",
        b"\\n",
        b"\\r",
        b"\\x",
        b"=",
        b"==",
        b" =",
        b"= ",
        b"|",
        b"||",
    ),
    *(b" a=", b" src=", b" cs1Label=", b"Label", b" msg=x msg=y", b" cn1=9223372036854775808"),
    *(b"CEF:", b"CEF:0|", b"<134>", b"<134>1 ", b"Jan  2 03:04:05 ", b'"', b"'", b"[a@1 b=", b"]"),
]
KEYS: Final = [
    *(
        "src",
        "dst",
        "spt",
        "dpt",
        "rt",
        "start",
        "end",
        "msg",
        "request",
        "suser",
        "fname",
        "fsize",
    ),
    *("cs1", "cs1Label", "cs6", "cs6Label", "cn1", "cn1Label", "cfp1", "cfp1Label", "flexString1"),
    *("flexString1Label", "flexNumber2", "flexNumber2Label", "flexDate1", "flexDate1Label", "in"),
    *("c6a2", "c6a2Label", "deviceCustomDate1", "deviceCustomDate1Label", "oldFileSize", "ad.key"),
    *("_x", "-x", "x-y", "x.y", "x[0]", "x:y", "1st", "Ünal", "k" * 64, "k" * 1025, "message"),
    *("host", "level", "timestamp", "version", "id", "_id", "short_message", "full_message", "cat"),
]


@cache
def vendors() -> list[bytes]:
    """One frame of each case of the vendors' table, and the samples."""
    cases = [
        case["frame"]
        for path in sorted(VENDORS.glob("*.yaml"))
        for case in yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
    ]
    return [frame.encode() for frame in [*cases, *(sample.original for sample in cybereason())]]


def damaged(rng: random.Random) -> bytes:
    """A vendor's record with up to six changes; the tenth part stays whole, so that all are met."""
    data = rng.choice(vendors())
    for _ in range(rng.choice([0, 1, 1, 1, 2, 2, 3, 4, 5, 6])):
        data = change(data, rng)
    return data


def change(data: bytes, rng: random.Random) -> bytes:
    """One change: something put in, an octet, a cut, a piece twice, pieces exchanged, growth."""
    what = rng.randrange(8)
    first, second = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    if what < 3:
        return data[:first] + rng.choice(INSERTS) + data[first:]
    if what == 3:
        return mutated(data, rng) if data else data
    if what == 4:
        return data[:first] + data[min(second, first + 12) :]
    if what == 5:
        return data[:second] + data[first:]
    if what == 6:
        return data[second:] + data[:first]
    return data[:first] + rng.choice([b"x", b"\xc3\xbc", b"\\\\", b" a=1"]) * 400 + data[first:]


def wide(rng: random.Random) -> bytes:
    """A record of up to 300 pairs, with labels that fit, labels that do not, and keys twice."""
    values = rng.choice([TEXTS, LONGS, DOUBLES, TIMES])
    pairs = [f"{key(rng)}={rng.choice(values)}" for _ in range(rng.choice([1, 3, 20, 64, 65, 300]))]
    text = f"{rng.choice(HEADS)}CEF:0|Example|Gate|1.0|7|Wide|5|{' '.join(pairs)}"
    return text.encode("utf-8", "surrogatepass")


def key(rng: random.Random) -> str:
    """A known key, an odd one, or one out of very many."""
    return rng.choice(KEYS) if rng.random() < 0.7 else f"key{rng.randrange(2000)}"
