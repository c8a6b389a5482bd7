"""Graylog's real GELF inputs, on loopback ports of the judge's process."""

from __future__ import annotations

import itertools
import socket
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

HOST: Final = "127.0.0.1"
_numbers = itertools.count(1)

Settings = str | int | bool


class Stats(NamedTuple):
    """What an input has handed over since it was started."""

    messages: int
    bytes: int


class GraylogInput:
    """One input: `GELFTCPInput`, `GELFUDPInput` or `GELFHttpInput` with Graylog's transports.

    `kind` is tcp, udp or http. `port` 0 takes a free one, and keeps it over `stop` and `start`.
    `settings` are the keys of Graylog's input form, whose other values are its defaults; TLS is
    `tls_enable=True, tls_cert_file=path, tls_key_file=path`. Where Graylog would put a message into
    its ring buffer it is written to `file` at once (so what was handed over survives a SIGKILL of
    the process), and then takes `delay_us` longer.
    """

    def __init__(
        self,
        ask: Callable[..., Any],
        kind: str,
        file: Path,
        *,
        port: int,
        delay_us: int,
        settings: Mapping[str, Settings],
    ) -> None:
        self.kind = kind
        self.port = port or _free_port(kind)
        self._ask = ask
        self._file = file
        self._delay_us = delay_us
        self._settings = {"bind_address": HOST, **settings, "port": self.port}
        self._id = ""

    @property
    def endpoint(self) -> str:
        """`127.0.0.1:port`."""
        return f"{HOST}:{self.port}"

    def start(self) -> None:
        """Listen. Called by `Judge.input`, and to start again after `stop`."""
        self._id = f"input-{next(_numbers)}"
        self._ask(
            "input_start",
            id=self._id,
            kind=self.kind,
            settings=self._settings,
            file=str(self._file),
            delay_us=self._delay_us,
        )

    def stop(self) -> None:
        """Stop as Graylog stops an input; safe twice."""
        if self._id:
            self._ask("input_stop", id=self._id)
            self._id = ""

    def stats(self) -> Stats:
        """What was handed over since the last start."""
        return Stats(**self._ask("input_stats", id=self._id))

    def written(self) -> int:
        """How many bytes it has handed over since the first start, and 4 for each message."""
        return self._file.stat().st_size

    def documents(self) -> list[bytes]:
        """Every message handed over since the first start, also after the process was killed."""
        data = self._file.read_bytes()
        found, place = [], 0
        while place < len(data):
            (length,) = struct.unpack_from(">I", data, place)
            found.append(data[place + 4 : place + 4 + length])
            place += 4 + length
        return found


def _free_port(kind: str) -> int:
    with socket.socket(type=socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
