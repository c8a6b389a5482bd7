"""The input `cef`: listens for CEF records, with or without a syslog header, and emits events.

`listener` reads connections, `bridge.syslog` finds frames, `bridge.cef` parses them, `normalize`
gives names and types.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from bridge.config import Address, ByteSize
from bridge.health import State
from bridge.inputs import Context, Emit, Input, InputConfig
from bridge.inputs.cef.handover import Handover
from bridge.inputs.cef.keys import FIXED_KINDS
from bridge.inputs.cef.listener import Listener
from bridge.inputs.cef.names import Names
from bridge.inputs.cef.normalize import Options
from bridge.inputs.cef.reader import Reader
from bridge.net import bind, place, written


class CefConfig(InputConfig):
    """Where to listen for CEF, and how to read it."""

    address: Address
    """Where to listen, such as `0.0.0.0:5514`."""
    max_frame_bytes: ByteSize = Field(default=1 << 20, ge=1024)
    """The longest frame; what is longer comes as several events, flagged."""


class CefInput(Input):
    """CEF in, events out."""

    Config: ClassVar[type[InputConfig]] = CefConfig
    kinds: ClassVar[Mapping[str, str]] = FIXED_KINDS

    config: CefConfig

    def __init__(self, config: Any, context: Context) -> None:
        super().__init__(config, context)
        self.addresses: list[tuple[str, int]] = []

    async def run(self, emit: Emit) -> None:
        """Listen until cancelled; what was read by then is durable when this ends."""
        handover = Handover(emit)
        reader = Reader(self.context, Options(names=Names(self.context.kinds)))
        listener = Listener(self.context, reader.read, handover, self.config.max_frame_bytes)
        try:
            bound = await bind(self.config.address, socket.SOCK_STREAM)
            self.addresses = [place(opened) for opened in bound]
            listener.start(bound)
            self.context.report(State.OK, self._listening())
            await handover.failed
        finally:
            await listener.stop()

    def _listening(self) -> str:
        return "listening on " + ", ".join(f"tcp {written(*place)}" for place in self.addresses)

    async def check(self) -> None:
        """Bind and let go; raises BridgeError with advice when that cannot be."""
        for opened in await bind(self.config.address, socket.SOCK_STREAM):
            opened.close()
