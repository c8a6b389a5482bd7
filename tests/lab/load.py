"""Events at a steady rate, over connections that may break."""

from __future__ import annotations

import asyncio
import contextlib
import itertools

STEP_SECONDS = 0.01
TEXT = "the quick brown fox jumps over the lazy dog " * 3


class Load:
    """Writes numbered records into a port, over and over connecting again."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.written = 0
        self._numbers = itertools.count(1)
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """End `run` soon."""
        self._stopped.set()

    async def run(self, port: int, seconds: float) -> None:
        """Write for so long; while nobody listens, nothing is written."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end and not self._stopped.is_set():
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout_at(end):
                    await self._write(port)
            await asyncio.sleep(STEP_SECONDS)

    async def _write(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            start, done = loop.time(), 0
            while not reader.at_eof() and not self._stopped.is_set():
                due = int((loop.time() - start) * self.rate)
                writer.write(b"".join(record(next(self._numbers)) for _ in range(due - done)))
                self.written += due - done
                done = due
                await writer.drain()
                await asyncio.sleep(STEP_SECONDS)
        finally:
            writer.transport.abort() if writer.transport.is_closing() else writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def record(number: int) -> bytes:
    """A record of about 400 bytes, with a number."""
    return (
        f"CEF:0|Example|Sensor|1.0|7|Connection refused|5|externalId={number} src=192.0.2.7 "
        f"dst=198.51.100.23 spt=51234 dpt=443 proto=TCP act=blocked suser=jdoe "
        f"shost=pc-{number % 97} cs1=policy-{number % 13} cs1Label=Policy "
        f"request=https://www.example.org/{number} msg={TEXT}\n"
    ).encode()
