"""GELF documents that are right, odd, hostile or broken, for comparisons with the judge."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Final

from hypothesis import strategies as st

from bridge import gelf
from tests.gelf.events import events

KEYS: Final = [
    *("host", "short_message", "message", "full_message", "timestamp", "level", "version"),
    *("line", "file", "facility", "source", "id", "streams", "", " ", "_", "__", "_ x", "x ", "_x"),
    *("_host", "_message", "_short_message", "_source", "_timestamp", "_level", "_line", "_id"),
    *("__id", "__source", "_version", "a.b", "_a.b", "a b", "_a:b", "_é", "_a@b", "_a-b", "_A"),
    *("_gl2_x", "_full_message", "_file", "_facility", "_streams", "__ttl", "__score", "___id"),
]
VALUES: Final = [
    *('"a"', '" a "', '""', '" "', '"\\u0000"', '"\\u00a0"', '"\\ud83d"', '"\\ud83d\\ude00"'),
    *('"a\nb"', '"\x01"', '"\x7f"', '"\\/"', '"\\x"', '"5"', '"5.5"', '"-1"', '"1e3"', '"0x10"'),
    *('"NaN"', '"5f"', '"0x1p3"', '" 5 "', '"5 5"', '"+5"', '"99999999999999999999"'),
    *("0", "-0", "1", "-1", "7", "01", "+1", ".5", "5.", "1.0", "-0.0", "1e3", "1E+3", "1e-7"),
    *("1e308", "1e309", "-1e400", "5e-324", "1e-400", "0.1", "123456789.123456789", "1e22", "1e21"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775809", "2147483648"),
    *("18446744073709551615", "92233720368547758080", "4294967297", "1" * 40, "1" * 1001),
    *("1629500007.0435", "1629500007043", "1629500007.0004999", "0.0004", "253402300800"),
    *("true", "false", "null", "NaN", "Infinity", "nul", "tru", "TRUE"),
    *("[]", "{}", "[1,2]", '["a",null,true,1.0,1e3]', '{"a":{"b":[1.50]}}', "[1,]", "[,]", "{,}"),
    *('{"a":1,"a":2}', '["\\u007f\\u2028\\"\\\\/é"]', "[1e400]", "[-0.0,1e22]", '{"a":1,}'),
    *("[1 2]", '{"a" 1}', "{a:1}", "['a']", "// x", "/* x */ 1", '"open', "[" * 50 + "]" * 50),
]
AFTER: Final = [
    "",
    " ",
    "\n",
    "{}",
    " {}",
    "x",
    ",",
    "]",
    "\x00",
    " null",
    "{",
    '"a"',
    " 1",
    " tru",
]
BEFORE: Final = ["", " ", "\n\t", "\ufeff", "\x00", "//\n"]

keys = st.sampled_from(KEYS) | st.text(max_size=6).map(lambda text: json.dumps(text)[1:-1])
values = st.sampled_from(VALUES) | st.text(max_size=10).map(json.dumps)
second = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", " ", "\n"]),
    st.sampled_from(["null", "true", "false", "-1", "1.5", "1e", "0", "{", '"', "["]),
    st.text(max_size=2),
)
"""The first token of a second document, which is read, and what follows it, which is not."""
pairs = st.tuples(keys, values).map(lambda pair: f'"{pair[0]}":{pair[1]}')


@st.composite
def objects(draw: st.DrawFn) -> str:
    """The text of an object, mostly with what a GELF message needs."""
    needed = ['"host":"h"', '"short_message":"m"'] if draw(st.integers(0, 9)) else []
    inner = needed + draw(st.lists(pairs, max_size=6))
    comma = draw(st.sampled_from([",", ",", ",", ", ", ",\n", " ,", ",,"]))
    closing = draw(st.sampled_from(["}", "}", "}", "}", ",}", " }", "", "]"]))
    return "{" + comma.join(draw(st.permutations(inner))) + closing


@st.composite
def written(draw: st.DrawFn) -> bytes:
    """An object between other texts."""
    before = draw(st.sampled_from(["", "", "", "", *BEFORE]))
    after = draw(st.sampled_from(["", "", "", "", *AFTER]) | second)
    return f"{before}{draw(objects())}{after}".encode("utf-8", "surrogatepass")


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A document in which some bytes are others, or which is cut off."""
    data = bytearray(draw(written()))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(data)))
        data[place : place + draw(st.integers(0, 2))] = draw(st.binary(max_size=3))
    return bytes(data)


@st.composite
def packed(draw: st.DrawFn) -> bytes:
    """A document that is compressed, or looks so."""
    data = draw(written())
    how = draw(st.sampled_from(["zlib", "gzip", "cut", "tail", "two"]))
    if how == "zlib":
        return zlib.compress(data, draw(st.integers(0, 9)))
    whole = gzip.compress(data, mtime=0)
    if how == "cut":
        return whole[: draw(st.integers(0, len(whole)))]
    if how == "tail":
        return whole + draw(st.binary(max_size=4))
    return whole + gzip.compress(draw(written()), mtime=0) if how == "two" else whole


of_encoder = events().map(gelf.encode)
hostile = written() | damaged() | packed() | st.binary(max_size=12)
