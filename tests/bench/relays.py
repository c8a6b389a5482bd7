"""Whole relays: the same events through each, measured from the outside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from tests.bench.peers import Peer
from tests.bench.processes import cpu_seconds, drops, peaks
from tests.ports import free_port

GIVE_UP_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class Run:
    """One pass of the events through one relay."""

    relay: str
    sent: int
    received: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    """Of the process that needed most."""
    dropped: int = 0
    """Datagrams that the kernel has thrown away."""

    @property
    def rate(self) -> float:
        """Events a second, from the first octet sent to the last one received."""
        return self.received / self.seconds

    @property
    def cpu_microseconds(self) -> float:
        """Processor time an event."""
        return self.cpu_seconds / max(1, self.received) * 1e6


class Asked:
    """One of our own processes, which answers lines with lines."""

    def __init__(self, module: str, *arguments: object, **environ: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | environ,
        )
        self._in: IO[bytes] = self._process.stdin  # type: ignore[assignment]
        self._out: IO[bytes] = self._process.stdout  # type: ignore[assignment]

    def line(self) -> list[str]:
        """The next line, in words."""
        return self._out.readline().decode().split()

    def ask(self, question: str = "") -> None:
        """Send it a line."""
        self._in.write(question.encode() + b"\n")
        self._in.flush()

    def close(self) -> None:
        """Its standard input ends, and so it ends."""
        self._in.close()
        self._process.wait()
        self._out.close()


@contextmanager
def sink(
    keep: Path | None = None, port: int = 0
) -> Iterator[tuple[int, Callable[[], tuple[float, int]]]]:
    """A receiver: its port, and a question for the time of its last octets and its count."""
    process = Asked("sink", port, *([keep] if keep else []))

    def look() -> tuple[float, int]:
        process.ask()
        last, count = process.line()
        return float(last), int(count)

    try:
        yield int(process.line()[0]), look
    finally:
        process.close()


@contextmanager
def generator(*arguments: object) -> Iterator[Asked]:
    """A sender that is ready to begin."""
    process = Asked("generator", *arguments)
    try:
        if process.line() != ["ready"]:
            raise RuntimeError("the generator could not connect")
        yield process
    finally:
        process.close()


def measure(
    peer: Peer, *sending: object, keep: Path | None = None, patience: float = GIVE_UP_SECONDS
) -> Run:
    """Start the relay, send, wait until everything has arrived or nothing comes any more.

    `sending` are the arguments of the generator, behind the port.
    """
    with ExitStack() as ends:
        target, look = ends.enter_context(sink(keep))
        listen = free_port()
        peer.start(listen, target)
        ends.callback(peer.stop)
        peer.await_ready()
        sender = ends.enter_context(generator(peer.protocol, listen, *sending))
        before = cpu_seconds(peer.process.pid)
        sender.ask()
        began, _, sent = map(float, sender.line())
        last, count = arrive(int(sent), look, patience)
        return Run(
            relay=peer.name,
            sent=int(sent),
            received=count,
            seconds=last - began,
            cpu_seconds=cpu_seconds(peer.process.pid) - before,
            peak_bytes=max(peaks(peer.process.pid)),
            dropped=drops(listen) if peer.protocol == "udp" else 0,
        )


def arrive(sent: int, look: Callable[[], tuple[float, int]], patience: float) -> tuple[float, int]:
    """Wait for so many frames; what there is when nothing has come for so many seconds."""
    began = time.time()
    while True:
        last, count = look()
        if count >= sent or time.time() - max(last, began) > patience:
            return last, count
        time.sleep(LOOK_SECONDS)


def first_event(peer: Peer, line: bytes) -> float:
    """Seconds from the start of the process to the arrival of an event that is sent at once."""
    with ExitStack() as ends:
        target, look = ends.enter_context(sink())
        listen = free_port()
        began = time.time()
        peer.start(listen, target)
        ends.callback(peer.stop)
        with socket.create_connection(("127.0.0.1", listen)) as sender:
            sender.sendall(line)
        last, count = arrive(1, look, GIVE_UP_SECONDS)
        return last - began if count else float("inf")
