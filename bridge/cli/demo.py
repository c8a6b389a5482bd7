"""`gelf-bridge demo`: the whole path on this machine, without a config, an account or a Graylog."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import click
import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge import config as configuration
from bridge.health import State
from bridge.inputs.cylance.fake import FakeCylance, World
from bridge.plugins import EntryPoints
from bridge.service import Service
from bridge.testing import FakeGraylog
from bridge.testing.samples import Sample, cybereason, cylance

PAUSE_SECONDS = 1.0


@click.command()
@click.option("--once", is_flag=True, help="Send each sample once, then stop.")
@click.option("--count", type=click.IntRange(1), help="Stop after so many events.")
@click.option("--to", "endpoint", metavar="HOST:PORT", help="Send into a real GELF TCP input.")
def demo(once: bool, count: int | None, endpoint: str | None) -> None:
    """Show MalOps and Cylance events on their way: what the bridge sends, what Graylog will hold.

    A sender, a fake Cylance API, the real bridge and a fake Graylog run on this machine; nothing
    leaves it unless --to names a GELF TCP input. Events sent there carry the field bridge_demo.
    """
    total = count or (len(cybereason() + cylance()) if once else None)
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(Demo(endpoint, total).run())


class Demo:
    """Sender and fake API → bridge → (fake) Graylog, and the two columns."""

    def __init__(self, endpoint: str | None, total: int | None) -> None:
        self._endpoint = endpoint
        self._total = total
        self._console = Console(width=None if Console().is_terminal else 120)
        self._sent = 0
        self._cylance = FakeCylance(world=World(0, devices=0))

    async def run(self) -> None:
        """Show events until `total` or Ctrl-C, then the balance."""
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        async with self._cylance, FakeGraylog() as graylog, self._bridge(graylog) as service:
            showing = asyncio.ensure_future(self._show_events(service, graylog))
            stopping = asyncio.ensure_future(stopped.wait())
            await asyncio.wait((showing, stopping), return_when=asyncio.FIRST_COMPLETED)
            showing.cancel()
            stopping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await showing
            if not self._endpoint or self._total:
                await service.emptied()
            self._sum_up(graylog)

    @contextlib.asynccontextmanager
    async def _bridge(self, graylog: FakeGraylog) -> AsyncIterator[Service]:
        with tempfile.TemporaryDirectory(prefix="gelf-bridge-demo-") as directory:
            settings = self._settings(graylog, Path(directory))
            registry = EntryPoints()
            config = configuration.load(yaml.safe_dump(settings), "demo", {}, registry)
            service = Service(config, registry)
            running = asyncio.ensure_future(service.run())
            try:
                await service.started.wait()
                yield service
            finally:
                service.stop()
                await running

    def _settings(self, graylog: FakeGraylog, directory: Path) -> dict[str, Any]:
        return {
            "inputs": {
                "malops": {
                    "type": "cef",
                    "address": "127.0.0.1:0",
                    "fields": {"bridge_demo": "true"},
                },
                "protect": self._cylance.settings
                | {
                    "start": "now",
                    "interval_seconds": 1,
                    "proxy": "none",
                    "fields": {"bridge_demo": "true"},
                },
            },
            "outputs": {
                "graylog": {
                    "type": "gelf_tcp",
                    "endpoint": self._endpoint or f"127.0.0.1:{graylog.port}",
                    "confirm_seconds": 0.1,
                    "hold_back_seconds": 0.1,
                }
            },
            "spool": {"directory": str(directory / "spool"), "min_free_bytes": 0},
        }

    async def _show_events(self, service: Service, graylog: FakeGraylog) -> None:
        self._introduce()
        host, port = await listening(service)
        await until_ok(service, "protect")
        _, writer = await asyncio.open_connection(host, port)
        try:
            while self._total is None or self._sent < self._total:
                samples = cybereason(now=time.time()) + cylance()
                sample = samples[self._sent % len(samples)]
                if sample.original.startswith("{"):
                    happen(self._cylance.world, json.loads(sample.original), time.time())
                else:
                    writer.write(sample.original.encode() + b"\n")
                    await writer.drain()
                self._sent += 1
                await accepted(service, self._sent)
                await self._show(sample, graylog)
        finally:
            writer.close()

    async def _show(self, sample: Sample, graylog: FakeGraylog) -> None:
        if self._endpoint:
            self._console.print(f"{self._sent}. {title(sample.stored)}", markup=False)
        else:
            await graylog.received(self._sent, timeout=30)
            received = graylog.messages[self._sent - 1]
            self._console.print(
                event_table(self._sent, received.fields, sample.held(received.fields))
            )
        if self._sent != self._total:
            await asyncio.sleep(0 if self._total else PAUSE_SECONDS)

    def _introduce(self) -> None:
        target = self._endpoint or "a fake Graylog"
        self._console.print(
            "A sender writes MalOps as CEF over TCP, a fake Cylance API lists a detection and a "
            f"threat; the bridge spools them and delivers them as GELF to {target}.",
            markup=False,
        )
        if self._total is None:
            self._console.print("Ctrl-C stops.\n")

    def _sum_up(self, graylog: FakeGraylog) -> None:
        if self._endpoint:
            self._console.print(f"{self._sent} events written to {self._endpoint}.", markup=False)
            return
        lost = sum(len(message.dropped) for message in graylog.messages)
        rejected = len(graylog.rejected)
        self._console.print(
            f"{self._sent} sent, {len(graylog.messages)} received by the fake Graylog, "
            f"{rejected} messages rejected, {lost} fields dropped.",
            highlight=False,
        )


async def listening(service: Service) -> tuple[str, int]:
    """Where the input of the demo listens, once it does."""
    await until_ok(service, "malops")
    address: tuple[str, int] = service.inputs["malops"].addresses[0]  # type: ignore[attr-defined]
    return address


async def until_ok(service: Service, name: str) -> None:
    """Wait until an input is at work."""
    while not (status := service.health.status(name)) or status.state is not State.OK:
        await asyncio.sleep(0.01)


async def accepted(service: Service, count: int) -> None:
    """Wait until so many events are in the spool."""
    while sum(one.accepted for one in (await service.spool.balance()).inputs.values()) < count:
        await asyncio.sleep(0.01)


def happen(world: World, item: dict[str, Any], now: float) -> None:
    """Let an object of the Cylance API happen just now: found once more, or detected anew."""
    if "sha256" in item:
        world.put("threats", item["sha256"].upper(), item | {"last_found": now}, now)
    else:
        id_ = str(uuid.uuid4())
        fresh = {"Id": id_, "OccurrenceTime": now - 1.7, "ReceivedTime": now}
        world.put("detections", id_, item | fresh, now)


def title(fields: Mapping[str, Any]) -> str:
    """What an event is, in a few words."""
    return str(fields.get("event_action") or fields["message"])


def event_table(number: int, sent: Mapping[str, Any], stored: Mapping[str, Any]) -> Table:
    """One event in two columns: the fields of the GELF message, and those after the rules."""
    heading = Text(f"{number}. {title(stored)}")
    table = Table(title=heading, title_justify="left", expand=True)
    table.add_column("what the bridge sends", ratio=1)
    table.add_column("what Graylog holds after the rules", ratio=1)
    table.add_row(fields_text(sent), fields_text(stored))
    return table


def fields_text(fields: Mapping[str, Any]) -> Text:
    """One field a line, numbers, booleans and lists as JSON; no control character gets through."""
    text = Text(overflow="fold")
    for name, value in sorted(fields.items()):
        shown = value if isinstance(value, str) else json.dumps(value)
        text.append(name, style="cyan")
        text.append(f" {''.join(c if c.isprintable() else repr(c)[1:-1] for c in shown)}\n")
    return text
