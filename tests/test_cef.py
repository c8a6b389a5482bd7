"""What holds for every CEF record: nothing is lost, nothing is invented, nothing raises."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.cef import DICTIONARY, custom, lookup, parse, plans
from bridge.cef.record import HEADER

WHITE = " \t\r\n\v\f"
START = "CEF:0|V|P|1|i|n|5|"

TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from("\\|=\n\r \t\"'nr"))
KEYS = st.sampled_from([*DICTIONARY]) | st.from_regex(r"[A-Za-z0-9]{1,12}", fullmatch=True)
ENVELOPES = st.sampled_from(
    ["", "<134>", "<134>Feb  3 01:02:03 gate ", "<13>1 2024-04-05T19:34:38Z gate app 7 - - \ufeff"]
)
# Records out of what makes records go wrong.
# Underscores stand for blanks.
SCRAP = r"""CEF:0| | \ = _ __ \= \\ " a= _b= _src=1 x ö ?y= _cs1= _cs1Label= _rt= 1712345678901
    ad.z[0],q= <134> CEF:0|V|P|1|i|n|5|"""
SCRAPS = st.lists(
    st.sampled_from([*SCRAP.split(), "\t", "\n", "\r\n", "\0", "\xa0"]),
    max_size=40,
).map(lambda scraps: "".join(scraps).replace("_", " "))


def write(header: list[str], pairs: dict[str, str]) -> str:
    """A record as the CEF guide has it, sections "Header information" and "Character encoding"."""
    fields = [text.replace("\\", "\\\\").replace("|", "\\|") for text in header]
    escapes = str.maketrans({"\\": "\\\\", "=": "\\=", "\n": "\\n", "\r": "\\r"})
    extension = " ".join(f"{key}={value.translate(escapes)}" for key, value in pairs.items())
    return "|".join(["CEF:0", *fields, extension])


def cut_last(pairs: dict[str, str]) -> dict[str, str]:
    """White space at the end of the last value is nobody's; escaped line breaks are no white."""
    if pairs:
        last = [*pairs][-1]
        return pairs | {last: pairs[last].rstrip(" \t\v\f")}
    return pairs


@given(
    envelope=ENVELOPES,
    header=st.lists(TEXTS, min_size=5, max_size=5),
    severity=st.integers(0, 10),
    pairs=st.dictionaries(KEYS, TEXTS, max_size=12),
)
@example(envelope="", header=[""] * 5, severity=0, pairs={"src": "\0\1", "act": "\1="})
@example(envelope="", header=[""] * 5, severity=0, pairs={"src": "\0\1", "act": "\1\0"})
def test_what_is_written_by_the_standard_is_read_back(
    envelope: str, header: list[str], severity: int, pairs: dict[str, str]
) -> None:
    record = parse(envelope + write([*header, str(severity)], pairs))
    assert list(record.header.values()) == ["0", *header, str(severity)]
    assert record.extensions == cut_last(pairs)
    assert list(record.extensions) == list(pairs)
    assert (record.prefix, record.leftover, record.duplicates) == ("", "", [])
    readings = {"number_unreadable", "time_unreadable", "epoch_not_milliseconds"}
    assert record.flags <= readings | {"zone_unknown", "zone_ambiguous"}


@given(frame=st.text() | st.binary() | SCRAPS | SCRAPS.map(str.encode))
@example(frame="")
@example(frame='"')
@example(frame="CEF:0|V|P|1|i|n|5|rt=0001-01-01 00:00:00 +15:00")
@example(frame="CEF:0|V|P|1|i|n|5|rt=9999-12-31 23:59:59 -15:00 dtz=../../etc/passwd")
@example(frame="CEF:0|V|P|1|i|n|5|cn1=" + "9" * 5000)
@example(frame="CEF:0|V|P|1|i|n|5|rt=99999999999999999999")
def test_nothing_raises(frame: str | bytes) -> None:
    now = datetime(2024, 4, 5, tzinfo=UTC)
    for options in ({}, {"escapes": False}, {"quotes": True}, {"encoding": "no such"}):
        record = parse(frame, **options)  # type: ignore[arg-type]
        record.labelled()
        record.typed()
        record.severity_band()
        record.event_time(now)
        record.event_time(timezone="Europe/Berlin")
        for key in record.extensions:
            record.timestamp(key, now)


