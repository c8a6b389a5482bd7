"""CEF over UDP: a batch-wise drain loop, and the kernel's own count of what did not fit.

asyncio's datagram endpoint loses half at 20,000/s; here all that waits is read at once into memory
and parsed in slices between two reads, so that a burst outlasts the receive buffer.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Sequence
from typing import Final

from bridge.inputs import Context, Event
from bridge.inputs.cef.handover import Handover
from bridge.inputs.cef.listener import Read
from bridge.net import Allowed, drops, plain, widen
from bridge.syslog import split_datagram

MAX_DATAGRAM: Final = 65_535
MAX_READS: Final = 1024
"""Datagrams read in one go, before the loop may do something else."""
MAX_LAST_DRAINS: Final = 64
"""How often that is done at the end, should senders never pause."""
SLICE: Final = 128
"""Datagrams parsed between two reads."""
WAITING_BYTES: Final = 32 << 20
"""How much may wait for the parser; beyond it the kernel's buffer fills, then it drops."""
OVERHEAD: Final = 200
"""What a waiting datagram costs beside its octets."""
COUNT_SECONDS: Final = 1.0


class Datagrams:
    """Reads datagrams off bound sockets; what becomes durable too slowly is dropped by the kernel,
    and counted as `kernel_drops`."""

    def __init__(
        self, context: Context, read: Read, handover: Handover, allowed: Allowed, buffer_bytes: int
    ) -> None:
        self._context = context
        self._read = read
        self._handover = handover
        self._allowed = allowed
        self._buffer_bytes = buffer_bytes
        self._dropped: dict[socket.socket, int] = {}
        self._waiting: deque[tuple[bytes, str]] = deque()
        self._waiting_bytes = 0
        self._reading = False
        self._scheduled = False
        self._counting: asyncio.Task[None] | None = None
        handover.on_change.append(self._schedule)

    def start(self, bound: Sequence[socket.socket]) -> None:
        """Read sockets that are bound already; they are closed by `end`."""
        for opened in bound:
            granted = widen(opened, self._buffer_bytes)
            if granted < self._buffer_bytes:
                self._context.log.warning(
                    "the receive buffer has %d bytes instead of %d: raise net.core.rmem_max",
                    granted,
                    self._buffer_bytes,
                )
            self._dropped[opened] = drops(opened)
        self._resume()
        self._counting = asyncio.get_running_loop().create_task(self._count_for_ever())

    def end(self) -> None:
        """Read what the kernel still holds, hand everything over, close."""
        if self._counting:
            self._counting.cancel()
        self._pause()
        for opened in self._dropped:
            for _ in range(MAX_LAST_DRAINS):
                if not self._drain(opened):
                    break
        self._count_drops()
        for opened in self._dropped:
            opened.close()
        self._dropped.clear()
        while self._waiting:
            self._parse_slice()

    def _resume(self) -> None:
        if not self._reading:
            self._reading = True
            for opened in self._dropped:
                asyncio.get_running_loop().add_reader(opened, self._readable, opened)

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            for opened in self._dropped:
                asyncio.get_running_loop().remove_reader(opened)

    def _readable(self, opened: socket.socket) -> None:
        self._drain(opened)
        self._schedule()

    def _drain(self, opened: socket.socket) -> bool:
        """Read what waits in the kernel; whether there may be more."""
        for _ in range(MAX_READS):
            try:
                data, peer = opened.recvfrom(MAX_DATAGRAM)
            except OSError:  # nothing is left; nothing is ever sent that could have failed
                return False
            sender = plain(peer[0])
            if sender in self._allowed:
                self._waiting.append((data, sender))
                self._waiting_bytes += len(data) + OVERHEAD
            else:
                self._context.count("refused", 1, "allow_from")
        return True

    def _schedule(self) -> None:
        """Parse soon, unless that is planned or too much is under way already."""
        if self._waiting_bytes >= WAITING_BYTES:
            self._pause()
        if self._waiting and not self._scheduled and not self._handover.full:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._work)

    def _work(self) -> None:
        self._scheduled = False
        if not self._dropped:
            return
        self._parse_slice()
        if self._reading:
            for opened in self._dropped:
                self._drain(opened)
        elif self._waiting_bytes < WAITING_BYTES // 2:
            self._resume()
        self._schedule()

    def _parse_slice(self) -> None:
        by_sender: dict[str, list[bytes]] = {}
        size = 0
        for _ in range(min(SLICE, len(self._waiting))):
            data, sender = self._waiting.popleft()
            by_sender.setdefault(sender, []).extend(split_datagram(data))
            size += len(data)
            self._waiting_bytes -= len(data) + OVERHEAD
        events: list[Event | bytes] = []
        for sender, frames in by_sender.items():
            events += self._read(frames, {}, sender)
        if events:
            self._handover.give(events, size)

    async def _count_for_ever(self) -> None:
        while True:
            await self._context.clock.sleep(COUNT_SECONDS)
            self._count_drops()

    def _count_drops(self) -> None:
        for opened, before in self._dropped.items():
            if new := (drops(opened) - before) % (1 << 32):
                self._dropped[opened] = (before + new) % (1 << 32)
                self._context.count("kernel_drops", new)
