"""Sockets to listen on."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any, Final

from bridge.config import Address
from bridge.errors import BridgeError

TRANSPORT_NAMES: Final = {socket.SOCK_STREAM: "tcp", socket.SOCK_DGRAM: "udp"}
ADVICE: Final = {
    errno.EADDRINUSE: "another program listens there; stop it, or choose another port",
    errno.EACCES: "choose a port from 1024 up, or give the process CAP_NET_BIND_SERVICE",
    errno.EADDRNOTAVAIL: "this machine has no such address; 0.0.0.0 or [::] means all it has",
}


async def bind(address: Address, kind: socket.SocketKind) -> list[socket.socket]:
    """Non-blocking sockets bound to all that `address` means; `[::]` takes IPv4 as well.

    A name may mean several addresses (`localhost`); with port 0 they share the port that the first
    one got. Raises BridgeError with advice.
    """
    bound: list[socket.socket] = []
    try:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(
            address.host, address.port, type=kind, flags=socket.AI_PASSIVE
        )
        for family, _, _, _, place in dict.fromkeys(found):
            port = bound[0].getsockname()[1] if bound else address.port
            bound.append(_bound(family, kind, (place[0], port, *place[2:])))
    except OSError as error:
        for opened in bound:
            opened.close()
        reason = ADVICE.get(error.errno or 0, "check the address")
        where = f"{TRANSPORT_NAMES[kind]} {address}"
        raise BridgeError(f"cannot listen on {where}: {error.strerror}; {reason}") from error
    return bound


def _bound(family: int, kind: socket.SocketKind, place: tuple[Any, ...]) -> socket.socket:
    opened = socket.socket(family, kind)
    try:
        opened.setblocking(False)
        if kind is socket.SOCK_STREAM:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            only = place[0] != "::"
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(only))
        opened.bind(place)
    except OSError:
        opened.close()
        raise
    return opened


def place(bound: socket.socket) -> tuple[str, int]:
    """Host and port of a socket."""
    host, port = bound.getsockname()[:2]
    return host, port


def written(host: str, port: int) -> str:
    """`192.0.2.1:5514`, `[2001:db8::1]:5514`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def plain(host: str) -> str:
    """A peer's address; an IPv4 address that came in through an IPv6 socket is shown as IPv4."""
    return host.removeprefix("::ffff:") if "." in host else host
