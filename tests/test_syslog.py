"""Frames out of streams and datagrams, and the headers of frames."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.syslog import Framer, parse_envelope, split_datagram

DATA = Path(__file__).parent / "data" / "framing"

Case = dict[str, Any]
Frames = list[tuple[bytes, frozenset[str]]]


def load(name: str) -> list[Any]:
    cases = yaml.load((DATA / f"{name}.yaml").read_text("utf-8"), yaml.CSafeLoader)
    return [pytest.param(case, id=f"{case['row']}-{case['why'][:60]}") for case in cases]


def feed(framer: Framer, chunks: list[bytes]) -> Frames:
    """Everything that comes out, with its repairs."""
    found: Frames = []
    for chunk in chunks:
        frames = framer.feed(chunk)
        found += [(frame, framer.flags.get(i, frozenset())) for i, frame in enumerate(frames)]
    frames = framer.finish()
    return found + [(frame, framer.flags.get(i, frozenset())) for i, frame in enumerate(frames)]


def octets(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


@pytest.mark.parametrize("case", load("stream"))
def test_a_stream_is_cut_as_the_decision_table_says(case: Case) -> None:
    """Rows 121-133 and 83; `why` of the case gives the reason."""
    stream = case["stream"] if isinstance(case["stream"], list) else [case["stream"]]
    chunks = [chunk.encode() for chunk in stream]
    flags = case.get("flags", {})
    expected = [
        (text.encode(), frozenset(flags.get(index, ())))
        for index, text in enumerate(case["frames"])
    ]
    options = case.get("options", {})
    assert feed(Framer(**options), chunks) == expected
    if not case.get("whole") and len(chunks) == 1:
        assert feed(Framer(**options), octets(chunks[0])) == expected
    if case.get("unfinished"):
        assert Framer(**options).feed(chunks[0]) == [frame for frame, _ in expected]


@pytest.mark.parametrize("case", load("datagram"))
def test_a_datagram_is_split_as_the_decision_table_says(case: Case) -> None:
    """Rows 16, 82, 132 and 134; `why` of the case gives the reason."""
    frames = split_datagram(case["datagram"].encode())
    assert frames == [text.encode() for text in case["frames"]]


def test_every_row_about_frames_has_a_case() -> None:
    rows = {param.values[0]["row"] for name in ("stream", "datagram") for param in load(name)}
    assert rows >= set(range(121, 135))


def counted(frame: bytes) -> bytes:
    return b"%d %b" % (len(frame), frame)


DELIMITED_HEADERS = [
    b"<134>",
    b"<13>1 2024-04-05T19:34:38Z gate a - - - ",
    b"Feb  3 01:02:03 ",
    b"",
]
COUNTED_HEADERS = [b"<134>", b"<13>1 2024-04-05T19:34:38Z gate a - - - ", b"1 - - - - - - ", b""]


def framed(headers: list[bytes], text: Any, methods: list[Any]) -> Any:
    """Pairs of a frame and its octets on the wire."""
    frame = st.builds(
        lambda header, value: header + b"CEF:0|V|P|1|i|n|5|msg=" + value.encode() + b".",
        st.sampled_from(headers),
        text,
    )
    return st.builds(lambda frame, method: (frame, method(frame)), frame, st.sampled_from(methods))


ONE_LINE = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"))
FRAMED = framed(
    DELIMITED_HEADERS,
    ONE_LINE,
    [
        lambda frame: frame + b"\n",
        lambda frame: frame + b"\r\n",
        lambda frame: frame + b"\0",
        lambda frame: frame + b"\n\r\n\0",
    ],
) | framed(
    COUNTED_HEADERS,
    st.text(st.characters(codec="utf-8")),
    [counted, lambda frame: counted(frame) + b"\n", lambda frame: counted(frame) + b"\0"],
)


@given(pairs=st.lists(FRAMED, max_size=6), cuts=st.lists(st.integers(0, 2000), max_size=8))
def test_any_mixture_of_framings_in_any_chunks_gives_the_frames(pairs: Any, cuts: Any) -> None:
    stream = b"".join(wire for _, wire in pairs)
    places = sorted({0, *(cut % (len(stream) + 1) for cut in cuts), len(stream)})
    expected = [(frame, frozenset()) for frame, _ in pairs]
    assert feed(Framer(), [stream[start:end] for start, end in pairwise(places)]) == expected
    assert feed(Framer(), octets(stream)) == expected


SCRAP = (
    "<134> CEF:0| 12_ 7_CEF:0|b 300_<13> \n \r\n \0 1_ x _ 999999999999 ö Feb__3_ 99_<1>CEF:0|abc"
)
SCRAPS = st.lists(st.sampled_from(SCRAP.split(" ")), max_size=30).map(
    lambda scraps: "".join(scraps).replace("_", " ").encode()
)


@given(stream=SCRAPS | st.binary(), limit=st.integers(1, 40), join=st.booleans())
@example(stream=b"1 <1>", limit=1, join=False)
def test_no_octet_but_delimiters_and_counts_is_lost(stream: bytes, limit: int, join: bool) -> None:
    """Whatever comes, every letter of it comes out, in frames that keep the limit."""
    found = feed(Framer(limit, join_lines=join), [stream[:50], stream[50:]])
    kept = b"".join(frame for frame, _ in found)
    remaining = iter(stream)
    assert all(octet in remaining for octet in kept), "what comes out comes in that order"
    not_counted = set(b"\xff\xc3\xb6xCEFb<>|:")
    assert [c for c in kept if c in not_counted] == [c for c in stream if c in not_counted]
    assert all(len(frame) <= limit + 16 for frame, _ in found)


def test_a_frame_that_is_never_finished_costs_bounded_memory() -> None:
    framer = Framer(max_frame=1000)
    for _ in range(100):
        framer.feed(b"x" * 777)
        assert len(framer._data) <= 2000


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="max_frame"):
        Framer(limit)


def test_a_finished_framer_begins_anew() -> None:
    framer = Framer(max_frame=10)
    assert framer.feed(b"99 <134>CEF:0|abc") == [b"<134>CEF:0"]
    assert framer.finish() == [b"|abc"]
    assert framer.feed(b"CEF:0|b\n") == [b"CEF:0|b"]
    assert framer.flags == {}


def test_octets_that_are_no_text_do_not_hurt_the_header() -> None:
    envelope = parse_envelope(b"<13>Feb  3 01:02:03 gate app[7]: caf\xe9")
    assert (envelope.host, envelope.app_name, envelope.proc_id) == ("gate", "app", "7")
    assert envelope.message == "caf\ufffd"


@pytest.mark.parametrize(
    ("frame", "host", "app_name", "message"),
    [
        ("<13>Feb  3 01:02:03 gate sshd[77]: Accepted", "gate", "sshd", "Accepted"),
        ("<13>Feb  3 01:02:03 gate Accepted password", "gate", None, "Accepted password"),
        ("<13>Feb  3 01:02:03 sshd: Accepted", None, "sshd", "Accepted"),
        ("<13>app: text", None, "app", "text"),
        ("<13>text: more", None, "text", "more"),
        ("text: more", None, None, "text: more"),
        ("<13>Feb  3 01:02:03 gate http://example.org", "gate", None, "http://example.org"),
        ("<13>Feb  3 01:02:03", None, None, ""),
        ("<13>Feb  3 01:02:03 gate", "gate", None, ""),
        ("<13>1 2024-04-05T19:34:38Z gate", "gate", None, ""),
        ("<13>1 2024-04-05T19:34:38Z gate app 7 - - text", "gate", "app", "text"),
        ("<13>1 2024-04-05T19:34:38Z gate app 7 - [broken text", "gate", "app", "[broken text"),
        ("<13>1712345678.901 gate text", "gate", None, "text"),
        ("<13>Fri Feb 3 01:02:03 2023 gate app: text", "gate", "app", "text"),
        ("", None, None, ""),
    ],
)
def test_headers_of_plain_syslog_are_read(
    frame: str, host: str | None, app_name: str | None, message: str
) -> None:
    envelope = parse_envelope(frame)
    assert (envelope.host, envelope.app_name, envelope.message) == (host, app_name, message)


@given(st.text() | st.binary())
def test_no_header_can_make_it_raise(frame: str | bytes) -> None:
    parse_envelope(frame)
