"""JSON as Graylog's reader takes it, odd, broken and compressed."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

from bridge import gelf
from tests.gelf.decoded import GOOD, rejection


class TestJson:
    @pytest.mark.parametrize(
        "document",
        [
            '{"host":"h","short_message":"m",}',
            '{"host":"h","short_message":"m","_x":[1,],}',
            '{"host":"h","short_message":"m","_x":"},]"\n,}',
            ' \t\r\n{"host":"h","short_message":"m"}\n',
            '{"host":"h","short_message":"m","_x":"\n\x02"}',
            '{"host":"h","short_message":"m"}{broken',
            '{"host":"h","short_message":"m"} "more',
            '{"host":"h","short_message":"m"}null',
            '{"host":"h","short_message":"m"}null{',
            '{"host":"h","short_message":"m"}true$\u00b2',
            '{"host":"h","short_message":"m"}false\u00b2',
            '{"host":"h","short_message":"m"}null\U0001f600',
        ],
    )
    def test_what_jackson_reads(self, document: str) -> None:
        assert gelf.decode(document.encode()).fields["message"] == "m"

    @pytest.mark.parametrize(
        "document",
        [
            "",
            " ",
            "  ",
            "null",
            "{,}",
            '{"host":"h","short_message":"m",,}',
            '{"host":"h","short_message":"m","_x":[,]}',
            '{"host":"h","short_message":"m"',
            '{"host":"h","short_message":"m"}x',
            '{"host":"h","short_message":"m"}\x00',
            '{"host":"h","short_message":"m"},',
            '{"host":"h","short_message":"m"}01',
            '{"host":"h","short_message":"m"}nullx',
            '{"host":"h","short_message":"m"}null\x7f',
            '{"host":"h","short_message":"m"}true\u20ac',
            '{"host":"h","short_message":"m"}false\ufeff{}',
            '\ufeff{"host":"h","short_message":"m"}',
            '{"host":"h","short_message":"m","_x":NaN}',
            '{"host":"h","short_message":"m","_x":-Infinity}',
            '{"host":"h","short_message":"m","_x":01}',
            '{"host":"h","short_message":"m","_x":"\\x"}',
            "{'host':'h','short_message':'m'}",
            '{"host":"h","short_message":"m","_x":%s}' % ("1" * 1001),
            '{"host":"h","short_message":"m","_x":1.%s}' % ("0" * 1000),
            '{"host":"h","short_message":"m","%s":1}' % ("n" * 50_001),
        ],
    )
    def test_what_jackson_does_not_read(self, document: str) -> None:
        rejection(document)

    def test_only_the_first_of_two_documents_is_taken_and_that_is_said(self) -> None:
        document = b'{"host":"h","short_message":"1"}\n{"host":"h","short_message":"2"}'
        decoded = gelf.decode(document)
        assert decoded.fields["message"] == "1"
        assert decoded.warnings == ("a second document in the same message is ignored",)

    @pytest.mark.parametrize(
        ("bad", "shown"),
        [
            (b"\xff", "\ufffd"),
            (b"\xe2\x82", "\ufffd"),
            (b"\xed\xa0\x80", "\ufffd"),
            (b"\xc0\x80", "\ufffd\ufffd"),
        ],
    )
    def test_what_is_not_utf_8_is_replaced_as_java_does(self, bad: bytes, shown: str) -> None:
        document = b'{"host":"h","short_message":"a' + bad + b'b"}'
        assert gelf.decode(document).fields["message"] == f"a{shown}b"


class TestCompression:
    DOCUMENT = json.dumps(GOOD | {"_x": "é" * 500}).encode()

    @pytest.mark.parametrize("level", [1, 6, 9])
    def test_zlib_is_recognised_at_every_level(self, level: int) -> None:
        assert gelf.decode(zlib.compress(self.DOCUMENT, level)).fields["x"] == "é" * 500

    def test_gzip_is_recognised_in_several_members_too(self) -> None:
        whole = gzip.compress(self.DOCUMENT)
        halves = gzip.compress(self.DOCUMENT[:50]) + gzip.compress(self.DOCUMENT[50:])
        assert gelf.decode(whole) == gelf.decode(halves) == gelf.decode(self.DOCUMENT)

    @pytest.mark.parametrize(
        "payload",
        [
            pytest.param(gzip.compress(DOCUMENT)[:-1], id="gzip that ends too early"),
            pytest.param(zlib.compress(DOCUMENT)[:-1], id="zlib that ends too early"),
            pytest.param(gzip.compress(DOCUMENT)[:-8] + bytes(8), id="a wrong checksum"),
            b"\x1f\x8bnonsense",
            b"\x1fx",
            b"\x1e\x0f0123456789ab",
            b"x\x9cnonsense",
            b"xyz",
            b"{",
        ],
    )
    def test_what_cannot_be_decompressed_is_refused(self, payload: bytes) -> None:
        rejection(payload)

    def test_beyond_eight_mebibytes_the_text_is_cut(self) -> None:
        assert "Unterminated" in rejection(gzip.compress(self.DOCUMENT[:-2] + b"x" * 9_000_000))
