"""A fake Graylog in a process of its own, which keeps count of what it has handed over.

`python -m tests.lab.receiver FILE --tcp PORT --http PORT --udp PORT`, and where they are wanted
`--rate N`, `--host HOST`, `--tls FILE`.

The `event_uid` of each event is appended to FILE a moment after the event
was read, as Graylog's journal gets it: what a killed process had read but not handed over is lost.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import ssl
import time
from pathlib import Path

import orjson

from bridge.testing import FakeGraylog

HAND_OVER_SECONDS = 0.03
RECEIVE_BUFFER = 1024 * 1024
"""`recv_buffer_size` of Graylog's TCP inputs."""


class Receiver(FakeGraylog):
    """Reads at most `rate` events a second, and writes their ids."""

    def __init__(self, options: argparse.Namespace) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if options.tls else None
        if context:
            context.load_cert_chain(options.tls)
        super().__init__(
            options.tcp,
            udp_port=options.udp,
            http_port=options.http,
            host=options.host,
            tls=context,
            bulk=True,
        )
        cut(options.file)
        self._file = os.open(options.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._seconds = 1 / options.rate if options.rate else 0.0
        self._free_at = 0.0
        self._read: list[str] = []

    async def start(self) -> None:
        """Listen with the buffer that Graylog asks for."""
        await super().start()
        assert self._server
        for listening in self._server.sockets:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)

    def hand_over(self) -> None:
        """Write what was read, with one call."""
        read, self._read = self._read, []
        os.write(self._file, "".join(read).encode())

    def _take(self, document: bytes, peer: str) -> None:
        if self._seconds:
            # All the process is busy meanwhile, as a slow Graylog is.
            self._free_at = max(self._free_at, time.monotonic()) + self._seconds
            if (ahead := self._free_at - time.monotonic()) > 0.005:
                time.sleep(ahead)
        if not self._read:
            asyncio.get_running_loop().call_later(HAND_OVER_SECONDS, self.hand_over)
        try:
            self._read.append(f"{orjson.loads(document)['_event_uid']}\n")
        except orjson.JSONDecodeError:
            self._read.append("\n")


def cut(file: Path) -> None:
    """Take away the part of an id that a process had written when it was killed."""
    if file.exists():
        os.truncate(file, file.read_bytes().rfind(b"\n") + 1)


async def run() -> None:
    """Serve until SIGTERM; then stop as an input stops."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--tcp", type=int, required=True)
    parser.add_argument("--http", type=int, required=True)
    parser.add_argument("--udp", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--tls", type=Path)
    options = parser.parse_args()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    receiver = Receiver(options)
    async with receiver:
        print("listening", flush=True)
        await stopped.wait()
    receiver.hand_over()


if __name__ == "__main__":
    asyncio.run(run())
