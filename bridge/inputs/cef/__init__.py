"""The input `cef`: listens for CEF records, with or without a syslog header, and emits events.

`listener` reads connections and `datagrams` UDP; `bridge.syslog` finds frames, `bridge.cef` parses
them, `normalize` gives names and types, `handover` bounds what is under way to the spool.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from bridge.errors import BridgeError
from bridge.health import State
from bridge.inputs import Context, Deviation, Emit, Event, Express, Input, InputConfig
from bridge.inputs.cef.datagrams import Datagrams
from bridge.inputs.cef.deviations import DEVIATIONS
from bridge.inputs.cef.handover import Handover
from bridge.inputs.cef.keys import FIXED_KINDS
from bridge.inputs.cef.listener import Limits, Listener, Read
from bridge.inputs.cef.options import CefConfig
from bridge.inputs.cef.press import Press
from bridge.inputs.cef.reader import Reader
from bridge.native import core
from bridge.net import Allowed, Listening, bind, place, server_context, written

__all__ = ["CefConfig", "CefInput"]

KINDS: Final = {
    "tcp": (socket.SOCK_STREAM,),
    "udp": (socket.SOCK_DGRAM,),
    "both": (socket.SOCK_STREAM, socket.SOCK_DGRAM),
}


class CefInput(Input):
    """CEF in, events out."""

    Config: ClassVar[type[InputConfig]] = CefConfig
    kinds: ClassVar[Mapping[str, str]] = FIXED_KINDS
    deviations: ClassVar[Mapping[str, Deviation]] = DEVIATIONS

    config: CefConfig

    def __init__(self, config: Any, context: Context) -> None:
        super().__init__(config, context)
        self.addresses: list[tuple[str, int]] = []
        """Where it listens, TCP first; known once it has reported that it does."""
        self._reader = Reader(context, self.config)
        self._allowed = Allowed(self.config.allow_from)
        self._listener: Listener | None = None

    @classmethod
    def listens(cls, config: Any) -> list[Listening]:
        """TCP, UDP or both."""
        return [(config.address, kind) for kind in KINDS[config.transport]]

    async def run(self, emit: Emit) -> None:
        """Listen until cancelled; what was read by then is durable when this ends."""
        for warning in self.config.warnings():
            self.context.log.warning("%s", warning)
        handover = Handover(emit)
        read = self.reading(emit)
        listener = self._listener = self._make_listener(read, handover)
        datagrams = Datagrams(
            self.context,
            read,
            handover,
            self._allowed,
            self.config.receive_buffer_bytes,
        )
        try:
            streams = await self._bind(socket.SOCK_STREAM)
            listener.start(streams)
            packets = await self._bind(socket.SOCK_DGRAM)
            datagrams.start(packets)
            self._report(streams, packets)
            await handover.failed
        finally:
            # Whoever cancels a second time must not leave anything open.
            try:
                await listener.end()
            finally:
                datagrams.end()
                try:
                    await handover.settled()
                finally:
                    listener.close()

    async def check(self) -> None:
        """Read the certificates, bind and let go; raises BridgeError with advice."""
        self._tls()
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            for opened in await self._bind(kind):
                opened.close()

    def read_again(self, lines: Sequence[bytes]) -> list[Event]:
        """CEF, a record a line; who sent it is not known any more."""
        return self._reader.read(lines, {}, "")

    def reload(self) -> None:
        """Read the certificates again, for new connections; the old ones stay if that fails."""
        if self._listener is None:
            return
        try:
            self._listener.tls = self._tls()
        except BridgeError as error:
            self.context.log.error("the certificates in use stay in use: %s", error)

    def reading(self, emit: Emit) -> Read:
        """Straight to documents where that can be."""
        is_usual = self.config.escapes and not self.config.quotes
        if core and is_usual and isinstance(emit, Express):
            return Press(self._reader, emit).read
        return self._reader.read

    def _make_listener(self, read: Read, handover: Handover) -> Listener:
        config = self.config
        limits = Limits(
            max_frame_bytes=config.max_frame_bytes,
            max_connections=config.max_connections,
            idle_seconds=config.idle_seconds,
            join_lines=config.join_lines,
            proxy_protocol=config.proxy_protocol,
            allowed=self._allowed,
        )
        return Listener(self.context, read, handover, limits, self._tls())

    def _tls(self) -> ssl.SSLContext | None:
        return server_context(self.config.tls) if self.config.tls else None

    async def _bind(self, kind: socket.SocketKind) -> list[socket.socket]:
        if (self.config.address, kind) not in self.listens(self.config):
            return []
        return await bind(self.config.address, kind)

    def _report(self, streams: list[socket.socket], packets: list[socket.socket]) -> None:
        named = [("tls" if self.config.tls else "tcp", place(opened)) for opened in streams]
        named += [("udp", place(opened)) for opened in packets]
        self.addresses = [where for _, where in named]
        listening = ", ".join(f"{name} {written(*where)}" for name, where in named)
        self.context.report(State.OK, f"listening on {listening}")
