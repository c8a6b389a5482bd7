"""The laboratory: load, the real bridge, a receiver, faults, and the account in the end.

The oracle is the spool itself: an event counts as accepted when the spool's own counters say so.
Lost is what was accepted and never handed over by the receiver; repeated is what came more often
than once.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import trustme

from bridge.errors import BridgeError
from tests.lab.load import Load
from tests.lab.processes import BridgeProcess, ReceiverProcess


class Receiver(Protocol):
    """What takes the events, always on the same ports."""

    host: str
    tcp: int
    http: int

    @property
    def is_running(self) -> bool: ...

    async def start(self, rate: float = 0) -> None: ...

    def signal(self, number: signal.Signals) -> None: ...

    async def kill(self) -> None: ...

    async def terminate(self) -> object: ...

    def received(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of all events of a scenario."""

    accepted: int
    delivered: int
    lost: int
    repeated: int


class Lab:
    """One scenario; `transport` is tcp, tls or http."""

    def __init__(self, folder: Path, transport: str = "tcp", options: str = "") -> None:
        self.folder = folder
        self.transport = transport
        self.options = options
        tls = certificate(folder) if transport == "tls" else None
        self.receiver: Receiver = ReceiverProcess(folder, tls)
        self.through = 0
        """The port of a proxy in front of the receiver, if there is one."""
        self.bridge: BridgeProcess
        self.load: Load
        self._loading: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def target(self) -> int:
        """The port of the receiver."""
        return self.receiver.http if self.transport == "http" else self.receiver.tcp

    async def start(
        self, rate: float = 0, spool: Path | None = None, limits: str = "min_free_bytes: 0"
    ) -> None:
        """Start the receiver, which reads `rate` events a second, and the bridge."""
        await self.receiver.start(rate)
        self.bridge = BridgeProcess(self.folder, self._output(), spool, limits)
        await self.bridge.start()
        self._watching = asyncio.ensure_future(self._watch())

    def send(self, rate: float, seconds: float) -> None:
        """Begin to send events into the bridge."""
        self.load = Load(rate)
        self._loading = asyncio.ensure_future(self.load.run(self.bridge.listen, seconds))

    def stop_sending(self) -> None:
        """Send no more."""
        self.load.stop()

    async def sent(self) -> None:
        """Wait until everything was sent."""
        assert self._loading
        await self._loading

    async def component(self, name: str = "graylog") -> dict[str, object]:
        """What the running bridge says of one component."""
        return (await self.bridge.components())[name]

    async def accepted(self) -> int:
        """What the running bridge has accepted so far."""
        balance = (await self.component("malops"))["balance"]
        return int(balance["accepted"]) if isinstance(balance, dict) else 0

    async def outcome(self, timeout: float = 60) -> Outcome:
        """Wait until all is sent and delivered, stop the bridge in order, and compare."""
        await self.sent()
        await self.bridge.drained(timeout=timeout)
        assert await self.bridge.terminate() == 0
        await self._watched()
        await self.receiver.terminate()
        balance = await self.bridge.account()
        accepted = balance.inputs["malops"].accepted
        output = balance.outputs["graylog"]
        assert (output.accepted, output.spooled) == (accepted, 0)
        received = self.receiver.received()
        different = set(received)
        return Outcome(
            accepted, output.delivered, accepted - len(different), len(received) - len(different)
        )

    async def close(self) -> None:
        """End everything that still runs."""
        for task in (self._loading, self._watching):
            if task:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await self.receiver.kill()
        if hasattr(self, "bridge"):
            await self.bridge.kill()

    async def _watch(self) -> None:
        """The accounts hold at any moment."""
        while True:
            with contextlib.suppress(BridgeError):
                await self.bridge.components()
            await asyncio.sleep(0.1)

    async def _watched(self) -> None:
        assert self._watching
        self._watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._watching
        self._watching = None

    def _output(self) -> str:
        place = f"{self.receiver.host}:{self.through or self.target}"
        if self.transport == "http":
            options = f'type: gelf_http, url: "http://{place}"'
        else:
            options = f'type: gelf_tcp, endpoint: "{place}"'
        if self.transport == "tls":
            options += (
                f", tls: {{authorities: {self.folder / 'authority.pem'}, server_name: 127.0.0.1}}"
            )
        return f"  graylog: {{{options}{self.options}}}"


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 with its key; the authority is in `authority.pem`.

    The two are in `server.crt` and `server.key` as well, as Graylog wants them.
    """
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(folder / "server.crt")
    issued.private_key_pem.write_to_path(folder / "server.key")
    file = folder / "server.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(file)
    return file


@contextlib.asynccontextmanager
async def lab(folder: Path, transport: str = "tcp", options: str = "") -> AsyncIterator[Lab]:
    """A laboratory that is cleaned up."""
    one = Lab(folder, transport, options)
    try:
        yield one
    finally:
        await one.close()
