"""Proxies that pass TLS on: the proof of reading holds through them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.lab.lab import Lab, lab
from tests.lab.play import Way, judge, play
from tests.lab.proxies import HAProxy, Nginx
from tests.lab.scenarios import SCENARIOS

pytestmark = pytest.mark.timeout(300)

RATE = 1000
OPTIONS: dict[str, object] = {
    "confirm": "close_notify",
    "confirm_seconds": 0.5,
    "hold_back_seconds": 0.5,
}
CASES = ((HAProxy, "behind"), (Nginx, "behind"), (HAProxy, "stop"))


async def test_tls_through_haproxy_and_nginx_loses_nothing(tmp_path: Path) -> None:
    plays = (
        play(
            SCENARIOS[scenario],
            Way("tls", proxy=kind, options=OPTIONS),
            tmp_path / f"{kind.program}-{scenario}",
            RATE,
            0.6,
        )
        for kind, scenario in CASES
    )
    for outcome in await asyncio.gather(*plays):
        judge(outcome, RATE)


async def test_a_proxy_s_own_fin_confirms_nothing(tmp_path: Path) -> None:
    """nginx answers FIN itself unless `proxy_half_close on`: that is said, and the events stay.

    Where the receiver's close_notify, a true proof, got through before nginx saw our FIN, they
    count as delivered, and have been read.
    """
    async with lab(tmp_path, "tls", **OPTIONS) as own:
        proxy = Nginx(tmp_path, own.target, half_close=False)
        await proxy.start()
        own.through = proxy.port
        try:
            await own.start()
            own.send(RATE, 0.3)
            await own.sent()
            async with asyncio.timeout(30):
                while not await is_settled(own):
                    await asyncio.sleep(0.02)
            assert await own.bridge.terminate() == 0
        finally:
            await proxy.kill()
        balance = await own.bridge.account()
        output, accepted = balance.outputs["graylog"], balance.inputs["malops"].accepted
        assert output.delivered + output.spooled == accepted > 0
        assert output.delivered <= len(set(own.receiver.received()))


async def is_settled(own: Lab) -> bool:
    """Whether the output has said what is missing, or has delivered everything."""
    output = await own.component()
    delivered = output["balance"]["delivered"]  # type: ignore[index]
    return "without close_notify" in str(output["detail"]) or 0 < await own.accepted() <= delivered
