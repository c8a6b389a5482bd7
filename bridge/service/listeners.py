"""The listening sockets of a bridge with workers: opened once, by the parent, for all of them.

A worker that is killed takes no connection with it that waits to be accepted: the socket stays
open. With SO_REUSEPORT, a socket each, the kernel would reset those that wait for the dead one.
"""

from __future__ import annotations

import socket
from typing import Any

from bridge.config import Config, Registry
from bridge.errors import BridgeError
from bridge.net import Listening, bind


class Listeners:
    """What all inputs of a configuration listen on."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._opened: dict[Listening, list[socket.socket]] = {}
        self.failed: dict[Listening, str] = {}
        """What could not be opened, and why."""

    async def adopt(self, config: Config) -> None:
        """Open what is new, close what is gone, keep the others as they are."""
        wanted = [
            place
            for one in config.inputs.values()
            for place in self._registry.component("input", one.type).listens(one)
        ]
        for place in self._opened.keys() - wanted:
            _close(self._opened.pop(place))
        self.failed = dict.fromkeys((place for place in wanted if place not in self._opened), "")
        await self.retry()

    async def retry(self) -> bool:
        """Try once more what failed; whether anything could be opened."""
        before = len(self._opened)
        for place in list(self.failed):
            try:
                self._opened[place] = await bind(*place)
                del self.failed[place]
            except BridgeError as error:
                self.failed[place] = str(error)
        return len(self._opened) > before

    def described(self) -> tuple[list[dict[str, Any]], list[int]]:
        """For the workers: the places, and the descriptors in the same order."""
        places = [(place, opened, "") for place, opened in self._opened.items()]
        places += [(place, [], reason) for place, reason in self.failed.items()]
        listening = [
            {
                "host": address.host,
                "port": address.port,
                "kind": int(kind),
                "sockets": len(opened),
                "reason": reason,
            }
            for (address, kind), opened, reason in places
        ]
        return listening, [one.fileno() for _, opened, _ in places for one in opened]

    def close(self) -> None:
        """Close all; what a worker has of them stays open there."""
        for opened in self._opened.values():
            _close(opened)
        self._opened.clear()


def _close(opened: list[socket.socket]) -> None:
    for one in opened:
        one.close()
