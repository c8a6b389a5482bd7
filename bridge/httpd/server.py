"""Where the server listens, and whom it lets in."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from pathlib import Path

from bridge.config import Address
from bridge.errors import BridgeError
from bridge.httpd.messages import Handler, Limits
from bridge.net import bind, place

log = logging.getLogger(__name__)


class HttpServer:
    """Serves a handler until `close`."""

    def __init__(self, handler: Handler, limits: Limits | None = None) -> None:
        self.addresses: list[tuple[str, int]] = []
        self._handler = handler
        self._limits = limits or Limits()
        self._servers: list[asyncio.Server] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._files: list[Path] = []

    async def listen(self, address: Address, tls: ssl.SSLContext | None = None) -> None:
        """Serve a TCP address; the ports taken are in `addresses`. Raises BridgeError."""
        for bound in await bind(address, socket.SOCK_STREAM):
            self.addresses.append(place(bound))
            self._servers.append(await asyncio.start_server(self._accept, sock=bound, ssl=tls))

    async def listen_unix(self, path: Path) -> None:
        """Serve a unix socket with mode 0600; a stale one is replaced. Raises BridgeError."""
        bound = _unix_socket(path)
        self._files.append(path)
        self._servers.append(await asyncio.start_unix_server(self._accept, sock=bound))

    async def close(self) -> None:
        """Stop listening and drop every connection; safe twice."""
        for server in self._servers:
            server.close()
        for task in self._connections:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections)
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()
        while self._files:
            self._files.pop().unlink(missing_ok=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= self._limits.connections:
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n")
            writer.close()
            return
        from bridge.httpd.connection import Connection

        serving = Connection(self._handler, self._limits, reader, writer).serve()
        task = asyncio.get_running_loop().create_task(serving, name="http-connection")
        self._connections.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._connections.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a request failed: %s", error, exc_info=error)


def _unix_socket(path: Path) -> socket.socket:
    """A socket bound to the path, for its owner alone."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket():
            path.unlink()
        bound.bind(str(path))
        path.chmod(0o600)
    except OSError as error:
        bound.close()
        # The system knows no error number for a path beyond its 107 bytes.
        why = error.strerror or "the path is too long for a unix socket"
        raise BridgeError(f"cannot listen on {path}: {why}; choose another directory") from error
    return bound
