"""GELF over UDP to Graylog's *GELF UDP* input: nothing is promised.

A datagram that the network, the kernel or Graylog drops is gone, and nobody hears of it. What can
be done is done: no datagram is larger than it may be, bursts are paced (Graylog's socket buffer
takes some 200 at once), an event over 128 chunks is trimmed, and while the port is closed nothing
is sent. graypy cuts the chunks; all chunks of a message must arrive within five seconds
(`org.graylog2.inputs.codecs.GelfChunkAggregator`).
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from collections.abc import Callable, Iterator
from typing import ClassVar, Final, Literal

from graypy.handler import GELF_MAX_CHUNK_NUMBER, WAN_CHUNK, BaseGELFChunker
from pydantic import Field

from bridge import gelf
from bridge.config import Endpoint
from bridge.errors import Retryable
from bridge.inputs import Context
from bridge.net.reasons import reason
from bridge.outputs import Batch, Output, OutputConfig

HEADER_BYTES: Final = 12
MAX_DATAGRAM: Final = 65_507
BURST: Final = 32
"""So many datagrams go out without a pause."""
LEVEL: Final = 6

COMPRESS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "none": lambda data: data,
    "gzip": lambda data: gzip.compress(data, LEVEL, mtime=0),
    "zlib": lambda data: zlib.compress(data, LEVEL),
}


class GelfUdpConfig(OutputConfig):
    """Send to a GELF UDP input of Graylog; nothing confirms that anything arrives."""

    endpoint: Endpoint
    """Host and port of a GELF UDP input."""
    compression: Literal["none", "gzip", "zlib"] = "gzip"
    """How messages are packed before they are cut into chunks."""
    chunk_bytes: int = Field(default=WAN_CHUNK, ge=512, le=MAX_DATAGRAM - HEADER_BYTES)
    """What one datagram carries, 12 bytes less than its size; 8154 where packets may be 9000."""
    datagrams_per_second: float = Field(default=5000.0, gt=0)
    """The pace; more than Graylog reads are lost in its socket buffer."""

    @property
    def remark(self) -> str:
        return "UDP promises nothing: what the network or Graylog drops is lost without a trace"


class GelfUdp(Output):
    """One connected socket, so that a closed port can be noticed at all."""

    Config: ClassVar[type[OutputConfig]] = GelfUdpConfig
    config: GelfUdpConfig

    def __init__(self, config: GelfUdpConfig, context: Context) -> None:
        super().__init__(config, context)
        self._pack = COMPRESS[config.compression]
        self._chunker = BaseGELFChunker(config.chunk_bytes)
        self._most = config.chunk_bytes * GELF_MAX_CHUNK_NUMBER
        self._socket: socket.socket | None = None
        self._turn = 0

    async def connect(self) -> None:
        """Look the host up; that somebody listens there cannot be seen. Raises `Retryable`."""
        endpoint, loop = self.config.endpoint, asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_DGRAM)
            # Where `localhost` is refused, 127.0.0.1 may not be.
            family, kind, protocol, _, place = found[self._turn % len(found)]
            self._turn += 1
            self._socket = socket.socket(family, kind | socket.SOCK_NONBLOCK, protocol)
            self._socket.connect(place)
        except OSError as error:
            raise Retryable(f"cannot reach {endpoint}: {reason(error)}") from error

    async def send(self, batch: Batch) -> None:
        """Return when the kernel has taken every datagram; raises `Retryable`."""
        if self._socket is None:
            raise Retryable("not connected")
        loop, count = asyncio.get_running_loop(), 0
        try:
            for datagram in self._datagrams(batch):
                await loop.sock_sendall(self._socket, datagram)
                count += 1
                if count % BURST == 0:
                    await self.context.clock.sleep(BURST / self.config.datagrams_per_second)
            await self.context.clock.sleep(count % BURST / self.config.datagrams_per_second)
            if error_number := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error_number, "")
        except OSError as error:
            raise Retryable(f"{self.config.endpoint}: {reason(error)}") from error

    async def close(self) -> None:
        """Close the socket."""
        opened, self._socket = self._socket, None
        if opened:
            opened.close()

    async def check(self) -> None:
        """Look the host up; more cannot be seen without sending an event."""
        await self.connect()
        await self.close()

    def _datagrams(self, batch: Batch) -> Iterator[bytes]:
        for message in batch.messages():
            packed = self._pack(message)
            if len(packed) > self._most:
                # Of what is trimmed to this size, packing makes less, or next to nothing more.
                self.context.count("trimmed")
                packed = self._pack(gelf.trim(message, self._most - 1024))
            if len(packed) <= self.config.chunk_bytes:
                yield packed
            else:
                yield from self._chunker.chunk_message(packed)
