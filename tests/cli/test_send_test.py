"""`check --connect --send-test --graylog`: did the event arrive as it shall be?"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge import config as configuration
from bridge.cli.send_test import SAMPLE, ask, send
from bridge.config import Config
from bridge.graylog.client import Graylog
from bridge.graylog.installer import Choices, plan_installation
from bridge.graylog.plan import carry_out
from bridge.graylog.survey import survey
from bridge.graylog.wanted import STREAM
from bridge.plugins import EntryPoints
from bridge.testing import FakeGraylog
from bridge.testing.graylog_rest import DEFAULT_STREAM, FakeGraylogApi
from bridge.testing.samples import cybereason


def settings(port: int, folder: Path, **more: Any) -> dict[str, Any]:
    gelf = {"type": "gelf_tcp", "endpoint": f"127.0.0.1:{port}", "hold_back_seconds": 0.05}
    return {
        "inputs": {"malops": {"type": "cef", "address": "127.0.0.1:0"}},
        "outputs": {"graylog": gelf | {"confirm_seconds": 0.05}, **more},
        "spool": {"directory": str(folder / "spool"), "min_free_bytes": 0},
    }


def loaded(port: int, folder: Path, **more: Any) -> Config:
    text = yaml.safe_dump(settings(port, folder, **more))
    return configuration.load(text, "test", {}, EntryPoints())


class Server:
    """A Graylog: its GELF input, its REST API, and rules that run between them."""

    def __init__(self, gelf: FakeGraylog, api: FakeGraylogApi, schema: str) -> None:
        self.gelf = gelf
        self.api = api
        self.schema = schema
        self.streams = [self.stream["id"]]

    @property
    def stream(self) -> dict[str, Any]:
        [found] = [row for row in self.api.state.streams.values() if row["title"] == STREAM]
        return found

    def client(self) -> Graylog:
        return Graylog(self.api.url, self.api.token)

    async def indexed(self, **changes: Any) -> None:
        """Store the first message as the rules leave it."""
        [message] = await self.gelf.received(1, timeout=10)
        held = cybereason(schema=self.schema)[SAMPLE].held(message.fields)
        row = held | {"streams": self.streams, "gl2_source_input": "x"} | changes
        self.api.state.messages.append({k: v for k, v in row.items() if v is not None})


@asynccontextmanager
async def graylog(schema: str = "ecs") -> AsyncIterator[Server]:
    async with FakeGraylog() as gelf, FakeGraylogApi() as api:
        async with Graylog(api.url, api.token) as client:
            choices = Choices(schema=schema)
            plan = await plan_installation(client, await survey(client), choices)
            await carry_out(client, plan, lambda step: None, lambda entity: None)
        yield Server(gelf, api, schema)


async def findings(server: Server, folder: Path, **changes: Any) -> dict[str, tuple[bool, str]]:
    sent = await send(loaded(server.gelf.port, folder), EntryPoints())
    assert sent.outcome == {"graylog": ""}
    await server.indexed(**changes)
    found = await ask(server.client(), sent, 1.0)
    return {each.what: (each.good, each.text) for each in found}


@pytest.mark.parametrize("schema", ["ecs", "gim"])
async def test_all_is_said_to_be_well_when_it_is(schema: str, tmp_path: Path) -> None:
    async with graylog(schema) as server:
        found = await findings(server, tmp_path)
    assert [what for what, (good, _) in found.items() if not good] == []
    assert {"stream", "arrival", "place", "fields", "types"} <= found.keys()


async def test_the_test_event_is_marked_and_goes_through_its_own_spool(tmp_path: Path) -> None:
    async with FakeGraylog() as gelf:
        sent = await send(loaded(gelf.port, tmp_path), EntryPoints())
        [message] = gelf.messages
    assert str(message.fields["bridge_demo"]).startswith("check-")
    assert message.fields["event_uid"] == sent.uid
    assert list(tmp_path.iterdir()) == []


async def test_an_output_that_cannot_deliver_says_why(tmp_path: Path) -> None:
    async with FakeGraylog() as gelf:
        await gelf.stop()
        sent = await send(loaded(gelf.port, tmp_path), EntryPoints(), seconds=0.5)
    assert "connection refused" in sent.outcome["graylog"]


async def test_an_output_that_is_not_to_have_it_says_so(tmp_path: Path) -> None:
    file = {"type": "file", "path": str(tmp_path / "x.log"), "only": {"inputs": ["malops"]}}
    async with FakeGraylog() as gelf:
        sent = await send(loaded(gelf.port, tmp_path, archive=file), EntryPoints())
    assert sent.outcome["graylog"] == ""
    assert "only, except" in sent.outcome["archive"]


async def test_an_event_that_does_not_arrive_is_told(tmp_path: Path) -> None:
    async with graylog() as server:
        sent = await send(loaded(server.gelf.port, tmp_path), EntryPoints())
        found = await ask(server.client(), sent, 0.1)
    assert f"look for event_uid {sent.uid}" in found[-1].text
    assert not found[-1].good


async def test_a_wrong_stream_is_told(tmp_path: Path) -> None:
    async with graylog() as server:
        server.streams = [DEFAULT_STREAM]
        assert (await findings(server, tmp_path))["place"] == (
            False,
            f"the test event is not in the stream {STREAM}",
        )
        server.api.state.messages.clear()
    async with graylog() as server:
        server.streams.append(DEFAULT_STREAM)
        assert "Default Stream, too" in (await findings(server, tmp_path))["place"][1]


async def test_fields_that_are_missing_or_wrong_are_told(tmp_path: Path) -> None:
    async with graylog() as server:
        found = await findings(server, tmp_path, event_action=None, event_severity="5")
    good, text = found["fields"]
    assert not good
    assert text == "event_action is missing; event_severity is '5' and not 5"


async def test_wrong_types_in_the_index_are_told(tmp_path: Path) -> None:
    async with graylog() as server:
        [profile] = server.api.state.profiles.values()
        profile["custom_field_mappings"] = [{"field": "host_ip", "type": "string"}]
        found = await findings(server, tmp_path)
    good, text = found["types"]
    assert not good
    assert "host_ip is string and not ip" in text


async def test_what_is_wrong_with_the_server_is_told_without_an_event() -> None:
    async with graylog() as server:
        state = server.api.state
        server.stream["disabled"] = True
        gelf = dict(next(iter(state.inputs.values())))
        state.add(state.inputs, gelf | {"id": "", "title": "Second"})
        server.api.system.geoip["enabled"] = True
        name = "org.graylog2.messageprocessors.StreamMatcherFilterProcessor"
        server.api.system.processors["disabled_processors"].append(name)
        found = {each.what: each for each in await ask(server.client(), None)}
    assert "is paused" in found["stream"].text
    assert "Address already in use" in found["input Second"].text
    assert "never sees destination_ip" in found["GeoIP"].text
    assert "turned off" in found["Stream Rule Processor"].text
    assert not any(
        each.good for each in found.values() if each.what != "input GELF TCP (gelf-bridge)"
    )


async def test_a_server_without_anything_of_ours_is_told() -> None:
    async with FakeGraylogApi() as api:
        found = await ask(Graylog(api.url, api.token), None)
    assert [each.text for each in found] == [
        "it is missing: gelf-bridge pipelines install makes it",
        "there is no GELF input: gelf-bridge pipelines install",
    ]


async def test_the_command_says_it_all(tmp_path: Path) -> None:
    async with graylog() as server:
        file = tmp_path / "bridge.yaml"
        file.write_text(yaml.safe_dump(settings(server.gelf.port, tmp_path)))
        storing = asyncio.ensure_future(server.indexed())
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bridge", "check", "-c", str(file), "--connect", "--send-test"),
            *("--graylog", server.api.url, "--json"),
            env=os.environ | {"GRAYLOG_TOKEN": server.api.token},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        await storing
    assert process.returncode == 0, out.decode() + err.decode()
    told = json.loads(out)
    assert told["tried"]["test event through output graylog"] == ""
    assert told["words"]["Graylog, fields"] == "all fields of the test event are right"
    assert server.api.token not in (out + err).decode()
