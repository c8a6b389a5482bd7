"""The sender of the benchmarks: lines of a file over TCP, or one a datagram over UDP.

`python -m tests.bench.generator tcp PORT FILE CONNECTIONS [SECONDS]` sends as fast as it is taken,
or evenly over SECONDS; `udp PORT FILE RATE SECONDS` sends RATE lines a second. It prints `ready`,
begins at a line on its standard input, and prints when it began and ended, and how many it sent.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Final

BLOCK_BYTES: Final = 128 * 1024
TURN_SECONDS: Final = 0.001


def blocks(data: bytes, size: int = BLOCK_BYTES) -> Iterator[bytes]:
    """Whole lines, about so many octets at a time."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start + size) + 1 or len(data)
        yield data[start:end]
        start = end


def send_tcp(port: int, file: Path, connections: int, seconds: float = 0.0) -> None:
    """Each connection sends its share by itself."""
    data = file.read_bytes()
    every = list(blocks(data, min(BLOCK_BYTES, len(data) // connections)))
    count = data.count(b"\n")  # now, for later it would take time from the relay
    peers = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    gate = threading.Event()
    began = 0.0

    def send(index: int) -> None:
        gate.wait()
        for number in range(index, len(every), connections):
            due = began + seconds * number / len(every)
            time.sleep(max(0.0, due - time.time()) if seconds else 0)
            peers[index].sendall(every[number])
        peers[index].shutdown(socket.SHUT_WR)

    threads = [threading.Thread(target=send, args=(index,)) for index in range(connections)]
    for thread in threads:
        thread.start()
    began = go()
    gate.set()
    for thread in threads:
        thread.join()
    print(began, time.time(), count, flush=True)
    sys.stdin.readline()


def send_udp(port: int, file: Path, rate: int, seconds: float) -> None:
    """Evenly, in turns of a millisecond."""
    lines = file.read_bytes().split(b"\n")[:-1]
    total = int(rate * seconds)
    source = cycle(lines)
    with socket.socket(type=socket.SOCK_DGRAM) as peer:
        peer.connect(("127.0.0.1", port))
        began = go()
        sent = 0
        while sent < total:
            due = min(total, int((time.time() - began) * rate) + 1)
            for line in islice(source, due - sent):
                peer.send(line)
            sent = max(sent, due)
            time.sleep(TURN_SECONDS)
    print(began, time.time(), sent, flush=True)
    sys.stdin.readline()


def go() -> float:
    """Wait for the word; the time at which it came."""
    print("ready", flush=True)
    sys.stdin.readline()
    return time.time()


if __name__ == "__main__":
    kind, port, file, *numbers = sys.argv[1:]
    if kind == "tcp":
        send_tcp(int(port), Path(file), int(numbers[0]), *map(float, numbers[1:]))
    else:
        send_udp(int(port), Path(file), int(numbers[0]), float(numbers[1]))
