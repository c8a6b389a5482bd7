"""The receiver of the benchmarks: counts NUL-ended frames, and can keep them.

`python -m tests.bench.sink [FILE]` listens on a free port and prints it. Each line on its standard
input is answered with `time count`: when the last octets came, and how many frames there were so
far. All frames go to FILE, if it is given.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time
from typing import BinaryIO

READ_BYTES = 1 << 20


class Sink:
    """Reads as fast as it can; answers a half-close with a clean end, as Graylog does."""

    def __init__(self, keep: BinaryIO | None) -> None:
        self.count = 0
        self.last = 0.0
        self._keep = keep
        self._rests: dict[socket.socket, bytes] = {}
        self._buffer = bytearray(READ_BYTES)
        self._selector = selectors.DefaultSelector()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._selector.register(self._listening, selectors.EVENT_READ, self._accept)
        self._selector.register(sys.stdin, selectors.EVENT_READ, self._answer)
        self._asked = True

    def serve(self) -> None:
        """Until the standard input ends."""
        print(self._listening.getsockname()[1], flush=True)
        while self._asked:
            for key, _ in self._selector.select():
                key.data(key.fileobj)

    def _accept(self, listening: socket.socket) -> None:
        opened, _ = listening.accept()
        self._rests[opened] = b""
        self._selector.register(opened, selectors.EVENT_READ, self._read)

    def _answer(self, _: object) -> None:
        self._asked = bool(sys.stdin.readline())
        print(self.last, self.count, flush=True)

    def _read(self, opened: socket.socket) -> None:
        try:
            size = opened.recv_into(self._buffer)
        except ConnectionError:
            size = 0
        if not size:
            self._selector.unregister(opened)
            self._rests.pop(opened)
            opened.close()
            return
        self.count += self._buffer.count(0, 0, size)
        self.last = time.time()
        if self._keep:
            whole, end, rest = (self._rests[opened] + self._buffer[:size]).rpartition(b"\0")
            self._keep.write(whole + end)
            self._rests[opened] = rest


if __name__ == "__main__":
    if len(sys.argv) > 1:
        with open(sys.argv[1], "wb", buffering=0) as file:
            Sink(file).serve()
    else:
        Sink(None).serve()
