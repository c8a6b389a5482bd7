"""What the bridge says of itself: `/status`, `/healthz`, `/readyz`, `/history`."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import BridgeError
from bridge.health import State
from bridge.testing import FakeGraylog
from tests.bridges import CONFIG, record, running


def component(status: dict[str, Any], name: str) -> dict[str, Any]:
    [found] = [one for one in status["components"] if one["id"] == name]
    return dict(found)


async def test_both_balances_add_up_and_say_so(tmp_path: Path) -> None:
    async with FakeGraylog() as graylog, running(tmp_path, CONFIG % graylog.port) as bridge:
        await bridge.send(*map(record, range(20)))
        await bridge.delivered(20)
        status = await bridge.ask("/status")
    assert component(status, "malops")["balance"] == {
        "received": 20,
        "accepted": 20,
        "repeated": 0,
        "in_flight": 0,
        "holds": True,
    }
    balance = component(status, "graylog")["balance"]
    assert balance["delivered"] == balance["accepted"] == 20
    assert balance["holds"]


async def test_deviations_are_told_by_sender_in_plain_words(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        await bridge.send(*(record(n, " msg=a=b c") for n in range(12)), "no record")
        await bridge.accepted(13)
        status = await bridge.ask("/status")
    found = component(status, "malops")["deviations"]
    assert found[0] == {
        "sender": "127.0.0.1",
        "name": "unescaped_equals",
        "words": "writes unescaped equals",
        "count": 12,
    }
    assert {"not_cef"} < {one["name"] for one in found}
    assert component(status, "malops")["counts"] == []


async def test_refused_connections_are_counted_by_reason(tmp_path: Path) -> None:
    text = CONFIG.replace('127.0.0.1:0"', '127.0.0.1:0", allow_from: [192.0.2.0/24]') % 1
    async with running(tmp_path, text) as bridge:
        reader, writer = await asyncio.open_connection("127.0.0.1", bridge.port())
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        status = await bridge.ask("/status")
    assert component(status, "malops")["counts"] == [
        {"name": "refused", "label": "allow_from", "count": 1}
    ]


async def test_an_output_without_a_destination_says_since_when_and_why(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        await bridge.send(record(1))
        await bridge.accepted(1)
        await bridge.until("graylog", State.RETRYING)
        status = await bridge.ask("/status")
    output = component(status, "graylog")
    assert output["state"] == "retrying"
    assert "connection refused" in output["detail"]
    assert output["since"] <= status["now"]
    assert output["balance"]["spooled"] == 1
    assert output["balance"]["oldest"] <= status["now"]
    assert status["spool"]["bytes"] > 0
    assert status["pid"] == os.getpid()


async def test_what_is_no_longer_configured_keeps_its_account(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        await bridge.send(record(1))
        await bridge.accepted(1)
    async with running(tmp_path, CONFIG.replace("malops", "front") % 1) as bridge:
        status = await bridge.ask("/status")
    assert component(status, "malops")["state"] == "removed"
    assert component(status, "malops")["balance"]["accepted"] == 1


async def test_it_is_ready_when_every_input_can_accept(tmp_path: Path) -> None:
    text = CONFIG % 1
    async with running(tmp_path, text) as bridge:
        assert await asyncio.to_thread(bridge.client.text, "/healthz") == "ok\n"
        assert await asyncio.to_thread(bridge.client.text, "/readyz") == "ready\n"
        bridge.service.health.report("malops", State.RETRYING, "cannot listen")
        with pytest.raises(BridgeError, match="input malops retrying: cannot listen"):
            await asyncio.to_thread(bridge.client.text, "/readyz")
        assert await asyncio.to_thread(bridge.client.text, "/healthz") == "ok\n"


async def test_a_full_spool_is_not_ready(tmp_path: Path) -> None:
    text = CONFIG.replace("min_free_bytes: 0", "min_free_bytes: 0, max_bytes: 1000") % 1
    text += "stop_timeout_seconds: 0.2\n"
    async with running(tmp_path, text) as bridge:
        await bridge.send(*map(record, range(50)))
        async with asyncio.timeout(10):
            while not bridge.service.spool.full:
                await bridge.send(record(1))
                await asyncio.sleep(0.01)
        with pytest.raises(BridgeError, match="the spool is full: it holds"):
            await asyncio.to_thread(bridge.client.text, "/readyz")


async def test_the_history_has_rates_between_samples(tmp_path: Path) -> None:
    async with FakeGraylog() as graylog, running(tmp_path, CONFIG % graylog.port) as bridge:
        history = bridge.service.admin.history
        await history.take()
        await bridge.send(*map(record, range(10)))
        await bridge.delivered(10)
        await history.take()
        found: Any = await bridge.ask("/history")
    assert found["rates"]["malops"][-1] > 0
    assert found["rates"]["graylog"][-1] > 0
    assert len(found["bytes"]) == len(found["rates"]["graylog"]) + 1
