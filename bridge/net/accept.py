"""Taking connections from a listening socket, alone or fairly beside other processes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from bridge.net.sockets import handed

PAUSE_SECONDS: Final = 0.001
MAX_PAUSES: Final = 10
SHARE: Final = 8

Accepted = tuple[socket.socket, Any]


async def accepted(listening: socket.socket, held: Callable[[], int]) -> AsyncIterator[Accepted]:
    """Connections with their peers, at most one in a turn of the loop; raises OSError.

    When other processes accept on the same socket, whoever holds more connections (`held`) waits
    longer before it takes the next ones, so that all get about as many: a process whose loop turns
    fastest would else take nearly all that come at once.
    """
    loop = asyncio.get_running_loop()
    while True:
        if not handed.is_shared:
            yield await loop.sock_accept(listening)
            continue
        await _readable(listening)
        await asyncio.sleep(PAUSE_SECONDS * min(held(), MAX_PAUSES))
        for _ in range(1 + held() // SHARE):
            try:
                opened, peer = listening.accept()
            except BlockingIOError:
                break  # another process was faster
            opened.setblocking(False)
            yield opened, peer


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
