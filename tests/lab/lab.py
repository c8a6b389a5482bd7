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

import orjson
import trustme

from tests.lab.load import Load
from tests.lab.processes import BridgeProcess, ReceiverProcess
from tests.lab.sampler import Sampler

EVENT_BYTES = 1600
"""A document of the load has a few more."""
UNCONFIRMED_BYTES = {
    "tcp": 8 * 1024 * 1024,
    "tls": 8 * 1024 * 1024,
    "http": 1024 * 1024,
    "udp": 0,
}
"""What an output has under way at most: its window, of two confirmation intervals with TCP."""
HOLD_BACK_SECONDS = 2.0
COMMIT_SECONDS = 0.5
"""How much later than after the hold-back the cursor is moved, on a busy machine."""


class Receiver(Protocol):
    """What takes the events, always on the same ports."""

    host: str
    tcp: int
    http: int
    udp: int

    @property
    def is_running(self) -> bool: ...

    async def start(self, rate: float = 0) -> None: ...

    def signal(self, number: signal.Signals) -> None: ...

    async def kill(self) -> None: ...

    async def terminate(self) -> object: ...

    def received(self) -> list[str]: ...

    def written(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of all events of a scenario.

    `bound` is how many may be repeated: for each fault two confirmation intervals, and what the
    receiver had taken during the hold-back before it. `checks` is how often the balance of a
    component was looked at meanwhile.
    """

    accepted: int
    delivered: int
    lost: int
    repeated: int
    faults: int
    bound: int
    checks: int


class Lab:
    """One scenario; `transport` is tcp, tls, http or udp, `options` are those of the output."""

    def __init__(self, folder: Path, transport: str = "tcp", **options: object) -> None:
        self.folder = folder
        self.transport = transport
        self.options = options
        tls = certificate(folder) if transport == "tls" else None
        self.receiver: Receiver = ReceiverProcess(folder, tls)
        self.through = 0
        """The port of a proxy in front of the receiver, if there is one."""
        self.program = "bridge"
        """The module that is run as the bridge."""
        self.bridge: BridgeProcess
        self.load: Load
        self.closing = contextlib.AsyncExitStack()
        """What else has to be ended in the end."""
        self._sampler: Sampler
        self._loading: asyncio.Task[None] | None = None
        self._sampling: asyncio.Task[None] | None = None

    @property
    def target(self) -> int:
        """The port of the receiver."""
        ports = {"http": self.receiver.http, "udp": self.receiver.udp}
        return ports.get(self.transport, self.receiver.tcp)

    async def start(
        self, rate: float = 0, spool: Path | None = None, limits: str = "min_free_bytes: 0"
    ) -> None:
        """Start the receiver, which reads `rate` events a second, and the bridge."""
        await self.receiver.start(rate)
        output = f"  graylog: {orjson.dumps(self._output()).decode()}"
        self.bridge = BridgeProcess(self.folder, output, spool, limits, self.program)
        await self.bridge.start()
        self._sampler = Sampler(self.bridge.components, self.receiver.written)
        self._sampling = asyncio.ensure_future(self._sampler.run())

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

    def fault(self) -> None:
        """Tell that something breaks now."""
        self._sampler.fault()

    def gone(self) -> None:
        """Tell that what breaks is gone."""
        self._sampler.gone()

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
        await self._sampled()
        await self.receiver.terminate()
        balance = await self.bridge.account()
        accepted = balance.inputs["malops"].accepted
        output = balance.outputs["graylog"]
        assert (output.accepted, output.spooled) == (accepted, 0)
        received = self.receiver.received()
        different = len(set(received))
        return Outcome(
            accepted=accepted,
            delivered=output.delivered,
            lost=accepted - different,
            repeated=len(received) - different,
            faults=self._sampler.faults,
            bound=self._repeatable(len(received)),
            checks=self._sampler.checks,
        )

    async def close(self) -> None:
        """End everything that still runs."""
        for task in (self._loading, self._sampling):
            if task:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, AssertionError):
                    await task
        await self.receiver.kill()
        if hasattr(self, "bridge"):
            await self.bridge.kill()
        await self.closing.aclose()

    async def _sampled(self) -> None:
        """End sampling; raises what it found."""
        assert self._sampling
        self._sampling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._sampling
        self._sampling = None
        assert self._sampler.checks

    def _repeatable(self, received: int) -> int:
        """How many events may have been sent again because of the faults."""
        options = {"hold_back_seconds": HOLD_BACK_SECONDS, **self.options}
        share = received / max(1, self.receiver.written())
        seconds = float(str(options["hold_back_seconds"])) + COMMIT_SECONDS
        held = self._sampler.doubtful(seconds) * share
        unconfirmed = UNCONFIRMED_BYTES[self.transport] / EVENT_BYTES
        return int(self._sampler.faults * unconfirmed + held)

    def _output(self) -> dict[str, object]:
        place = f"{self.receiver.host}:{self.through or self.target}"
        if self.transport == "http":
            return {"type": "gelf_http", "url": f"http://{place}", "bulk": True, **self.options}
        if self.transport == "udp":
            # The receiver reads ids before it unpacks anything.
            return {"type": "gelf_udp", "endpoint": place, "compression": "none", **self.options}
        tls = {"authorities": str(self.folder / "authority.pem"), "server_name": "127.0.0.1"}
        more = {"tls": tls} if self.transport == "tls" else {}
        return {"type": "gelf_tcp", "endpoint": place, **more, **self.options}


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
async def lab(folder: Path, transport: str = "tcp", **options: object) -> AsyncIterator[Lab]:
    """A laboratory that is cleaned up."""
    one = Lab(folder, transport, **options)
    try:
        yield one
    finally:
        await one.close()
