"""Graylog's real inputs as the receiver of the laboratory."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import orjson

from bridge.graylog.judge import GraylogInput, Judge
from tests.ports import free_port


class GraylogReceiver:
    """A judge with a GELF input of each kind; with `tls` the one for TCP speaks TLS.

    An event counts as received when an input has handed it over to what stands in the place of
    Graylog's ring buffer, which writes it to a file with one call; what the process had read, and
    answered or confirmed, but not handed over when it was killed does not count. `terminate` stops
    the inputs in order and leaves the process, `kill` kills it.
    """

    def __init__(self, folder: Path, tls: bool, version: str) -> None:
        self.host = "127.0.0.1"
        self.tcp, self.http, self.udp = free_port(), free_port(), free_port()
        self._version = version
        self._tls = {
            "tls_enable": True,
            "tls_cert_file": str(folder / "server.crt"),
            "tls_key_file": str(folder / "server.key"),
        }
        self._settings = self._tls if tls else {}
        self._judge: Judge | None = None
        self._inputs: list[GraylogInput] = []
        self._open = contextlib.ExitStack()
        self._received: list[str] = []
        self._written = 0

    @property
    def is_running(self) -> bool:
        return self._judge is not None

    async def start(self, rate: float = 0) -> None:
        """Start the process, or the inputs again; each message takes its share of a second."""
        await asyncio.to_thread(self._start, rate)

    def _start(self, rate: float) -> None:
        if self._judge:
            for one in self._inputs:
                one.start()
            return
        delay = int(1_000_000 / rate) if rate else 0
        self._judge = self._open.enter_context(Judge(self._version))
        tcp = self._judge.input("tcp", port=self.tcp, delay_us=delay, **self._settings)
        http = self._judge.input("http", port=self.http, delay_us=delay, enable_bulk_receiving=True)
        udp = self._judge.input("udp", port=self.udp, delay_us=delay)
        self._inputs = [self._open.enter_context(one) for one in (tcp, http, udp)]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        assert self._judge
        os.kill(self._judge.pid, number)

    async def kill(self) -> None:
        """SIGKILL, if it runs; what was handed over before is kept."""
        if self._judge:
            await asyncio.to_thread(self._judge.kill)
            self._keep()
            await asyncio.to_thread(self._open.close)
            self._judge = None

    async def terminate(self) -> None:
        """Stop the inputs as an administrator stops them."""
        for one in self._inputs if self._judge else ():
            await asyncio.to_thread(one.stop)

    def received(self) -> list[str]:
        """The ids of all events that were ever handed over."""
        if self._judge:
            return self._received + ids(self._inputs)
        return self._received

    def written(self) -> int:
        """How many bytes of events it has handed over so far."""
        return self._written + sum(one.written() for one in self._inputs)

    def _keep(self) -> None:
        self._received += ids(self._inputs)
        self._written = self.written()
        self._inputs = []


def ids(inputs: list[GraylogInput]) -> list[str]:
    """The `event_uid` of every document that can be read."""
    found = []
    for document in (document for one in inputs for document in one.documents()):
        with contextlib.suppress(orjson.JSONDecodeError):
            found.append(orjson.loads(document)["_event_uid"])
    return found
