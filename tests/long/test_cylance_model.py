"""200 seeds of the model-based run, some minutes, and some on a real spool:

.venv/bin/pytest -m long tests/long/test_cylance_model.py
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from bridge.clock import SystemClock
from bridge.config import SpoolConfig
from bridge.emit import Emitter
from bridge.event import Event
from bridge.inputs.poller import Poller
from bridge.spool import Progress, Spool
from tests.inputs.cylance.model import Run
from tests.inputs.cylance.running import Ledger

pytestmark = pytest.mark.long


@pytest.mark.parametrize("seed", range(200))
async def test_nothing_is_missed_and_nothing_repeated(seed: int) -> None:
    result = await Run(seed).play(rounds=200)
    assert result.missed == []
    assert result.repeated == []


class SpoolLedger(Ledger):
    """The real emitter and the real spool in place of those in memory."""

    def __init__(self, spool: Spool) -> None:
        super().__init__()
        self.spool = spool
        self.emitter: Emitter

    def serve(self, poller: Poller) -> None:
        self.emitter = Emitter(poller, self.spool, SystemClock(), lambda name, n=1, label="": None)

    def emit(
        self,
        events: Iterable[Event],
        checkpoint: Mapping[str, Any] | None = None,
        once: bool = False,
    ) -> asyncio.Future[Any]:
        return asyncio.ensure_future(self.emitter(events, checkpoint, once))

    async def checkpoint(self, stream: str) -> Any:
        return await self.spool.checkpoint("protect", stream)

    async def unseen(self, uids: Sequence[str]) -> set[str]:
        return await self.spool.unseen("protect", uids)

    async def settle(self) -> None:
        """Read back every event and every checkpoint."""
        while not await self.spool.empty():
            for batch in await self.spool.read("sink", 0, 1 << 20):
                documents = [orjson.loads(document) for document in batch.messages()]
                self.events += [{k.lstrip("_"): v for k, v in one.items()} for one in documents]
                await self.spool.advance("sink", Progress(batch.id, delivered=batch.count))
        for one in await self.spool.checkpoints():
            self.checkpoints[one.stream] = one.value


@pytest.mark.parametrize("seed", range(6))
async def test_the_same_holds_on_a_real_spool(seed: int, tmp_path: Path) -> None:
    spool = await Spool.open(SpoolConfig(directory=tmp_path / "spool", min_free_bytes=0))
    await spool.attach("sink")
    try:
        result = await Run(seed, SpoolLedger(spool)).play(rounds=100)
        balance = await spool.balance()
    finally:
        await spool.close()
    assert result.missed == []
    assert result.repeated == []
    assert result.delivered > 100
    assert balance.holds
