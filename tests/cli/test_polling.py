"""`run --once`, `backfill`, `checkpoint` and `check --connect`."""

from __future__ import annotations

import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.config import SpoolConfig
from bridge.inputs.cylance.fake import FakeCylance
from bridge.spool import Spool
from bridge.testing import FakeGraylog
from tests.cli.polling import World, stop
from tests.outputs.running import document


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with FakeCylance() as cylance, FakeGraylog() as graylog:
        world = World(tmp_path, cylance, graylog)
        world.write()
        yield world


async def test_once_polls_one_round_delivers_it_and_says_what_could_not_be_read(
    world: World,
) -> None:
    world.fill(40, days=0.9)
    world.cylance.api.scopes.remove("opticsdetect:list")
    done = await world.process("run", "--once")
    assert done.code == 1
    assert "lacks the right opticsdetect:list" in done.err
    assert len(await world.arrived(40)) == 40
    world.cylance.api.scopes.add("opticsdetect:list")
    world.fill(1, days=0.0001)
    done = await world.process("run", "--once")
    assert done.code == 0, done.err
    assert len(await world.arrived(41)) == 41


async def test_once_refuses_inputs_that_listen(world: World) -> None:
    world.write(inputs={"malops": {"type": "cef", "address": "127.0.0.1:0"}})
    done = await world.command("run", "--once")
    assert done.code == 1
    assert "--once is for inputs that are polled, and malops listens" in done.err
    assert not (world.folder / "spool").exists()


async def test_a_running_bridge_survives_kill_9_and_fills_the_past_beside_its_work(
    world: World,
) -> None:
    world.fill(30, days=0.9)
    world.write(details=False)
    process = await world.running()
    await world.arrived(30)
    process.kill()
    await process.communicate()
    world.fill(3, days=0.0001)
    process = await world.running()
    await world.arrived(33)
    world.fill(120)
    done = await world.command("backfill", "protect", "--since", "-30d")
    assert done.code == 0, done.err
    assert "threats: 100%" in done.out
    events = await world.arrived(153)
    assert sum("bridge_backfill" in event for event in events) > 100
    listed = await world.command("checkpoint", "list")
    assert "protect threats: up to 20" in listed.out
    for arguments, words in (
        (("protect",), "no backfill of protect was interrupted"),
        (("protcet", "--since", "-1d"), "there is no input protcet"),
        (("protect", "--since", "-1d", "--until", "-2d"), "holds no time"),
    ):
        refused = await world.command("backfill", *arguments)
        assert (refused.code, words in refused.err) == (1, True), refused
    assert await stop(process) == 0


async def test_a_backfill_alone_that_is_interrupted_goes_on(world: World) -> None:
    world.fill(3000)
    world.cylance.api.delay_seconds = 0.2
    world.write(streams=["threats"], details=False, start="now")
    process = await world.start("backfill", "protect", "--since", "-30d")
    await world.arrived(300)
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()
    assert process.returncode == 1
    assert b"interrupted; the same command goes on with it" in err
    world.cylance.api.delay_seconds = 0.0
    before = world.cylance.api.asked.copy()
    done = await world.process("backfill", "protect")
    assert done.code == 0, done.err
    assert "threats: 100%" in done.out
    events = await world.arrived(3000)
    assert {event["bridge_backfill"] for event in events} == {"true"}
    asked_again = world.cylance.api.asked[len(before) :]
    begins = [one.query.get("start_time", "") for one in asked_again if "threats" in one.path]
    assert min(begins) > min(one.query["start_time"] for one in before if one.query)


async def test_a_moment_that_cannot_be_read_is_a_usage_error(world: World) -> None:
    done = await world.command("backfill", "protect", "--since", "lately")
    assert done.code == 2
    assert "must be `now`, an age such as -24h" in done.err


async def test_another_tenant_needs_a_reset(world: World) -> None:
    await _keep(world, "protect", account="another tenant")
    refused = await world.process("run", "--once")
    assert refused.code == 1
    assert "gelf-bridge checkpoint reset protect" in refused.err
    assert (await world.command("checkpoint", "reset", "protect", "--yes")).code == 0
    assert (await world.process("run", "--once")).code == 0


async def _keep(world: World, *inputs: str, account: str) -> None:
    """Checkpoints of two streams of each input."""
    value = {
        "account": account,
        "start": "2026-01-01T00:00:00.000000Z",
        "began": "2026-01-02T00:00:00.000000Z",
        "reached": "2026-01-31T10:00:00.000000Z",
        "live": True,
        "state": {"walks": 3, "known": {"a": "b"}},
    }
    spool = await Spool.open(SpoolConfig(directory=world.folder / "spool"))
    for name in inputs:
        for stream in ("threats", "detections"):
            await spool.set_checkpoint(name, stream, value)
    await spool.close()


async def test_checkpoints_are_listed_moved_and_reset_while_nothing_runs(world: World) -> None:
    await _keep(world, "protect", "other", account="a tenant")
    listed = await world.command("checkpoint", "list")
    assert listed.out.startswith("other detections: up to 2026-01-31T10:00:00Z, account a tenant")
    assert listed.out.count("\n") == 4
    moved = await world.command("checkpoint", "move", "protect", "emea")
    assert moved.out == "2 checkpoints moved to emea\n"
    refused = await world.command("checkpoint", "move", "emea", "other")
    assert (refused.code, "other has checkpoints already" in refused.err) == (1, True)
    found = json.loads((await world.command("checkpoint", "list", "--json")).out)
    assert {one["input"] for one in found} == {"emea", "other"}
    assert found[0]["value"]["state"] == {"walks": 3, "known": "1 entries"}
    reset = await world.command("checkpoint", "reset", "emea", "--stream", "threats", "--yes")
    assert reset.out == "1 checkpoints forgotten\n"
    unknown = await world.command("checkpoint", "reset", "nobody", "--yes")
    assert (unknown.code, "nobody has no checkpoint" in unknown.err) == (1, True)
    for name in ("emea", "other"):
        assert (await world.command("checkpoint", "reset", name, "--yes")).code == 0
    assert (await world.command("checkpoint", "list")).out == "no checkpoints\n"


async def test_check_connect_tries_every_component(world: World) -> None:
    done = await world.command("check", "--connect")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[-2:] == ["input protect (cylance): ok", "output graylog (gelf_tcp): ok"]


async def test_check_connect_names_what_is_missing(world: World) -> None:
    world.cylance.api.scopes.remove("threat:list")
    done = await world.command("check", "--connect")
    assert done.code == 1
    assert "lacks the right threat:list" in done.out
    told = json.loads((await world.command("check", "--connect", "--json")).out)
    assert told["ok"] is False
    assert "threat:list" in told["tried"]["input protect (cylance)"]
    assert told["tried"]["output graylog (gelf_tcp)"] == ""


async def test_check_connect_gives_advice_on_a_refused_login(world: World) -> None:
    world.write(app_secret="another secret")
    done = await world.command("check", "--connect")
    assert done.code == 1
    assert "check app_id, app_secret" in done.out
    assert "another secret" not in done.out + done.err


async def test_once_delivers_what_other_workers_have_left(world: World) -> None:
    """Their files are emptied, too; nobody needs the inputs that listen for that."""
    world.write()
    directory = world.folder / "spool"
    spool = await Spool.open(SpoolConfig(directory=directory, min_free_bytes=0), worker=3)
    await spool.attach("graylog")
    await spool.append("malops", [document(1), document(2)])
    await spool.close()
    assert (await world.process("run", "--once")).code == 0
    messages = [one.fields["message"] for one in world.graylog.messages]
    assert len(messages) == 2
