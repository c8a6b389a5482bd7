"""Every fault of a receiver at full size, on every way, against the fake and the real inputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.graylog.judge import Judge
from tests.lab.play import Way, play
from tests.lab.play import judge as judged
from tests.lab.proxies import FrankHAProxy, HAProxy, Nginx
from tests.lab.scenarios import RECEIVER, SCENARIOS
from tests.long.delivery.conftest import Table

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

RATE = 5000
SCALE = 2
TIMEOUT = 240
OPTIONS: dict[str, dict[str, object]] = {"http": {"connections": 32}}
TRANSPORTS = ("tcp", "tls", "http")
PROXIES = (HAProxy, Nginx)


async def run(
    scenario: str, way: Way, folder: Path, table: Table, rate: float = RATE, promised: bool = True
) -> None:
    """Play, write down, and judge; where nothing is promised only the account must hold."""
    outcome = await play(SCENARIOS[scenario], way, folder, rate, SCALE, TIMEOUT)
    table.add(scenario, f"{way}{'' if promised else ' (no promise)'}", outcome, promised)
    if promised:
        judged(outcome, rate)
    assert outcome.delivered == outcome.accepted > rate


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("scenario", [*RECEIVER, "proxy", "jumps"])
async def test_fake_graylog(scenario: str, transport: str, tmp_path: Path, table: Table) -> None:
    # Each request takes 0.6 s through this proxy, and only 1 MiB of them is under way at once.
    rate = RATE / 5 if (scenario, transport) == ("proxy", "http") else RATE
    way = Way(transport, options=OPTIONS.get(transport, {}))
    await run(scenario, way, tmp_path, table, rate)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_a_bridge_without_a_processor(transport: str, tmp_path: Path, table: Table) -> None:
    """With HTTP the receiver is back before the bridge can see that it was gone."""
    await run("starved", Way(transport), tmp_path, table)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("scenario", RECEIVER)
async def test_graylogs_inputs(
    scenario: str, transport: str, judge: Judge, tmp_path: Path, table: Table
) -> None:
    way = Way(transport, judge.version, options=OPTIONS.get(transport, {}))
    # Two processors are shared with a virtual machine for Java.
    await run(scenario, way, tmp_path, table, RATE / 2)


@pytest.mark.parametrize("kind", PROXIES)
@pytest.mark.parametrize("scenario", ["crash", "behind", "stop", "freeze"])
async def test_tls_through_a_proxy(
    scenario: str, kind: type[HAProxy | Nginx], tmp_path: Path, table: Table
) -> None:
    way = Way("tls", proxy=kind, options={"confirm": "close_notify"})
    await run(scenario, way, tmp_path, table)


@pytest.mark.parametrize("scenario", ["crash", "freeze"])
async def test_http_through_a_proxy(scenario: str, tmp_path: Path, table: Table) -> None:
    """It must not try again by itself: a Graylog that is back by then would seem never away."""
    await run(scenario, Way("http", proxy=FrankHAProxy, options=OPTIONS["http"]), tmp_path, table)


@pytest.mark.parametrize("kind", PROXIES)
async def test_plain_tcp_through_a_proxy(
    kind: type[HAProxy | Nginx], tmp_path: Path, table: Table
) -> None:
    """Nothing is promised here, because a proxy turns a killed server's RST into a clean FIN; what
    happened is written down."""
    await run("behind", Way(proxy=kind), tmp_path, table, promised=False)


@pytest.mark.parametrize("scenario", ["steady", "crash"])
async def test_udp(scenario: str, tmp_path: Path, table: Table) -> None:
    """Nothing is promised here, either."""
    await run(scenario, Way("udp"), tmp_path, table, RATE / 5, promised=False)
