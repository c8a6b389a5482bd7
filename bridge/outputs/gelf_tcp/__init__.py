"""GELF over TCP to Graylog's *GELF TCP* input, with the confirmation that TCP can give.

A batch counts as confirmed when the connection that carried it was half-closed by us and then
closed by the peer (`connection`, `tls`). Graylog's side of it: `AbstractTcpTransport` sets no
half-closure option, so Netty closes at the end of input, after it has handed over every frame.
Framing is in `org.graylog2.inputs.gelf.tcp.GELFTCPInput` and `LenientDelimiterBasedFrameDecoder`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, model_validator

from bridge.config import ByteSize, Endpoint
from bridge.errors import BridgeError, Rejected, Retryable
from bridge.health import State
from bridge.inputs import Context
from bridge.net.client_tls import ClientTls, client_context
from bridge.outputs import Batch, Output, OutputConfig
from bridge.outputs.gelf_tcp.connection import BLANKS, Connection
from bridge.outputs.gelf_tcp.dialer import Dialer
from bridge.outputs.gelf_tcp.sending import Pace, Sending
from bridge.outputs.gelf_tcp.tls import TlsConnection

MAX_FRAME: Final = 2_097_152 - len(BLANKS)
"""`max_message_size` of Graylog's input; a larger frame ends the connection unread."""
LEAST_WINDOW: Final = 8 * 1024 * 1024
"""Bytes under way, also when they are confirmed in smaller portions."""
NEVER_CLOSES: Final = "it has taken everything and does not close the connection"
PATIENCE: Final = 16
"""By how much the time for an answer grows at most, when there is no other endpoint to try."""


class GelfTcpConfig(OutputConfig):
    """Send to a GELF TCP input of Graylog, with or without TLS; what it has read is confirmed."""

    endpoint: Endpoint | Annotated[list[Endpoint], Field(min_length=1)]
    """Host and port of a GELF TCP input, or a list of them."""
    order: Literal["failover", "round_robin"] = "failover"
    """`failover`: the first endpoint that can be reached; `round_robin`: each in turn."""
    tls: bool | ClientTls = False
    """`true`, or a section, when the input has TLS enabled."""
    confirm: Literal["auto", "close_notify", "fin", "none"] = "auto"
    """What proves that the peer has read. `auto`: its FIN after ours; with TLS its close_notify, as
    soon as it has sent one once. `close_notify`: with TLS, nothing less, so also through a proxy
    that passes TLS on. `fin`: its FIN is enough. `none`: what the kernel has taken counts as read,
    for receivers that never close; then a break can lose megabytes."""
    confirm_bytes: ByteSize = Field(default=4 * 1024 * 1024, gt=0)
    """How much is sent before it must be confirmed; twice as much, and 8 MiB at least, may be under
    way, in memory."""
    confirm_seconds: float = Field(default=2.0, gt=0)
    """How long something may wait for its confirmation to be asked for."""
    hold_back_seconds: float = Field(default=2.0, ge=0)
    """How long confirmed events are kept, to send them again if Graylog goes down meanwhile."""
    timeout_seconds: float = Field(default=30.0, gt=0)
    """How long connecting may take, and how long the peer may take nothing and answer nothing."""

    @model_validator(mode="after")
    def _has_tls_for_close_notify(self) -> GelfTcpConfig:
        if self.confirm == "close_notify" and not self.tls:
            raise ValueError("confirm: close_notify needs tls")
        return self

    @property
    def remark(self) -> str:
        if self.confirm == "none":
            return "without confirmation a break of the connection can lose megabytes of events"
        if not self.tls:
            return (
                "plain TCP proves delivery on a direct connection only; where a load balancer or "
                "proxy stands in between, use tls, passed through to Graylog"
            )
        return ""

    @property
    def endpoints(self) -> list[Endpoint]:
        """All endpoints, in the order of preference."""
        return self.endpoint if isinstance(self.endpoint, list) else [self.endpoint]

    @property
    def client_tls(self) -> ClientTls | None:
        """How to make a TLS connection, if it is one."""
        return (ClientTls() if self.tls is True else self.tls) or None


