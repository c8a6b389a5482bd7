"""The receiver of the benchmarks: counts NUL-ended frames, and can keep them.

`python -m tests.bench.sink PORT [FILE]` listens (0: on a free port) and prints where. Each line on
its standard input is answered with `time count`: when the last octets came, and how many frames
there were so far. All frames go to FILE, if it is given.
"""

from __future__ import annotations

import selectors
import socket
import sys
import time
from contextlib import ExitStack
from typing import BinaryIO

from bridge.native import core

READ_BYTES = 1 << 18


def nuls(data: bytes) -> int:
    """How often NUL occurs, in the quickest way: the sink shares the processors with the relay."""
    return abs(int(core.joined(data))) - 1 if core else data.count(0)


class Sink:
    """Reads as fast as it can; answers a half-close with a clean end, as Graylog does."""

    def __init__(self, port: int = 0, keep: BinaryIO | None = None) -> None:
        self.count = 0
        self.last = 0.0
        self.wants_frames = keep is not None
        self._keep = keep
        self._rests: dict[socket.socket, bytes] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(sys.stdin, selectors.EVENT_READ, self._answer)
        self._asked = True
        self.open(port)

    def serve(self) -> None:
        """Until the standard input ends."""
        print(self._listening.getsockname()[1], flush=True)
        while self._asked:
            for key, _ in self._selector.select():
                # What comes before it may have closed it.
                if self._selector.get_map().get(key.fd) == key:
                    key.data(key.fileobj)

    def open(self, port: int) -> None:
        """Listen."""
        self._listening = socket.create_server(("127.0.0.1", port), backlog=128)
        self._selector.register(self._listening, selectors.EVENT_READ, self._accept)

    def close(self) -> None:
        """Away at once: nobody listens, what was not read is lost, the peers are told so."""
        for opened in (self._listening, *self._rests):
            self._selector.unregister(opened)
            opened.close()
        self._rests.clear()

    def answer(self, question: str) -> str:
        """What is answered to a line."""
        return f"{self.last} {self.count}"

    def _accept(self, listening: socket.socket) -> None:
        opened, _ = listening.accept()
        self._rests[opened] = b""
        self._selector.register(opened, selectors.EVENT_READ, self._read)

    def _answer(self, _: object) -> None:
        question = sys.stdin.readline()
        self._asked = bool(question)
        print(self.answer(question.strip()), flush=True)

    def _read(self, opened: socket.socket) -> None:
        try:
            data = opened.recv(READ_BYTES)
        except ConnectionError:
            data = b""
        if not data:
            self._selector.unregister(opened)
            self._rests.pop(opened)
            opened.close()
            return
        self.count += nuls(data)
        self.last = time.time()
        if self.wants_frames:
            whole, end, rest = (self._rests[opened] + data).rpartition(b"\0")
            self.take(whole + end)
            self._rests[opened] = rest

    def take(self, frames: bytes) -> None:
        """Whole frames, each with its end."""
        if self._keep:
            self._keep.write(frames)


if __name__ == "__main__":
    listen, *files = sys.argv[1:]
    with ExitStack() as ends:
        kept = [ends.enter_context(open(name, "wb", buffering=0)) for name in files]
        Sink(int(listen), *kept).serve()
