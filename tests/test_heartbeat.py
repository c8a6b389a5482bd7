"""The heartbeat: the bridge says through its own spool and outputs how it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge import config as configuration
from bridge.errors import ConfigError
from bridge.gelf import Decoded, index_problems
from bridge.health import State
from bridge.heartbeat import Heartbeat
from bridge.plugins import EntryPoints
from bridge.service import Service
from bridge.testing import FakeGraylog
from bridge.version import VERSION

LINE = b"CEF:0|Example|Sensor|1.0|7|Door opened|3|src=192.0.2.7\n"


@asynccontextmanager
async def running(folder: Path, port: int, **heartbeat: Any) -> AsyncIterator[Service]:
    settings = {
        "inputs": {"doors": {"type": "cef", "address": "127.0.0.1:0"}},
        "outputs": {
            "graylog": {
                "type": "gelf_tcp",
                "endpoint": f"127.0.0.1:{port}",
                "confirm_seconds": 0.05,
                "hold_back_seconds": 0.05,
            }
        },
        "spool": {"directory": str(folder / "spool"), "min_free_bytes": 0},
        "heartbeat": heartbeat,
    }
    registry = EntryPoints()
    service = Service(configuration.load(yaml.safe_dump(settings), "test", {}, registry), registry)
    task = asyncio.ensure_future(service.run())
    await service.started.wait()
    try:
        yield service
    finally:
        service.stop()
        await task


async def beats(graylog: FakeGraylog, **wanted: Any) -> list[Decoded]:
    """The heartbeats with these fields, as soon as there is one."""
    async with asyncio.timeout(10):
        while True:
            found = [
                message
                for message in graylog.messages
                if message.fields.get("event_type") == "gelf_bridge"
                and all(message.fields.get(name) == value for name, value in wanted.items())
            ]
            if found:
                return found
            await graylog.received(len(graylog.messages) + 1, timeout=10)


async def test_each_component_and_the_whole_have_an_event(tmp_path: Path) -> None:
    async with FakeGraylog() as graylog, running(tmp_path, graylog.port):
        [whole] = await beats(graylog, bridge_kind="bridge")
        doors = (await beats(graylog, bridge_component="doors"))[0].fields
        output = (await beats(graylog, bridge_component="graylog"))[0].fields
    assert whole.fields["bridge_version"] == VERSION
    assert whole.fields["bridge_spooled_bytes"] >= 0
    assert doors["bridge_kind"] == "input"
    assert doors["bridge_accepted"] == 0
    assert doors["bridge_input"] == "heartbeat"
    assert output["bridge_kind"] == "output"
    assert {"bridge_delivered", "bridge_spooled_events"} <= output.keys()
    assert isinstance(output["bridge_oldest_undelivered_seconds"], float)
    assert graylog.losses() == []


async def test_it_beats_again_and_counts_what_came_between(tmp_path: Path) -> None:
    async with (
        FakeGraylog() as graylog,
        running(tmp_path, graylog.port, interval_seconds=1) as service,
    ):
        await beats(graylog, bridge_component="doors", bridge_state="ok")
        _, writer = await asyncio.open_connection(*service.inputs["doors"].addresses[0])  # type: ignore[attr-defined]
        before = time.monotonic()
        writer.write(LINE)
        await writer.drain()
        [doors] = await beats(graylog, bridge_component="doors", bridge_accepted=1)
        writer.close()
        passed = time.monotonic() - before
    assert 0 <= doors.fields["bridge_last_event_seconds"] <= passed


async def test_a_change_of_state_is_said_at_once(tmp_path: Path) -> None:
    async with FakeGraylog() as graylog, running(tmp_path, graylog.port) as service:
        await beats(graylog, bridge_component="graylog")
        service.health.report("doors", State.RETRYING, "the port is taken")
        [event] = await beats(graylog, bridge_state="retrying")
    assert event.fields["bridge_component"] == "doors"
    assert event.fields["bridge_detail"] == "the port is taken"
    assert event.fields["level"] == 4


async def test_its_fields_have_the_kinds_that_it_declares(tmp_path: Path) -> None:
    kinds = {"text": str, "long": int, "double": float}
    async with FakeGraylog() as graylog, running(tmp_path, graylog.port):
        await beats(graylog, bridge_component="graylog")
    for message in graylog.messages:
        for name, kind in Heartbeat.kinds.items():
            if name in message.fields:
                assert type(message.fields[name]) is kinds[kind], name
        assert index_problems(message.fields) == []


async def test_without_the_section_there_is_none(tmp_path: Path) -> None:
    settings = "inputs: {a: {type: cef, address: '127.0.0.1:0'}}\n"
    settings += "outputs: {b: {type: console}}\n"
    settings += f"spool: {{directory: {tmp_path}}}\n"
    registry = EntryPoints()
    service = Service(configuration.load(settings, "test", {}, registry), registry)
    async with service.opened():
        assert list(service.inputs) == ["a"]


async def test_a_single_round_has_none(tmp_path: Path) -> None:
    """`run --once` polls its inputs, and the heartbeat cannot be polled."""
    settings = "inputs: {a: {type: cef, address: '127.0.0.1:0'}}\n"
    settings += "outputs: {b: {type: console}}\n"
    settings += f"spool: {{directory: {tmp_path}}}\nheartbeat: {{}}\n"
    registry = EntryPoints()
    config = configuration.load(settings, "test", {}, registry)
    service = Service(config, registry, has_job=True)
    async with service.opened():
        assert list(service.inputs) == ["a"]


@pytest.mark.parametrize("kind", ["inputs", "outputs"])
def test_no_component_may_have_its_id(kind: str) -> None:
    settings: dict[str, Any] = {
        "inputs": {"a": {"type": "cef", "address": "127.0.0.1:0"}},
        "outputs": {"b": {"type": "console"}},
        "spool": {"directory": "spool"},
    }
    settings[kind]["heartbeat"] = next(iter(settings[kind].values()))
    with pytest.raises(ConfigError, match=f"{kind}.heartbeat: the bridge calls a part"):
        configuration.load(yaml.safe_dump(settings), "test", {}, EntryPoints())
