"""A fake API, a spool in memory and a virtual clock for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bridge.inputs.cylance.fake import FakeCylance
from tests.clocks import VirtualClock
from tests.inputs.cylance.running import Host, Ledger


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def cylance(clock: VirtualClock) -> AsyncIterator[FakeCylance]:
    async with FakeCylance(now=clock.now) as server:
        yield server


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def host(ledger: Ledger, clock: VirtualClock) -> Host:
    return Host(ledger, clock)
