"""`check --send-test`: one event through the whole bridge and every output, and into Graylog."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bridge import gelf
from bridge.cli.connect import Tried
from bridge.clock import SystemClock
from bridge.config import Config, Registry, SpoolConfig
from bridge.graylog.client import Graylog
from bridge.graylog.survey import survey
from bridge.graylog.verify import Finding, arrived, judged, look, schema_of
from bridge.service import Service
from bridge.spool import OutputBalance
from bridge.testing.samples import Sample, cybereason

INPUT: Final = "check"
SAMPLE: Final = 2
"""Of the samples, the one with most fields: a machine became part of a MalOp."""
SEND_SECONDS: Final = 20.0
SEARCH_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Sent:
    """The test event, and what became of it: output → what is wrong, or empty."""

    uid: str
    fields: dict[str, Any]
    """As Graylog decodes them."""
    outcome: dict[str, str]

    def held(self, schema: str) -> dict[str, Any]:
        """The fields that Graylog shall hold in the end."""
        return cybereason(schema=schema)[SAMPLE].held(self.fields)


async def send(config: Config, registry: Registry, seconds: float = SEND_SECONDS) -> Sent:
    """Send a sample, marked `bridge_demo`, through every output by a bridge with its own spool."""
    with tempfile.TemporaryDirectory(prefix="gelf-bridge-check-") as folder:
        service = Service(_alone(config, registry, Path(folder)), registry, has_job=True)
        running = asyncio.ensure_future(service.run())
        await service.started.wait()
        try:
            sample: Sample = cybereason(now=time.time())[SAMPLE]
            with service.taps.open(lambda event: True) as tap:
                await service.replay(INPUT, [sample.original.encode()])
                document = (await tap.take()).document
            outcome = await _delivered(service, seconds)
        finally:
            service.stop()
            await running
    fields = dict(gelf.decode(document).fields)
    return Sent(str(fields["event_uid"]), fields, outcome)


def _alone(config: Config, registry: Registry, folder: Path) -> Config:
    """The outputs as they are configured, and nothing else."""
    mark = {"bridge_demo": f"check-{secrets.token_hex(4)}"}
    options = {"type": "cef", "address": "127.0.0.1:0", "fields": mark}
    own = registry.component("input", "cef").Config.model_validate(options)
    spool = SpoolConfig(directory=folder / "spool", min_free_bytes=0)
    return config.model_copy(
        update={"inputs": {INPUT: own}, "spool": spool, "admin": None, "heartbeat": None}
    )


async def _delivered(service: Service, seconds: float) -> dict[str, str]:
    try:
        async with asyncio.timeout(seconds):
            await service.emptied()
    except TimeoutError:
        pass  # the accounts tell which output it was
    balance = await service.spool.balance()
    return {name: await _outcome(service, name, own) for name, own in balance.outputs.items()}


async def _outcome(service: Service, name: str, balance: OutputBalance) -> str:
    if balance.delivered:
        return ""
    if balance.filtered:
        return "the test event is not of those that it is to send (only, except)"
    if balance.buried:
        [letter] = await service.spool.dead_letters(name, 0, 1)
        return f"the destination refused the test event: {letter.reason}"
    status = service.health.status(name)
    why = status.detail if status and status.detail else "no reason given"
    return f"the test event was not delivered: {why}"


def try_graylog(
    config: Config, registry: Registry, send_test: bool, graylog: Graylog | None
) -> list[Tried]:
    """What came of the test event, and of a look at the server."""
    return asyncio.run(_try_graylog(config, registry, send_test, graylog))


async def _try_graylog(
    config: Config, registry: Registry, send_test: bool, graylog: Graylog | None
) -> list[Tried]:
    tried: list[Tried] = []
    sent = await send(config, registry) if send_test else None
    if sent:
        tried += [
            Tried(f"test event through output {name}", problem, "delivered")
            for name, problem in sent.outcome.items()
        ]
    if graylog:
        findings = await ask(graylog, sent)
        tried += [
            Tried(f"Graylog, {each.what}", "" if each.good else each.text, each.text)
            for each in findings
        ]
    return tried


async def ask(
    graylog: Graylog, sent: Sent | None, seconds: float = SEARCH_SECONDS
) -> list[Finding]:
    """Look at the server, and for the test event there."""
    async with graylog:
        server = await survey(graylog)
        found = await look(graylog, server)
        if sent is None:
            return found
        message = await arrived(graylog, SystemClock(), sent.uid, seconds)
        if message is None:
            text = (
                f"the test event did not arrive within {seconds:g} s: look for event_uid "
                f"{sent.uid}, at the input's metrics and at the indexer failures in Graylog"
            )
            return [*found, Finding("arrival", False, text)]
        found.append(Finding("arrival", True, "the test event arrived"))
        expected = sent.held(schema_of(server).name)
        return [*found, *await judged(graylog, server, message, expected)]
