"""What the input can be told, and what is said to what it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trustme

from bridge.config import load
from bridge.errors import BridgeError, ConfigError
from bridge.inputs.cef import CefConfig, CefInput
from tests.inputs.cef.running import running, send

VERIFYING = {"certificate": "server.pem", "verify_clients": "server.pem"}


def write_certificate(folder: Path) -> None:
    issued = trustme.CA().issue_cert("localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")


class OnlyCef:
    """A registry in which everything is this input."""

    def component(self, kind: str, name: str) -> type[CefInput]:
        return CefInput

    def types(self, kind: str) -> list[str]:
        return ["cef"]


def problems(options: str, folder: Path) -> list[str]:
    text = f"""
inputs:
  front: {{type: cef, {options}}}
outputs:
  other: {{type: cef, address: "localhost:5514"}}
spool: {{directory: /tmp/spool}}
"""
    with pytest.raises(ConfigError) as caught:
        load(text, str(folder / "bridge.yaml"), {}, OnlyCef())
    return [str(problem).partition("bridge.yaml:3:")[2] for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("address: here", "inputs.front.address: must be HOST:PORT"),
        ('address: ":::1"', "inputs.front.address: "),
        ("address: 'localhost:1', transport: tpc", "inputs.front.transport: "),
        ("address: 'localhost:1', timezone: IST", "inputs.front.timezone: 'IST' names several"),
        ("address: 'localhost:1', timezone: Mars/Nord", "inputs.front.timezone: 'Mars/Nord' is no"),
        ("address: 'localhost:1', fallback_encoding: base64", "is no encoding that is known"),
        ("address: 'localhost:1', allow_from: [192.0.2.1/24]", "inside of 192.0.2.0/24"),
        ("address: 'localhost:1', max_frame_bytes: 1", "inputs.front.max_frame_bytes"),
        ("address: 'localhost:1', vendor_tables: [own.yaml]", "own.yaml: fields.x: "),
        ("address: 'localhost:1', vendor_tables: [none.yaml]", "none.yaml: cannot be read"),
        ("address: 'localhost:1', transport: udp, proxy_protocol: true", "needs transport: tcp"),
        (
            "address: 'localhost:1', transport: udp, tls: {certificate: server.pem}",
            "tls needs transport: tcp or both",
        ),
        (
            "address: 'localhost:1', tls: {certificate: own.yaml}",
            "own.yaml cannot be used: not PEM",
        ),
    ],
)
def test_what_cannot_be_is_refused_at_its_place(
    options: str, complaint: str, tmp_path: Path
) -> None:
    (tmp_path / "own.yaml").write_text("{vendor: Own, fields: {x: 7}}")
    write_certificate(tmp_path)
    (found,) = problems(options, tmp_path)
    assert complaint in found


def test_a_port_belongs_to_one_input(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(
            "inputs:\n"
            "  a: {type: cef, address: 'localhost:5514'}\n"
            "  b: {type: cef, address: 'localhost:5514', transport: both}\n"
            "  c: {type: cef, address: 'localhost:5515', transport: udp}\n"
            "  d: {type: cef, address: 'localhost:5515'}\n"
            "outputs:\n"
            "  other: {type: cef, address: 'localhost:0'}\n"
            "spool: {directory: spool}\n",
            str(tmp_path / "bridge.yaml"),
            {},
            OnlyCef(),
        )
    assert [str(one).rpartition("bridge.yaml")[2] for one in caught.value.problems] == [
        ":3:3: inputs.b: tcp localhost:5514 is already that of inputs.a; each needs its own"
    ]


def config(**options: Any) -> CefConfig:
    return CefConfig.model_validate({"type": "cef"} | options)


@pytest.mark.parametrize(
    ("options", "number"),
    [
        ({"address": "127.0.0.1:5514"}, 0),
        ({"address": "[::1]:5514"}, 0),
        ({"address": "0.0.0.0:5514"}, 1),
        ({"address": "0.0.0.0:5514", "allow_from": ["192.0.2.0/24"]}, 0),
        ({"address": "0.0.0.0:5514", "tls": {"certificate": "server.pem"}}, 1),
        ({"address": "0.0.0.0:5514", "tls": VERIFYING}, 0),
        ({"address": "0.0.0.0:5514", "transport": "both", "tls": VERIFYING}, 1),
    ],
)
def test_an_open_door_is_warned_of(
    options: dict[str, Any], number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_certificate(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert len(config(**options).warnings()) == number


async def test_the_warning_is_logged_when_the_input_starts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running(address="0.0.0.0:0"):
        assert "anybody who reaches 0.0.0.0:0 can send events" in caplog.text


async def test_the_options_for_odd_senders_reach_the_parser(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("{vendor: Example, fields: {path_of_file: {from: [thePath]}}}")
    options = {"escapes": False, "quotes": True, "keep_short_keys": True, "timezone": "+02:00"}
    async with running(vendor_tables=[str(own)], **options) as front:
        extension = r'thePath=C:\new cs1="a b=c" cs1Label=Rule rt=Dec 19 2017 15:58:14'
        await send(front, f"CEF:0|Example|Gate|1.0|7|Login|5|{extension}".encode())
        (event,) = await front.emit.wait_for(1)
        assert event["example_path_of_file"] == r"C:\new"
        assert event["example_rule"] == event["cef_device_custom_string1"] == '"a b=c"'
        assert event["cef_device_receipt_time"] == "2017-12-19T13:58:14.000000Z"


async def test_check_says_what_would_fail_at_the_start() -> None:
    async with running() as front:
        host, port = front.address
        front.input.config = config(address=f"{host}:{port}")
        with pytest.raises(BridgeError, match="another program listens there"):
            await front.input.check()
        front.input.config = config(address=f"{host}:0", transport="both")
        await front.input.check()