@given(SCRAPS)
def test_every_letter_of_the_extension_is_somewhere(text: str) -> None:
    """Only separators are taken away: white space between pairs and the equals sign of a pair."""
    record = parse(START + text, escapes=False)
    parts = [record.leftover, *(word for pair in record.duplicates for word in pair)]
    parts += [word for pair in record.extensions.items() for word in pair]
    separators = set(WHITE + "=")
    kept = Counter(letter for letter in "".join(parts) if letter not in separators)
    if "quoted_record" not in record.flags:
        assert kept == Counter(letter for letter in text if letter not in separators)


@given(text=SCRAPS)
@example(text="a=1 b=2 b\\=3")
def test_pairs_are_those_that_a_slow_reader_finds(text: str) -> None:
    """The same rules, read letter by letter: `word=` behind white space begins a pair."""
    record = parse(START + text)
    if "quoted_record" in record.flags:
        return
    pairs, leftover = slow_pairs(text.rstrip(WHITE))
    assert sorted([*record.duplicates, *record.extensions.items()]) == sorted(pairs)
    assert record.extensions == dict(pairs)
    assert record.leftover == leftover.strip(WHITE)


def slow_pairs(text: str) -> tuple[list[tuple[str, str]], str]:
    """Pairs and what stands before the first of them."""
    word = r"\w[\w\-\[\]]*(?:\.[\w.,\-\[\]]*)?"
    unescaped = re.match(r"(?:[^=\\]|\\.|\\\Z)*", text, re.DOTALL)
    head = unescaped[0] if unescaped else ""
    starts = []
    first = re.search(r"(?:^|(?<=[ \t\r\n|]))([\w:/@][\w.,:/@\-\[\]]*)[ \t\r\n\v\f]*\Z", head)
    if first and len(head) < len(text):
        before = head[: first.start()].strip(WHITE)
        if not before or re.fullmatch(word, first[1]):
            starts.append((first.start(), len(head) + 1, first[1]))
    later = re.finditer(rf"(?<=[ \t\r\n])({word})=", text)
    starts += [(m.start(), m.end(), m[1]) for m in later if m.start() > len(head)]
    ends = [start for start, _, _ in starts[1:]]
    values = [
        re.sub(r"(?:[\r\n][ \t\r\n]*|[ \t])\Z", "", text[start:end])
        for (_, start, _), end in zip(starts, ends, strict=False)
    ]
    if not starts:
        return [], text
    keys = [key for _, _, key in starts]
    values = [unescape(value) for value in (*values, text[starts[-1][1] :])]
    return list(zip(keys, values, strict=True)), text[: starts[0][0]]


def unescape(value: str) -> str:
    letters = {"\\": "\\", "=": "=", "n": "\n", "r": "\r"}
    return re.sub(r"\\(.)", lambda m: letters.get(m[1], m[0]), value, flags=re.DOTALL)


@given(text=SCRAPS | st.dictionaries(KEYS, TEXTS, max_size=6).map(lambda p: write([""] * 6, p)))
def test_a_sequence_of_keys_is_read_alike_when_it_comes_again(text: str) -> None:
    """The first time takes the long way, the second the short one."""
    plans._plans.clear()
    for options in ({}, {"escapes": False}):
        assert parse(START + text, **options) == parse(START + text, **options)  # type: ignore[arg-type]
        assert parse(text, **options) == parse(text, **options)  # type: ignore[arg-type]


