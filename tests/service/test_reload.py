"""Reading the configuration again: what changed starts again, all else goes on undisturbed."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from bridge.health import State
from bridge.testing import FakeGraylog
from tests.bridges import CONFIG, record, running

TWO_INPUTS = """
inputs:
  malops: {type: cef, address: "127.0.0.1:0"}
  front: {type: cef, address: "127.0.0.1:0", event_type: old}
outputs:
  graylog:
    {type: gelf_tcp, endpoint: "127.0.0.1:%d", confirm_seconds: 0.05, hold_back_seconds: 0.05}
spool: {directory: spool, min_free_bytes: 0}
"""


async def test_a_changed_input_starts_again_and_the_others_keep_their_connections(
    tmp_path: Path,
) -> None:
    async with FakeGraylog() as graylog, running(tmp_path, TWO_INPUTS % graylog.port) as bridge:
        before = dict(bridge.service.inputs)
        _, writer = await asyncio.open_connection("127.0.0.1", bridge.port())
        bridge.path.write_text(TWO_INPUTS.replace(": old", ": new") % graylog.port)
        result = await bridge.service.reload()
        assert (result.problems, result.changes) == (
            [],
            ["input front has changed: started again"],
        )
        assert bridge.service.inputs["malops"] is before["malops"]
        assert bridge.service.inputs["front"] is not before["front"]
        await bridge.until("front")
        writer.write(f"{record(1)}\n".encode())
        await writer.drain()
        await bridge.send(record(2), name="front")
        messages = await graylog.received(2)
        writer.close()
        await writer.wait_closed()
    assert {one.fields["event_type"] for one in messages} == {"example", "new"}


async def test_a_bad_configuration_changes_nothing_and_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        before = dict(bridge.service.inputs), dict(bridge.service.outputs), bridge.service.config
        bridge.path.write_text((CONFIG % 1).replace("address", "adress"))
        result = await bridge.service.reload()
        assert result.changes == []
        assert "no such option, did you mean address?" in result.problems[0]
        assert before == (
            dict(bridge.service.inputs),
            dict(bridge.service.outputs),
            bridge.service.config,
        )
        status = await bridge.ask("/status")
        assert status["reloads"]["problems"] == result.problems  # type: ignore[index]
    assert "no such option, did you mean address?" in caplog.text
    assert "the configuration in use stays in use" in caplog.text


async def test_a_rotated_secret_is_a_change(tmp_path: Path) -> None:
    """The text of the configuration is the same; what its references stand for is not."""
    label = tmp_path / "label"
    label.write_text("old")
    text = TWO_INPUTS.replace("event_type: old", f'event_type: "${{file:{label}}}"') % 1
    async with running(tmp_path, text) as bridge:
        assert (await bridge.service.reload()).changes == []
        label.write_text("new")
        assert (await bridge.service.reload()).changes == ["input front has changed: started again"]


async def test_components_come_and_go(tmp_path: Path) -> None:
    async with FakeGraylog() as one, FakeGraylog() as two:
        async with running(tmp_path, CONFIG % one.port) as bridge:
            await bridge.send(record(1))
            await bridge.delivered(1)
            bridge.path.write_text((CONFIG % two.port).replace("graylog:", "second:"))
            result = await bridge.service.reload()
            assert result.changes == [
                "output graylog is no longer configured: stopped",
                "output second is new: started",
            ]
            assert list(bridge.service.outputs) == ["second"]
            assert bridge.service.health.status("graylog") is None
            await bridge.send(record(2))
            await bridge.delivered(1, "second")
        assert len(one.messages) == 1
        assert len(two.messages) == 1


async def test_what_an_output_had_not_delivered_goes_to_its_new_destination(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        await bridge.send(*map(record, range(5)))
        await bridge.accepted(5)
        async with FakeGraylog() as graylog:
            bridge.path.write_text(CONFIG % graylog.port)
            await bridge.service.reload()
            assert len(await graylog.received(5)) == 5
            await bridge.delivered(5)


async def test_giving_up_an_output_says_how_much_it_had_not_delivered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        await bridge.send(record(1))
        await bridge.accepted(1)
        bridge.path.write_text((CONFIG % 1).replace("graylog:", "second:"))
        await bridge.service.reload()
    assert "output graylog is no longer configured: 1 events" in caplog.text


async def test_an_input_can_take_the_address_of_the_one_before(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        port = bridge.port()
        fixed = CONFIG.replace("127.0.0.1:0", f"127.0.0.1:{port}") % 1
        bridge.path.write_text(fixed)
        await bridge.service.reload()
        await bridge.until("malops")
        assert bridge.port() == port
        bridge.path.write_text(fixed.replace("malops:", "front:"))
        await bridge.service.reload()
        await bridge.until("front")
        assert bridge.port("front") == port


async def test_a_spool_elsewhere_waits_for_the_next_start(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        bridge.path.write_text((CONFIG % 1).replace("directory: spool", "directory: other"))
        result = await bridge.service.reload()
        assert result.changes == ["spool has changed: that takes effect at the next start"]
        assert (await bridge.service.reload()).changes == result.changes
        await bridge.send(record(1))
        await bridge.accepted(1)
    assert not (tmp_path / "other").exists()


async def test_the_admin_address_follows(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        bridge.path.write_text(CONFIG % 1 + 'admin: {address: "127.0.0.1:0"}\n')
        assert (await bridge.service.reload()).changes == ["admin has changed"]
        [first] = bridge.service.admin.addresses
        await bridge.service.reload()
        assert bridge.service.admin.addresses == [first]
        bridge.path.write_text(CONFIG % 1)
        await bridge.service.reload()
        assert bridge.service.admin.addresses == []


async def test_certificates_and_the_like_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        read: list[str] = []
        component = bridge.service.inputs["malops"]
        monkeypatch.setattr(component, "reload", lambda: read.append("again"))
        await bridge.service.reload()
    assert read == ["again"]


async def test_whoever_asks_to_hear_of_it_gets_the_new_configuration(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        heard = []
        bridge.service.on_reload.append(lambda config: heard.append(config.logs.level))
        bridge.path.write_text(CONFIG % 1 + "logs: {level: debug}\n")
        assert (await bridge.service.reload()).changes == ["logs has changed"]
    assert heard == ["debug"]


async def test_reloads_at_once_follow_one_another(tmp_path: Path) -> None:
    async with running(tmp_path, TWO_INPUTS % 1) as bridge:
        bridge.path.write_text(TWO_INPUTS.replace(": old", ": new") % 1)
        first, second = await asyncio.gather(bridge.service.reload(), bridge.service.reload())
        assert (first.count, second.count) == (1, 2)
        assert first.changes == ["input front has changed: started again"]
        assert second.changes == []
        await bridge.until("front")


async def test_a_stop_during_a_reload_comes_after_it(tmp_path: Path) -> None:
    async with running(tmp_path, TWO_INPUTS % 1) as bridge:
        bridge.path.write_text(TWO_INPUTS.replace(": old", ": new") % 1)
        reload = asyncio.ensure_future(bridge.service.reload())
        await asyncio.sleep(0)
        bridge.service.stop()
        assert (await reload).problems == []
    status = bridge.service.health.status("front")
    assert status is not None
    assert status.state is State.STOPPED


async def test_an_input_stuck_in_a_full_spool_is_cut_short(tmp_path: Path) -> None:
    text = CONFIG.replace("min_free_bytes: 0", "min_free_bytes: 0, max_bytes: 1000") % 1
    text += "stop_timeout_seconds: 0.2\n"
    async with running(tmp_path, text) as bridge:
        async with asyncio.timeout(10):
            while not bridge.service.spool.full:
                await bridge.send(*map(record, range(20)))
                await asyncio.sleep(0.01)
        await bridge.send(record(1))
        bridge.path.write_text(text.replace("malops", "front"))
        async with asyncio.timeout(5):
            await bridge.service.reload()
        await bridge.until("front")


async def test_sighup_asks_for_it(tmp_path: Path) -> None:
    """As `run` wires it."""
    async with running(tmp_path, TWO_INPUTS % 1) as bridge:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, bridge.service.begin_reload)
        bridge.path.write_text(TWO_INPUTS.replace(": old", ": new") % 1)
        os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(5):
            while not bridge.service.reloads.changes:
                await asyncio.sleep(0.01)
        loop.remove_signal_handler(signal.SIGHUP)
