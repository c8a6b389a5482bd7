"""A sender at an even rate that numbers its events, for as long as it is let.

`python -m tests.bench.stream PORT RATE CONNECTIONS` begins at once and answers each line with how
many events it has sent; after the line `stop` it sends no more.
"""

from __future__ import annotations

import re
import socket
import sys
import threading
import time
from typing import Final

from tests.bench.events import records

BLOCK: Final = 500
"""Events in one write."""
_NUMBER: Final = re.compile(rb"(?<=externalId=)\d+")


class Stream:
    """Sends in a thread of its own; a receiver that does not read slows it down."""

    def __init__(self, port: int, rate: float, connections: int) -> None:
        self.sent = 0
        self._rate = rate
        self._peers = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
        self._is_wanted = True
        self._thread = threading.Thread(target=self._run)

    def serve(self) -> None:
        """Until the standard input ends."""
        self._thread.start()
        for line in sys.stdin:
            if line.strip() == "stop":
                self._stop()
            print(self.sent, flush=True)
        self._stop()

    def _stop(self) -> None:
        self._is_wanted = False
        self._thread.join()
        for peer in self._peers:
            peer.close()

    def _run(self) -> None:
        form = template()
        began = time.monotonic()
        while self._is_wanted:
            time.sleep(max(0.0, began + self.sent / self._rate - time.monotonic()))
            block = form % tuple(range(self.sent, self.sent + BLOCK))
            self._peers[self.sent // BLOCK % len(self._peers)].sendall(block)
            self.sent += BLOCK


def template() -> bytes:
    """So many lines, with places for their numbers."""
    lines = b"".join(record.line for record in records(BLOCK)).replace(b"%", b"%%")
    return _NUMBER.sub(b"%d", lines)


if __name__ == "__main__":
    Stream(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])).serve()
