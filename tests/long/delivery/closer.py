"""`python -m tests.long.delivery.closer PORT`: accepts, reads for 100 ms, closes.

It tells how many bytes it has read.
"""

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
        read = 0
        end = time.monotonic() + 0.1
        with contextlib.suppress(TimeoutError):
            while (left := end - time.monotonic()) > 0:
                opened.settimeout(left)
                read += len(opened.recv(65536))
        opened.close()
        print(read, flush=True)
