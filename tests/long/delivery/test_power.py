"""Hundreds of power failures: the WAL is folded into the file, and segments are used again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.long.delivery.conftest import Table
from tests.spool.power import record
from tests.spool.test_crash import LOAD
from tests.spool.test_power import fail_everywhere

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

FAILURES = 150


@pytest.mark.parametrize("seed", range(3))
async def test_what_was_accepted_survives_a_power_failure(
    tmp_path: Path, seed: int, table: Table
) -> None:
    steps = record(tmp_path, str(LOAD), str(tmp_path / "spool"), "4000")
    assert sum(step.call == "sync" and step.name == "worker-0.db" for step in steps) > 2
    assert sum(step.call == "rename" for step in steps) > 5
    syncs = await fail_everywhere(steps, tmp_path, FAILURES, seed)
    table.remark(
        f"Power cut at {FAILURES} of {len(steps):,} recorded writes and syncs of a spool (seed "
        f"{seed}), the last one after {syncs:,} syncs: nothing missing that was accepted before."
    )
