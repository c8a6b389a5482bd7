"""A load balancer that holds what it passes on for a while, and can die with it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

NO_LINGER = struct.pack("ii", 1, 0)


class DyingProxy:
    """Passes TCP on to a port, bytes and ends of streams, each `delay` seconds late."""

    def __init__(self, target: int, delay: float = 0.3) -> None:
        self.port = 0
        self._target = target
        self._delay = delay
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen, always on the same port."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, reuse_address=True
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def die(self) -> None:
        """Everything that is held is lost; both sides are reset."""
        if self._server:
            self._server.close()
        for writer in self._writers:
            opened: socket.socket = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        self._writers.add(writer)
        try:
            behind, to = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(to)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(self._pass(reader, to), self._pass(behind, writer))
        for one in (writer, to):
            one.close()
            with contextlib.suppress(OSError):
                await one.wait_closed()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(256)
        loop = asyncio.get_running_loop()

        async def read() -> None:
            while data := await reader.read(65536):
                await held.put((loop.time() + self._delay, data))
            await held.put((loop.time() + self._delay, b""))

        reading = asyncio.ensure_future(read())
        try:
            while True:
                due, data = await held.get()
                await asyncio.sleep(due - loop.time())
                if not data:
                    writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()
        finally:
            reading.cancel()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await reading
