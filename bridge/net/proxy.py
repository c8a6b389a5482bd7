"""The PROXY protocol, versions 1 and 2: who connected to the proxy in front of us.

Source: "The PROXY protocol, versions 1 & 2" by HAProxy. The header comes before everything else,
TLS included, so it is read off the bare socket and not one octet more.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Final

from bridge.errors import BridgeError

SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
MAX_LINE: Final = 107
"""The longest header of version 1, section 2.1."""
MAX_BODY: Final = 4096
"""The most that is read after a version 2 header: addresses and a few extensions."""

_ADDRESS_OCTETS: Final = {1: 4, 2: 16}


class ProxyError(BridgeError):
    """What came first on a connection is no PROXY header."""


async def receive(opened: socket.socket) -> str:
    """Read the header; the address of the client, or empty when the proxy speaks for itself.

    Raises ProxyError; ConnectionError when the peer closes before the header is complete.
    """
    # Both versions are longer than the signature of the second.
    start = await _exactly(opened, len(SIGNATURE))
    if start == SIGNATURE:
        fixed = await _exactly(opened, 4)
        length = int.from_bytes(fixed[2:], "big")
        if length > MAX_BODY:
            raise ProxyError(f"a PROXY header of {length} octets")
        return parse_v2(fixed, await _exactly(opened, length))
    while not start.endswith(b"\n"):
        if len(start) >= MAX_LINE or not start.startswith(b"PROXY "):
            raise ProxyError("the connection does not begin with a PROXY header")
        start += await _exactly(opened, 1)
    return parse_v1(start)


def parse_v1(line: bytes) -> str:
    """The client's address in `PROXY TCP4 192.0.2.7 198.51.100.1 51234 5514`, CRLF included."""
    words = line.removesuffix(b"\r\n").decode("ascii", "replace").split(" ")
    if not line.endswith(b"\r\n") or words[0] != "PROXY":
        raise ProxyError("the connection does not begin with a PROXY header")
    if words[1:2] == ["UNKNOWN"]:
        return ""
    version = {"TCP4": 4, "TCP6": 6}.get(words[1] if len(words) == 6 else "")
    try:
        address = ipaddress.ip_address(words[2] if version else "")
    except ValueError:
        raise ProxyError("a PROXY header without addresses") from None
    if address.version != version:
        raise ProxyError("a PROXY header whose address is of another family than it says")
    return str(address)


def parse_v2(fixed: bytes, body: bytes) -> str:
    """The client's address; `fixed` are the four octets after the signature (section 2.2)."""
    version, command = divmod(fixed[0], 16)
    if version != 2 or command > 1:
        raise ProxyError("a PROXY header of an unknown version or command")
    octets = _ADDRESS_OCTETS.get(fixed[1] >> 4)
    if command == 0 or octets is None:
        return ""
    if len(body) < 2 * octets + 4:
        raise ProxyError("a PROXY header without addresses")
    return str(ipaddress.ip_address(body[:octets]))


async def _exactly(opened: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    data = b""
    while len(data) < size:
        more = await loop.sock_recv(opened, size - len(data))
        if not more:
            raise ConnectionResetError("closed before the PROXY header was complete")
        data += more
    return data