class GelfTcp(Output):
    """Generations of connections; see `sending`."""

    Config: ClassVar[type[OutputConfig]] = GelfTcpConfig
    config: GelfTcpConfig

    def __init__(self, config: GelfTcpConfig, context: Context) -> None:
        super().__init__(config, context)
        # With less than a generation under way, each would only end after `confirm_seconds`.
        self.window_bytes = max(LEAST_WINDOW, 2 * config.confirm_bytes)
        self.hold_back_seconds = config.hold_back_seconds
        self._dialer = Dialer(
            config.endpoints,
            config.order == "round_robin",
            config.client_tls,
            config.timeout_seconds,
            context.clock,
        )
        self._pace = Pace(
            confirms=config.confirm != "none",
            max_bytes=config.confirm_bytes,
            max_seconds=config.confirm_seconds,
            holds_back=config.hold_back_seconds > 0,
        )
        self._sending: Sending | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._silences = 0
        self._is_late = False
        self._told: set[str] = set()

    async def connect(self) -> None:
        """Open the first connection; raises `Retryable`."""
        try:
            self._dialer.prepare()
        except BridgeError as error:
            raise Retryable(str(error)) from error
        self._sending = Sending(
            self._dialer, self._pace, self.context.clock, self._confirmed, self._opened
        )
        await self._sending.open()
        self._start(self._watch(self._sending))

    async def send(self, batch: Batch) -> float | None:
        """Return when the peer has confirmed the batch: the time at which it was asked for that.

        Raises `Retryable` or `Rejected`.
        """
        if self._sending is None:
            raise Retryable("not connected")
        data, refused = sendable(batch)
        asked_at = await self._sending.submit(data) if data else None
        if refused:
            raise Rejected(refused, f"Graylog takes no frame of more than {MAX_FRAME} bytes")
        return asked_at

    def flush(self) -> None:
        """Ask for the confirmation of everything that is under way, now."""
        if self._sending:
            self._sending.hurry()

    async def broken(self) -> str:
        """Return when any connection has ended uncleanly: what it confirmed last is in doubt."""
        if self._sending is None:
            raise Retryable("not connected")
        return await asyncio.shield(self._sending.broken)

    async def close(self) -> None:
        """Let go of all connections."""
        sending, self._sending = self._sending, None
        for task in self._tasks:
            task.cancel()
        if sending:
            await sending.close()

    async def alive(self) -> None:
        """Return when the peer has answered FIN, as for a confirmation; raises `Retryable`."""
        if self._sending is None:
            raise Retryable("not connected")
        await self._sending.alive()

    async def check(self) -> str | None:
        """Connect to every endpoint, and see that it answers FIN with FIN."""
        if tls := self.config.client_tls:
            client_context(tls)
        found = [await self._check(endpoint) for endpoint in self.config.endpoints]
        return "; ".join(filter(None, found))

    async def _check(self, endpoint: Endpoint) -> str:
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._dialer.prepare()
        connection = await self._dialer.open(endpoint, lambda _, failure: ended.set_result(failure))
        self._opened(connection)
        connection.finish()
        try:
            async with asyncio.timeout(self.config.timeout_seconds):
                failure = await ended
        except TimeoutError:
            failure = NEVER_CLOSES
        finally:
            connection.abort()
        if failure and self._pace.confirms:
            raise BridgeError(f"{endpoint}: {failure}")
        return f"{endpoint}: {words}" if (words := connection.described()) else ""

    def _opened(self, connection: Connection) -> None:
        if isinstance(connection, TlsConnection):
            remembered = self.context.recall(f"close_notify {connection.endpoint}")
            how = self.config.confirm
            connection.strict = how == "close_notify" or (how == "auto" and bool(remembered))

    def _confirmed(self, connection: Connection) -> None:
        self._silences = 0
        if self._is_late:
            self._is_late = False
            self.context.report(State.OK, "connected")
        if isinstance(connection, TlsConnection) and self.config.confirm == "auto":
            if connection.notified and not connection.strict:
                name = f"close_notify {connection.endpoint}"
                self._start(self._remember(name))
            elif not connection.notified:
                self._tell_once(
                    f"{connection.endpoint} closes without close_notify: that proves reading on a "
                    "direct connection only; with a proxy in between set confirm: close_notify"
                )

    async def _remember(self, name: str) -> None:
        await self.context.remember(name, True)

    async def _watch(self, sending: Sending) -> None:
        """Notice a peer that takes nothing or does not close."""
        limit, clock = self.config.timeout_seconds, self.context.clock
        moved: dict[Connection, tuple[int, float]] = {}
        while not sending.broken.done():
            await clock.sleep(min(1.0, limit / 4))
            now = clock.monotonic()
            old, moved = moved, {}
            for connection in sending.unconfirmed():
                pending = connection.pending
                if not (pending or connection.finished):
                    continue
                before = old.get(connection)
                moved[connection] = before if before and before[0] == pending else (pending, now)
                self._judge(sending, connection, now - moved[connection][1])

    def _judge(self, sending: Sending, connection: Connection, seconds: float) -> None:
        limit = self.config.timeout_seconds
        if seconds < limit:
            return
        why = f"it has taken nothing for {limit:g} s" if connection.pending else NEVER_CLOSES
        patience = 1 if len(self.config.endpoints) > 1 else min(PATIENCE, 2**self._silences)
        if not connection.pending:
            self._tell_once(
                f"{connection.endpoint} {NEVER_CLOSES[3:]}, for {limit:g} s now: it is stalled, or "
                "no Graylog; for a receiver that never closes there is confirm: none"
            )
        if seconds >= limit * patience:
            self._silences += 1
            sending.give_up(connection, why)
        elif not self._is_late:
            self._is_late = True
            self.context.report(State.RETRYING, f"{connection.endpoint}: {why}; waiting")

    def _tell_once(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            self.context.log.warning(message)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def sendable(batch: Batch) -> tuple[bytes, list[int]]:
    """The documents that a GELF TCP input takes, joined by NUL, and the places of the others."""
    if len(batch.data) <= MAX_FRAME:
        return batch.data, []
    messages = batch.messages()
    refused = [n for n, message in enumerate(messages) if len(message) > MAX_FRAME]
    return b"\0".join(m for n, m in enumerate(messages) if n not in refused), refused
