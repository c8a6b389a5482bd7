"""GELF over TCP: documents, each ended by one NUL, to Graylog's *GELF TCP* input.

A batch counts as confirmed when the kernel has taken it. Graylog's own framing is in
`org.graylog2.inputs.gelf.tcp.GELFTCPInput` and `LenientDelimiterBasedFrameDecoder`.
"""

from __future__ import annotations

import asyncio
import os
from typing import ClassVar

from bridge.config import Endpoint
from bridge.errors import Retryable
from bridge.outputs import Batch, Output, OutputConfig


class GelfTcpConfig(OutputConfig):
    """Options of the output `gelf_tcp`."""

    endpoint: Endpoint
    """Host and port of a GELF TCP input."""
    timeout_seconds: float = 10.0
    """How long connecting may take, and how long the peer may take nothing of what is sent."""


class GelfTcp(Output):
    """One connection at a time; a peer that closes it is noticed before the next batch."""

    Config: ClassVar[type[OutputConfig]] = GelfTcpConfig
    config: GelfTcpConfig
    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None

    async def connect(self) -> None:
        """Open the connection; raises OSError or `Retryable`."""
        endpoint = self.config.endpoint
        try:
            async with asyncio.timeout(self.config.timeout_seconds):
                self._reader, self._writer = await asyncio.open_connection(
                    endpoint.host, endpoint.port
                )
        except OSError as error:
            raise Retryable(f"cannot connect to {endpoint}: {reason(error)}") from error

    async def send(self, batch: Batch) -> None:
        """Write the batch; returns when the kernel has taken all of it."""
        writer, reader = self._writer, self._reader
        if writer is None or reader is None or writer.is_closing() or reader.at_eof():
            raise Retryable(f"{self.config.endpoint} has closed the connection")
        try:
            async with asyncio.timeout(self.config.timeout_seconds):
                writer.write(batch.data + b"\0")
                await writer.drain()
        except OSError as error:
            raise Retryable(f"{self.config.endpoint}: {reason(error)}") from error

    async def close(self) -> None:
        """Close the connection; what was written is still sent by the kernel."""
        writer, self._writer, self._reader = self._writer, None, None
        if writer is not None:
            writer.close()
            try:
                async with asyncio.timeout(1):
                    await writer.wait_closed()
            except OSError:
                writer.transport.abort()

    async def check(self) -> None:
        """Open and close a connection."""
        await self.connect()
        await self.close()


def reason(error: OSError) -> str:
    """An operating system error in words; a time-out has none of its own."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return os.strerror(error.errno).lower() if error.errno else str(error)
