"""`python -m tests.long.delivery.closer PORT`: accepts, reads for 100 ms, and closes."""

from __future__ import annotations

import contextlib
import socket
import sys
import time

if __name__ == "__main__":
    with socket.create_server(("", int(sys.argv[1]))) as listener:
        print("listening", flush=True)
        listener.settimeout(10)
        opened, _ = listener.accept()
        end = time.monotonic() + 0.1
        with contextlib.suppress(TimeoutError):
            while (left := end - time.monotonic()) > 0:
                opened.settimeout(left)
                opened.recv(65536)
        opened.close()
