"""The bridge killed two hundred times at random moments, with its receiver up and down."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.test_kills import kill
from tests.long.conftest import Table

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

TIMES = 200


async def test_two_hundred_kills_lose_nothing_accepted(tmp_path: Path, table: Table) -> None:
    outcome = await kill(tmp_path, TIMES, 3000, ", confirm_seconds: 0.3, hold_back_seconds: 0.2")
    table.add("bridge killed", "tcp, fake Graylog", outcome, TIMES)
    assert outcome.lost == 0
    assert outcome.delivered == outcome.accepted
