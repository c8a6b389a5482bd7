"""Sockets to listen on, and the spelling of addresses."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bridge.config import Address
from bridge.errors import BridgeError

TRANSPORT_NAMES: Final = {socket.SOCK_STREAM: "tcp", socket.SOCK_DGRAM: "udp"}
ADVICE: Final = {
    errno.EADDRINUSE: "another program listens there; stop it, or choose another port",
    errno.EACCES: "choose a port from 1024 up, or give the process CAP_NET_BIND_SERVICE",
    errno.EADDRNOTAVAIL: "this machine has no such address; 0.0.0.0 or [::] means all it has",
}
FIRST_INHERITED: Final = 3
"""systemd hands over sockets from this descriptor on (sd_listen_fds(3))."""

# Linux: asm-generic/socket.h; the ninth number of the answer to SO_MEMINFO counts drops.
SO_RCVBUFFORCE: Final = 33
SO_MEMINFO: Final = 55
_MEMINFO: Final = struct.Struct("9I")

Listening = tuple[Address, socket.SocketKind]
"""Where somebody listens, and how."""


class Handed:
    """Sockets that this process did not open but got, because others use them as well.

    `opened` gives the sockets of each place, or the reason why they could not be opened. One of the
    processes has `counts`: what only the kernel counts must not be counted by all.
    """

    def __init__(self) -> None:
        self.opened: Mapping[Listening, Sequence[socket.socket] | str] = {}
        self.is_shared = False
        self.counts = True

    def replace(
        self, opened: Mapping[Listening, Sequence[socket.socket] | str], *, counts: bool
    ) -> None:
        """Have these in place of those before, which are closed."""
        before, self.opened = self.opened, opened
        self.is_shared, self.counts = True, counts
        for sockets in before.values():
            for one in sockets if not isinstance(sockets, str) else ():
                one.close()


handed: Final = Handed()
"""Those of this process; only workers have any."""


async def bind(address: Address, kind: socket.SocketKind) -> list[socket.socket]:
    """Non-blocking sockets bound to all that `address` means; `[::]` takes IPv4 as well.

    A socket that systemd has opened for that address (LISTEN_FDS), or that was handed to this
    process, is used in place of a new one. A
    name may mean several addresses (`localhost`); with port 0 they share the port that the first
    one got. Raises BridgeError with advice.
    """
    if (shared := handed.opened.get((address, kind))) is not None:
        if isinstance(shared, str):
            raise BridgeError(shared)
        return [one.dup() for one in shared]
    if given := _inherited(address, kind):
        return given
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


def _inherited(address: Address, kind: socket.SocketKind) -> list[socket.socket]:
    """Copies of the sockets from systemd that stand for this address."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    number = int(os.environ.get("LISTEN_FDS", "0"))
    wanted = []
    for descriptor in range(FIRST_INHERITED, FIRST_INHERITED + number):
        given = socket.socket(fileno=os.dup(descriptor))
        if given.type == kind and _stands_for(place(given), address):
            given.setblocking(False)
            wanted.append(given)
        else:
            given.close()
    return wanted


def _stands_for(given: tuple[str, int], address: Address) -> bool:
    host, port = given
    same_host = host == address.host or (host == "::" and address.host == "0.0.0.0")
    return port == address.port and same_host


def place(bound: socket.socket) -> tuple[str, int]:
    """Host and port of a socket; empty and 0 where it has none (a unix socket)."""
    name = bound.getsockname()
    return (name[0], name[1]) if isinstance(name, tuple) else ("", 0)


def written(host: str, port: int) -> str:
    """`192.0.2.1:5514`, `[2001:db8::1]:5514`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def plain(host: str) -> str:
    """A peer's address; an IPv4 address that came in through an IPv6 socket is shown as IPv4."""
    return host.removeprefix("::ffff:") if "." in host else host


def is_loopback(host: str) -> bool:
    """Can only this machine reach it?"""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def keep_alive(connected: socket.socket) -> None:
    """Let the kernel find out within two minutes that a peer is gone."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)


def widen(bound: socket.socket, size: int) -> int:
    """Ask for a receive buffer of `size` bytes; what the kernel granted."""
    try:
        bound.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, size)
    except PermissionError:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    # The kernel doubles the number for its own bookkeeping (socket(7)).
    return bound.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2


def drops(bound: socket.socket) -> int:
    """How many datagrams the kernel has thrown away because the receive buffer was full.

    Of sockets that several processes share only one of them says so.
    """
    if not handed.counts:
        return 0
    try:
        answer = bound.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, _MEMINFO.size)
    except OSError:  # before Linux 4.12
        return 0
    return int(_MEMINFO.unpack(answer)[8]) if len(answer) == _MEMINFO.size else 0
