"""Proxies that pass TLS on: the proof of reading holds through them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.lab.lab import Outcome, lab
from tests.lab.proxies import HAProxy, Nginx
from tests.lab.scenarios import SCENARIOS

pytestmark = pytest.mark.timeout(300)

RATE = 1000
OPTIONS = ", confirm: close_notify, confirm_seconds: 0.5, hold_back_seconds: 0.5"


async def through(kind: type[HAProxy | Nginx], scenario: str, folder: Path) -> Outcome:
    folder.mkdir()
    async with lab(folder, "tls", OPTIONS) as own:
        proxy = kind(folder, own.target)
        await proxy.start()
        own.through = proxy.port
        try:
            await SCENARIOS[scenario](own, RATE, 0.6)
            return await own.outcome()
        finally:
            await proxy.kill()


async def test_tls_through_haproxy_and_nginx_loses_nothing(tmp_path: Path) -> None:
    outcomes = await asyncio.gather(
        through(HAProxy, "behind", tmp_path / "haproxy-behind"),
        through(Nginx, "behind", tmp_path / "nginx-behind"),
        through(HAProxy, "stop", tmp_path / "haproxy-stop"),
    )
    assert [outcome.lost for outcome in outcomes] == [0, 0, 0]
    assert all(outcome.accepted > RATE for outcome in outcomes)


async def test_a_proxy_that_answers_fin_itself_confirms_nothing(tmp_path: Path) -> None:
    """nginx does so unless `proxy_half_close on`; the events stay in the spool, and it is said."""
    async with lab(tmp_path, "tls", OPTIONS) as own:
        proxy = Nginx(tmp_path, own.target, half_close=False)
        await proxy.start()
        own.through = proxy.port
        try:
            await own.start()
            own.send(RATE, 0.3)
            await own.sent()
            async with asyncio.timeout(30):
                while "without close_notify" not in str((await own.component())["detail"]):
                    await asyncio.sleep(0.02)
            assert await own.bridge.terminate() == 0
        finally:
            await proxy.kill()
        balance = await own.bridge.account()
        output = balance.outputs["graylog"]
        assert output.delivered == 0
        assert output.spooled == balance.inputs["malops"].accepted > 0
