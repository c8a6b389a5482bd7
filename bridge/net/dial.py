"""Opening connections: every address of a name in turn, and dead peers noticed."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from typing import Final, TypeVar

from bridge.config import Endpoint

P = TypeVar("P", bound=asyncio.Protocol)

HAPPY_EYEBALLS_SECONDS: Final = 0.25
"""How long one address may stay silent before the next is tried beside it (RFC 8305)."""
KEEP_ALIVE: Final = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""An idle connection whose peer has vanished ends after half a minute."""


async def dial(endpoint: Endpoint, protocol: Callable[[], P], timeout: float) -> P:
    """Connect within `timeout` seconds; raises OSError.

    A peer that acknowledges nothing for `timeout` seconds ends the connection (TCP_USER_TIMEOUT,
    RFC 5482), and keep-alive finds a peer that vanished while nothing was sent.
    """
    delay = None if is_address(endpoint.host) else HAPPY_EYEBALLS_SECONDS
    try:
        async with asyncio.timeout(timeout):
            transport, made = await asyncio.get_running_loop().create_connection(
                protocol, endpoint.host, endpoint.port, happy_eyeballs_delay=delay
            )
    except UnicodeError as error:  # what the resolver says of a label of 64 letters
        raise OSError(f"this cannot be the name of a host: {error}") from error
    watch(transport.get_extra_info("socket"), timeout)
    return made


def watch(opened: socket.socket, timeout: float) -> None:
    """Let the kernel notice a dead peer, as far as this system can."""
    options = {"TCP_USER_TIMEOUT": max(1, int(timeout * 1000)), **KEEP_ALIVE}
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in options.items():
        if hasattr(socket, name):
            opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def is_address(host: str) -> bool:
    """Whether a host is one address, so that there is nothing to choose from."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
