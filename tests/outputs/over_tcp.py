"""A GELF TCP output under test, and sends as the delivery loop makes them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from bridge.errors import Retryable
from bridge.outputs import Batch
from bridge.outputs.gelf_tcp import GelfTcp
from tests.outputs.running import Host


def output(host: Host, *ports: int, **options: object) -> GelfTcp:
    endpoints = [f"127.0.0.1:{port}" for port in ports]
    settings = {"type": "gelf_tcp", "endpoint": endpoints, **options}
    return GelfTcp(GelfTcp.Config.model_validate(settings), host.context())


@contextlib.asynccontextmanager
async def connected(host: Host, *ports: int, **options: object) -> AsyncIterator[GelfTcp]:
    sender = output(host, *ports, **options)
    await sender.connect()
    try:
        yield sender
    finally:
        await sender.close()


async def begin(sender: GelfTcp, *batches: Batch) -> list[asyncio.Task[float | None]]:
    """Start sends, as the delivery loop does."""
    sends = [asyncio.create_task(sender.send(one)) for one in batches]
    await asyncio.sleep(0)
    return sends


async def send(sender: GelfTcp, *batches: Batch) -> None:
    """Send and have it confirmed at once."""
    sends = await begin(sender, *batches)
    sender.flush()
    async with asyncio.timeout(10):
        await asyncio.gather(*sends)


async def failure(sends: list[asyncio.Task[float | None]], sender: GelfTcp) -> str:
    """Why all these sends fail; `broken` has to say the same, and not later."""
    async with asyncio.timeout(10):
        reason = await sender.broken()
        for one in sends:
            with pytest.raises(Retryable) as caught:
                await one
            assert caught.value.reason == reason
    return reason


class Mute:
    """A receiver that reads everything and never closes."""

    def __init__(self) -> None:
        self.data = bytearray()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while more := await reader.read(65536):
            self.data += more
        await asyncio.Event().wait()
