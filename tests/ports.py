"""Ports for programs that go away and come back to the same one."""

from __future__ import annotations

import random
import socket

FIRST, LAST = 20_000, 32_000
"""Below those that Linux gives to outgoing connections (`ip_local_port_range`): while a program is
away, one of these could take its port."""


def free_port() -> int:
    """A port of the loopback address that nobody uses, neither with TCP nor with UDP."""
    for _ in range(1000):
        port = random.randint(FIRST, LAST)
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            try:
                stream.bind(("127.0.0.1", port))
                datagrams.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no port is free")
