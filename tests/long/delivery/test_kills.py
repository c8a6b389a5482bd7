"""The bridge killed two hundred times at random moments, with its receiver up and down."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.lab.play import Way, judge, play
from tests.lab.scenarios import killed
from tests.long.delivery.conftest import Table

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

TIMES = {"tcp": 100, "tls": 50, "http": 50}
RATE = 3000
SCALE = 2.5
HOLD_BACK: dict[str, object] = {"hold_back_seconds": 0.2}
OPTIONS = {
    "tcp": {"confirm_seconds": 0.3, **HOLD_BACK},
    "tls": {"confirm_seconds": 0.3, **HOLD_BACK},
    "http": {"connections": 32, **HOLD_BACK},
}


async def test_two_hundred_kills_lose_nothing_accepted(tmp_path: Path, table: Table) -> None:
    """SIGKILL under load; the seed of the moments is in the table."""
    outcomes = []
    for transport, times in TIMES.items():
        seed = random.randrange(10**6)
        way = Way(transport, options=OPTIONS[transport])
        folder = tmp_path / transport
        outcome = await play(killed(times, seed), way, folder, RATE, SCALE, timeout=240)
        table.add(f"{times} kills (seed {seed})", f"{way}, the bridge killed", outcome)
        judge(outcome, times)
        outcomes.append(outcome)
    kills, accepted, lost, repeated = (
        sum(getattr(outcome, name) for outcome in outcomes)
        for name in ("faults", "accepted", "lost", "repeated")
    )
    table.remark(
        f"The bridge killed {kills} times under load: {accepted:,} events accepted, {lost} lost, "
        f"{repeated:,} repeated."
    )
    assert kills == sum(TIMES.values())
