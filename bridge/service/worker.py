"""The side of a worker: what it gets from its parent, and what it tells it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bridge.admin import SOCKET
from bridge.config import Address, Config, Registry, load
from bridge.errors import BridgeError
from bridge.net import Listening, handed
from bridge.service.changes import pinned
from bridge.service.channel import Channel, Message, read_back
from bridge.service.kinds import Kinds
from bridge.service.post import Post, share
from bridge.service.service import Service
from bridge.spool import Balance


class Parent:
    """The parent of this worker, as its `Manager`; raises BridgeError when there is none.

    Beside each message come the configuration in force and that of the start, the lock of the spool
    directory, which is only to be held, the kinds, and the listening sockets.
    """

    watchdog_seconds = 0.0

    def __init__(self, worker: int, source: Path) -> None:
        self._worker = worker
        self._source = str(source)
        self._channel = Channel(_standard_input())
        found = self._channel.receive()
        if found is None:
            raise BridgeError("the parent of this worker is gone")
        message, (text, start, self._lock, kinds, *sockets) = found
        self._start = read_back(start)
        self._kinds = Kinds(kinds)
        self._take(message, text, sockets)

    @property
    def lock(self) -> int:
        """A file that all workers have, to take turns by."""
        return self._lock

    @property
    def post(self) -> Post:
        """The place of this worker."""
        return Post(self, self._worker, self._kinds, self._accounts)

    def config(self, registry: Registry) -> Config:
        """This worker's part of the configuration in force. Raises ConfigError."""
        config, start = (
            load(text, self._source, os.environ, registry) for text in (self._text, self._start)
        )
        self._directory = start.spool.directory
        return share(pinned(config, start), registry, self._worker)

    async def _accounts(self) -> Balance | None:
        """Those of all workers; None when the parent does not answer."""
        from bridge.service.asking import balance  # httpx is heavy, and few have a heartbeat

        return await balance(self._directory / SOCKET)

    def obey(self, service: Service) -> None:
        """Do what it says from now on; without a parent, stop in order."""

        def received(message: Message, descriptors: list[int]) -> None:
            for known in descriptors[1:4]:
                os.close(known)
            self._take(message, descriptors[0], descriptors[4:])
            if message["do"] == "stop":
                service.stop()
            elif message["do"] == "reload":
                self._reloading = asyncio.ensure_future(self._reload(service))

        self._channel.listen(received, service.stop)

    async def _reload(self, service: Service) -> None:
        await service.started.wait()
        problems = (await service.reload()).problems
        self._channel.send({"reloaded": [one[:1000] for one in problems[:10]]})

    def _take(self, message: Message, text: int, sockets: list[int]) -> None:
        self._text = read_back(text)
        opened = [socket.socket(fileno=one) for one in sockets]
        for one in opened:
            one.setblocking(False)  # for every process: they share more than the number
        handed.replace(_by_place(message["listening"], opened), counts=self._worker == 0)

    # What it is told

    def ready(self, status: str) -> None:
        """The inputs have begun."""
        self._channel.send({"ready": status})

    def alive(self) -> None:
        """The loop turns."""
        self._channel.send({"alive": True})

    def reloading(self) -> None:
        """The parent knows: it has asked for it."""

    def stopping(self) -> None:
        """The parent knows, or is gone."""


def _standard_input() -> socket.socket:
    try:
        end = socket.socket(fileno=0)
    except OSError:
        end = None
    if end is None or (end.family, end.type) != (socket.AF_UNIX, socket.SOCK_SEQPACKET):
        raise BridgeError("--worker is what a bridge with workers adds when it starts them")
    return end


def _by_place(
    listening: list[dict[str, Any]], opened: list[socket.socket]
) -> Mapping[Listening, list[socket.socket] | str]:
    """As `Listeners.described` tells it, in the same order."""
    rest = iter(opened)
    found: dict[Listening, list[socket.socket] | str] = {}
    for one in listening:
        place = Address(one["host"], one["port"]), socket.SocketKind(one["kind"])
        found[place] = one["reason"] or [next(rest) for _ in range(one["sockets"])]
    return found
