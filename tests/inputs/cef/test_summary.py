"""The human line and the level."""

from __future__ import annotations

import pytest

from bridge.cef import parse
from bridge.inputs.cef import summary

HEAD = "CEF:0|Acme|Gate|1.0|7|Login|5|"


@pytest.mark.parametrize(
    ("frame", "line"),
    [
        (HEAD, "Acme: Login (severity 5)"),
        (HEAD + "duser=eve dhost=pc-1", "Acme: Login (severity 5), user eve, host pc-1"),
        (
            HEAD + "src=192.0.2.1 spt=99 dst=2001:db8::1 dpt=443",
            "Acme: Login (severity 5), from 192.0.2.1:99, to [2001:db8::1]:443",
        ),
        (HEAD + "duser=None suser=bob fname=-", "Acme: Login (severity 5), user bob"),
        (HEAD + r"msg=two\nlines", "Acme: Login (severity 5): two lines"),
        ("CEF:0||Gate|1.0|7||High|", "Gate: 7 (severity High)"),
        ("CEF:0||||||5|", ""),
        ("hello", ""),
    ],
)
def test_the_line_tells_who_and_where(frame: str, line: str) -> None:
    assert summary.line(parse(frame)) == line


def test_a_vendor_s_own_keys_may_end_the_line() -> None:
    record = parse(HEAD + "msg=no summary=yes")
    assert summary.line(record, ("summary", "msg")) == "Acme: Login (severity 5): yes"


def test_the_line_is_never_long() -> None:
    line = summary.line(parse(HEAD + "msg=" + "word " * 10_000 + " duser=" + "x" * 10_000))
    assert len(line) == summary.MAX_LINE
    assert line.endswith("…")


@pytest.mark.parametrize(
    ("frame", "level"),
    [
        ("CEF:0|A|B|1|2|n|0|", 6),
        ("CEF:0|A|B|1|2|n|6|", 4),
        ("CEF:0|A|B|1|2|n|High|", 3),
        ("CEF:0|A|B|1|2|n|very-high|", 2),
        ("CEF:0|A|B|1|2|n|odd|", 5),
        ("<131>Feb 28 11:00:00 gw CEF:0|A|B|1|2|n|odd|", 3),
        ("<131>Feb 28 11:00:00 gw CEF:0|A|B|1|2|n|10|", 2),
    ],
)
def test_the_level_follows_the_severity_else_the_envelope(frame: str, level: int) -> None:
    assert summary.level(parse(frame)) == level
