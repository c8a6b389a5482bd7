"""The loop between a spool and an output, on the clock of this machine and on a hasty one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.config import SpoolConfig
from bridge.spool import Spool
from tests.clocks import HastyClock
from tests.delivery.bench import (
    Bench,
)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    config = SpoolConfig(directory=tmp_path / "spool", max_bytes=10_000_000, min_free_bytes=0)
    spool = await Spool.open(config)
    bench = Bench(spool)
    try:
        yield bench
    finally:
        await bench.stop()
        await spool.close()


@pytest.fixture
def hasty(bench: Bench) -> Bench:
    """The same on a fast clock, so that pauses and hold-backs are short."""
    bench.clock = HastyClock()
    return bench
