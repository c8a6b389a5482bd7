"""GELF chunks put together as Graylog does (`GelfChunkAggregator`, `GELFMessageChunk`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

MAX_CHUNKS: Final = 128
VALID_SECONDS: Final = 5.0
MAGIC: Final = b"\x1e\x0f"
_HEADER: Final = 12


@dataclass(slots=True)
class _Message:
    count: int
    since: float
    parts: dict[int, bytes] = field(default_factory=dict)


class Chunks:
    """Collects chunks by their eight-byte id, for all senders together, for five seconds each."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._waiting: dict[bytes, _Message] = {}
        self.lost: list[str] = []
        """What was discarded: bad chunks, and messages of which not every chunk came in time."""

    def add(self, datagram: bytes) -> bytes | None:
        """The whole message when this datagram is one or completes one, else None."""
        self.expire()
        if not datagram.startswith(MAGIC):
            return datagram
        if len(datagram) < _HEADER:
            self._discard("a chunk shorter than its header")
            return None
        key, number, count = datagram[2:10], datagram[10], datagram[11]
        message = self._waiting.setdefault(key, _Message(count, self._monotonic()))
        if number >= message.count:
            self._discard(f"chunk {number} of a message of {message.count} chunks")
            return None
        if number in message.parts:
            self._discard(f"chunk {number} came twice")
            return None
        message.parts[number] = datagram[_HEADER:]
        if len(message.parts) > MAX_CHUNKS:
            del self._waiting[key]
            self._discard(f"a message of more than {MAX_CHUNKS} chunks")
            return None
        if len(message.parts) < count:
            return None
        del self._waiting[key]
        return b"".join(message.parts[place] for place in sorted(message.parts))

    def expire(self) -> None:
        """Forget messages whose first chunk is older than five seconds."""
        now = self._monotonic()
        for key, message in list(self._waiting.items()):
            if now - message.since > VALID_SECONDS:
                del self._waiting[key]
                self._discard(f"{len(message.parts)} of {message.count} chunks came in time")

    def _discard(self, reason: str) -> None:
        self.lost.append(reason)