@given(text=TEXTS, key=st.sampled_from(["src", "suser", "act"]))
def test_an_escaped_value_cannot_forge_a_field(text: str, key: str) -> None:
    record = parse(write(["V", "P", "1", "i", "n", "5"], {"msg": f"{text} {key}=forged"}))
    assert [*record.extensions] == ["msg"]


@given(st.dictionaries(KEYS, TEXTS, max_size=12))
def test_labels_lose_no_value(pairs: dict[str, str]) -> None:
    record = parse(write(["V", "P", "1", "i", "n", "5"], pairs))
    labels = record.labels()
    names = set(labels.values())
    assert len(names) == len(labels)
    assert not names & set(record.extensions)
    kept = Counter(record.labelled().values())
    assert kept + Counter(labels.values()) == Counter(record.extensions.values())


def test_a_frame_is_an_event_of_nothing_but_its_envelope_when_there_is_no_record() -> None:
    record = parse(b"<13>Feb  3 01:02:03 gate app: text")
    assert record.flags == {"not_cef"}
    assert set(record.header) == set(HEADER)
    assert set(record.header.values()) == {None}
    assert (record.extensions, record.duplicates, record.leftover) == ({}, [], "")
    assert record.envelope.message == "text"


def test_records_do_not_share_what_can_be_changed() -> None:
    first, second = parse("text"), parse("text")
    assert first == second
    assert first.header is not second.header
    assert first.extensions is not second.extensions


@pytest.mark.parametrize(
    ("key", "full_name", "kind"),
    [
        ("act", "deviceAction", "text"),
        ("dpt", "destinationPort", "long"),
        ("dmac", "destinationMacAddress", "mac"),
        ("c6a1", "deviceCustomIPv6Address1", "address"),
        ("cfp4Label", "deviceCustomFloatingPoint4Label", "text"),
        ("flexString1Label", "flexString1Label", "text"),
        ("slat", "sourceGeoLatitude", "double"),
        ("rt", "deviceReceiptTime", "time"),
        ("in", "bytesIn", "long"),
        ("fname", "filename", "text"),
        ("customerKey", "Customer Key", "long"),
        ("_cefVer", "_cefVer", "text"),
    ],
)
def test_the_dictionary_has_names_and_kinds(key: str, full_name: str, kind: str) -> None:
    assert DICTIONARY[key] == (full_name, kind)


def test_the_dictionary_is_complete() -> None:
    """174 keys of the guide's version 27, 17 that are common beside them."""
    assert len(DICTIONARY) == 191
    assert len({key.lower() for key in DICTIONARY}) == 191
    kinds = Counter(meaning.kind for meaning in DICTIONARY.values())
    assert kinds == {"text": 123, "long": 31, "double": 8, "time": 13, "address": 12, "mac": 4}


@pytest.mark.parametrize("key", ["Dpt", "DPT", "dpt"])
def test_keys_are_looked_up_in_any_case(key: str) -> None:
    assert lookup(key) == ("destinationPort", "long")


def test_custom_fields_may_have_any_number() -> None:
    assert lookup("cs77") == ("deviceCustomString77", "text")
    assert lookup("cn12Label") == ("deviceCustomNumber12Label", "text")
    assert custom("FlexDate3label") == ("flexDate", 3, True)
    for key in ("cs", "csLabel", "xcs1", "cs1234", "cs1Labels", "x" * 100_000):
        assert lookup(key) is None
        assert custom(key) is None


def test_the_parser_is_imported_in_a_few_milliseconds() -> None:
    """A plugin or a script that only parses must not pay for the bridge."""
    code = (
        "import re, sys, typing, datetime, time; start = time.process_time(); import bridge.cef;"
        "print(time.process_time() - start);"
        "costly = {'asyncio', 'socket', 'pydantic', 'yaml', 'dataclasses', 'zoneinfo'};"
        "print(*costly & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, drawn_in = run.stdout.split("\n")[:2]
    assert drawn_in == ""
    assert float(seconds) < 0.1
