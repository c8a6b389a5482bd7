"""Every fault of the laboratory at full size, over every transport, against both receivers."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.graylog.judge import Judge
from tests.lab.graylog import GraylogReceiver
from tests.lab.lab import Outcome, lab
from tests.lab.proxies import HAProxy, Nginx
from tests.lab.scenarios import SCENARIOS
from tests.long.conftest import Table

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

RATE = 2500
SCALE = 5
CONFIRM_BYTES = 2 * 1024 * 1024
EVENT_BYTES = 1000
HOLD_BACK_SECONDS = 2
CATCHING_UP = 2
OPTIONS = {"tcp": "", "tls": "", "http": ", bulk: true, connections: 32"}


def bound(faults: int, rate: float) -> float:
    """Two confirmation intervals and the hold-back for each fault.

    After an outage events go out faster than they come in, so the seconds of the hold-back are
    worth more events than at the rate.
    """
    return faults * (2 * CONFIRM_BYTES / EVENT_BYTES + CATCHING_UP * rate * HOLD_BACK_SECONDS)


def judge_outcome(outcome: Outcome, faults: int, rate: float) -> None:
    assert outcome.accepted > rate
    assert outcome.delivered == outcome.accepted
    assert outcome.lost == 0
    assert outcome.repeated <= bound(faults, rate)


@pytest.mark.parametrize("transport", ["tcp", "tls", "http"])
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_fake_graylog(scenario: str, transport: str, tmp_path: Path, table: Table) -> None:
    # Each request takes 0.6 s through this proxy, and only 1 MiB of them is under way at once.
    rate = RATE / 2 if (scenario, transport) == ("proxy", "http") else RATE
    async with lab(tmp_path, transport, OPTIONS[transport]) as own:
        faults = await SCENARIOS[scenario](own, rate, SCALE)
        outcome = await own.outcome(timeout=200)
    table.add(scenario, f"{transport}, fake Graylog", outcome, faults)
    judge_outcome(outcome, faults, rate)


@pytest.mark.parametrize("transport", ["tcp", "tls", "http"])
@pytest.mark.parametrize("scenario", ["crash", "behind", "stop", "freeze", "pause"])
async def test_graylogs_inputs(
    scenario: str, transport: str, judge: Judge, tmp_path: Path, table: Table
) -> None:
    rate = RATE / 2  # two processors are shared with a virtual machine for Java
    async with lab(tmp_path, transport, OPTIONS[transport]) as own:
        own.receiver = GraylogReceiver(tmp_path, transport == "tls", judge.version)
        faults = await SCENARIOS[scenario](own, rate, SCALE)
        outcome = await own.outcome(timeout=200)
    table.add(scenario, f"{transport}, Graylog {judge.version}", outcome, faults)
    judge_outcome(outcome, faults, rate)


@pytest.mark.parametrize("kind", [HAProxy, Nginx])
@pytest.mark.parametrize("scenario", ["crash", "behind", "stop", "freeze"])
async def test_tls_through_a_proxy(
    scenario: str, kind: type[HAProxy | Nginx], tmp_path: Path, table: Table
) -> None:
    async with lab(tmp_path, "tls", ", confirm: close_notify") as own:
        proxy = kind(tmp_path, own.target)
        await proxy.start()
        own.through = proxy.port
        try:
            faults = await SCENARIOS[scenario](own, RATE, SCALE)
            outcome = await own.outcome(timeout=200)
        finally:
            await proxy.kill()
    table.add(scenario, f"tls through {kind.program}", outcome, faults)
    judge_outcome(outcome, faults, RATE)


@pytest.mark.parametrize("kind", [HAProxy, Nginx])
async def test_plain_tcp_through_a_proxy(
    kind: type[HAProxy | Nginx], tmp_path: Path, table: Table
) -> None:
    """Nothing is promised here, because a proxy turns a killed server's RST into a clean FIN; what
    happened is written down."""
    async with lab(tmp_path, "tcp") as own:
        proxy = kind(tmp_path, own.target)
        await proxy.start()
        own.through = proxy.port
        try:
            faults = await SCENARIOS["behind"](own, RATE, SCALE)
            outcome = await own.outcome(timeout=200)
        finally:
            await proxy.kill()
    table.add("behind", f"plain tcp through {kind.program} (unproven)", outcome, faults)
    assert outcome.delivered == outcome.accepted > RATE
