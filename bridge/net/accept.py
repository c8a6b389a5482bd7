"""Taking connections from a listening socket, alone or fairly beside other processes."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from bridge.net.sockets import handed

PAUSE_SECONDS: Final = 0.006
"""Longer than what chance makes of the turns of two busy loops."""
STEP_SECONDS: Final = 0.001
MAX_PAUSES: Final = 10
SHARE: Final = 8
"""One of so many that wait, or are held, is taken at once."""
TCP_INFO: Final = getattr(socket, "TCP_INFO", None)
WAITING: Final = slice(24, 28)
"""`tcpi_unacked` of Linux: of a listening socket, how many connections wait to be taken."""

Accepted = tuple[socket.socket, Any]


async def accepted(listening: socket.socket, held: Callable[[], int]) -> AsyncIterator[Accepted]:
    """Connections with their peers; raises OSError.

    When other processes accept on the same socket, whoever holds more connections (`held`) waits
    longer before it takes the next ones, so that all get about as many: a process whose loop turns
    fastest would else take nearly all that come at once. The more wait, the more it takes then.
    """
    loop = asyncio.get_running_loop()
    while True:
        if not handed.is_shared:
            yield await loop.sock_accept(listening)
            continue
        await _readable(listening)
        came = loop.time()
        while loop.time() - came < PAUSE_SECONDS * min(held(), MAX_PAUSES):
            await asyncio.sleep(STEP_SECONDS)  # meanwhile some may end
        for _ in range(1 + max(held(), waiting(listening)) // SHARE):
            try:
                opened, peer = listening.accept()
            except BlockingIOError:
                break  # another process was faster
            opened.setblocking(False)
            yield opened, peer


def waiting(listening: socket.socket) -> int:
    """How many connections wait to be taken; 0 where the system does not say it."""
    if TCP_INFO is None:
        return 0
    info = listening.getsockopt(socket.IPPROTO_TCP, TCP_INFO, WAITING.stop)
    return int.from_bytes(info[WAITING], sys.byteorder)


async def _readable(opened: socket.socket) -> None:
    """Wait until there is something to be taken."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(opened, _tell, ready)
    try:
        await ready
    finally:
        loop.remove_reader(opened)


def _tell(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
