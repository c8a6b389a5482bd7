"""What rsyslog and syslog-ng pass on arrives as if it had come directly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from bridge.event import Event
from tests.inputs.cef.relays import LINES, OCTETS, TLS, Relay, Rsyslog, SyslogNg
from tests.inputs.cef.running import running, send

MakeRelay = Callable[[Path, Path], Relay]
RELAYS: dict[str, MakeRelay] = {
    "rsyslog, octets counted": lambda folder, _: Rsyslog(folder, OCTETS),
    "rsyslog, lines": lambda folder, _: Rsyslog(folder, LINES),
    "rsyslog, TLS": lambda folder, ca: Rsyslog(folder, f"{OCTETS} {TLS}", ca),
    "syslog-ng, octets counted": lambda folder, _: SyslogNg(folder, "syslog"),
    "syslog-ng, lines": lambda folder, _: SyslogNg(folder, "network"),
}


def lines(count: int) -> list[bytes]:
    """Records with escapes, several octets a character, and both kinds of header."""
    return [(header(number) + record(number)).encode() for number in range(count)]


def header(number: int) -> str:
    host = f"gate-{number % 7}"
    if number % 2:
        return f"<134>1 2026-01-02T03:04:05.{number % 1000:03}Z {host} sensor 77 - - "
    return f"<134>Jan  2 03:04:{number % 60:02} {host} sensor: "


def record(number: int) -> str:
    return (
        f"CEF:0|Example|Gate|1.0|7|Zugriff \\| geprüft|{number % 11}|"
        f"rt={1_767_323_045_000 + number} externalId={number} src=192.0.2.{number % 250} "
        f"request=https://example.org/?id\\={number} "
        f"filePath=C:\\\\Users\\\\größe{number} cs1=Zone {number % 5} cs1Label=Zone msg=done\n"
    )


async def arrived(count: int, options: dict[str, Any], relay: Relay | None) -> dict[str, Event]:
    """The events of `count` lines, by their number; sent directly or through a relay."""
    async with running(**options) as front:
        if relay is None:
            await send(front, b"".join(lines(count)))
            events = await front.emit.wait_for(count)
        else:
            async with relay.running(front.address[1]):
                await relay.send(lines(count))
                events = await front.emit.wait_for(count)
        assert len(events) == count
        return {str(event["cef_external_id"]): dict(event) for event in events}


async def compare(name: str, count: int, folder: Path) -> None:
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    server.private_key_pem.write_to_path(folder / "key.pem")
    for part in server.cert_chain_pems:
        part.write_to_path(folder / "cert.pem", append=True)
    section = {"certificate": str(folder / "cert.pem"), "key": str(folder / "key.pem")}
    options = {"tls": section} if "TLS" in name else {}
    relay = RELAYS[name](folder, folder / "ca.pem")
    relayed = await arrived(count, options, relay)
    direct = await arrived(count, {}, None)
    assert len(direct) == count
    if relay.adds_header:
        relayed, direct = without_header(relayed), without_header(direct)
    assert relayed == direct


def without_header(events: dict[str, Event]) -> dict[str, Event]:
    """What does not come from the syslog header, or from finding a second one behind it."""
    return {
        number: {
            name: value
            for name, value in event.items()
            if name not in ("host", "full_message", "bridge_flags")
            and not name.startswith("syslog_")
        }
        for number, event in events.items()
    }


@pytest.mark.parametrize("name", RELAYS)
async def test_a_relay_changes_nothing(name: str, tmp_path: Path) -> None:
    await compare(name, 2_000, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", RELAYS)
async def test_a_hundred_thousand_events_arrive_equal(name: str, tmp_path: Path) -> None:
    await compare(name, 100_000, tmp_path)
