"""The whole way: a socket of the bridge, its spool, its output, Graylog's own input."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from typing import Any

import yaml

from bridge import config as configuration
from bridge.cli.demo import listening
from bridge.graylog.judge import GraylogInput, Judge
from bridge.plugins import EntryPoints
from bridge.service import Service


async def delivered(frames: Sequence[str], judge: Judge, **options: Any) -> list[bytes]:
    """The messages that Graylog's TCP input hands over when a CEF input gets these frames.

    `options` are more settings of that input.
    """
    with judge.input("tcp") as gelf, tempfile.TemporaryDirectory() as folder:
        settings = {
            "inputs": {"malops": {"type": "cef", "address": "127.0.0.1:0", **options}},
            "outputs": {"graylog": {"type": "gelf_tcp", "endpoint": gelf.endpoint}},
            "spool": {"directory": f"{folder}/spool", "min_free_bytes": 0},
        }
        registry = EntryPoints()
        config = configuration.load(yaml.safe_dump(settings), "test", {}, registry)
        service = Service(config, registry)
        running = asyncio.ensure_future(service.run())
        await service.started.wait()
        _, writer = await asyncio.open_connection(*await listening(service))
        writer.write("".join(f"{frame}\n" for frame in frames).encode())
        writer.close()
        await writer.wait_closed()
        documents = await _handed_over(gelf, len(frames))
        service.stop()
        await running
        return documents


async def _handed_over(gelf: GraylogInput, count: int) -> list[bytes]:
    async with asyncio.timeout(20):
        while len(documents := gelf.documents()) < count:
            await asyncio.sleep(0.02)
    return documents
