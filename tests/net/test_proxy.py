"""The PROXY protocol: who connected to the proxy in front of us."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.net.proxy import MAX_BODY, SIGNATURE, ProxyError, parse_v1, parse_v2, receive


def version2(command: int, family: int, body: bytes) -> bytes:
    return SIGNATURE + bytes([0x20 | command, family]) + len(body).to_bytes(2, "big") + body


def addresses(source: str, destination: str) -> bytes:
    packed = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    return packed + (51234).to_bytes(2, "big") + (5514).to_bytes(2, "big")


V4 = version2(1, 0x11, addresses("192.0.2.7", "198.51.100.1"))
V6 = version2(1, 0x21, addresses("2001:db8::7", "2001:db8::1"))
WITH_EXTENSION = version2(1, 0x11, addresses("192.0.2.7", "198.51.100.1") + b"\x04\x00\x01x")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize(
    ("header", "sender"),
    [
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 51234 5514\r\n", "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 51234 5514\r\n", "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", ""),
        (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", ""),
        (V4, "192.0.2.7"),
        (V6, "2001:db8::7"),
        (WITH_EXTENSION, "192.0.2.7"),
        (version2(0, 0x00, b""), ""),
        (version2(1, 0x31, bytes(216)), ""),
    ],
)
async def test_the_header_names_the_sender_and_nothing_more_is_read(
    pair: tuple[socket.socket, socket.socket], header: bytes, sender: str
) -> None:
    ours, theirs = pair
    theirs.sendall(header + b"CEF:0|")
    assert await receive(ours) == sender
    assert ours.recv(100) == b"CEF:0|"


async def test_the_header_may_come_octet_by_octet(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    reading = asyncio.get_running_loop().create_task(receive(ours))
    for octet in V4:
        theirs.send(bytes([octet]))
        await asyncio.sleep(0)
    assert await reading == "192.0.2.7"


@pytest.mark.parametrize(
    "data",
    [
        b"CEF:0|Acme|Gate|1.0|7|Login|5|\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 51234 5514\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 51234 5514\r\n",
        b"PROXY TCP4 here there 51234 5514\r\n",
        b"PROXY TCP4 192.0.2.7\r\n",
        b"PROXY UDP4 192.0.2.7 198.51.100.1 51234 5514\r\n",
        b"PROXY " + b"x" * 200,
        version2(2, 0x11, b""),
        version2(1, 0x11, b"short"),
        SIGNATURE + b"\x11\x11\x00\x00",
        SIGNATURE + b"\x21\x11" + (MAX_BODY + 1).to_bytes(2, "big"),
    ],
)
async def test_anything_else_is_refused(
    pair: tuple[socket.socket, socket.socket], data: bytes
) -> None:
    ours, theirs = pair
    theirs.sendall(data)
    with pytest.raises(ProxyError):
        await receive(ours)


async def test_a_peer_that_leaves_before_the_end_is_noticed(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    theirs.sendall(b"PROXY TCP4 192.0.2.7 ")
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(ConnectionError):
        await receive(ours)


@given(st.binary(max_size=120))
def test_no_octets_break_the_parsers(data: bytes) -> None:
    """They give an address, nothing, or the one error."""
    for read in (lambda: parse_v1(data), lambda: parse_v2(data[:4].ljust(4, b"\0"), data[4:])):
        try:
            found = read()
        except ProxyError:
            continue
        assert not found or ipaddress.ip_address(found)
