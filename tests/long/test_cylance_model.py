"""200 seeds of the model-based run, some minutes:

.venv/bin/pytest -m long tests/long/test_cylance_model.py
"""

from __future__ import annotations

import pytest

from tests.inputs.cylance.model import Run

pytestmark = pytest.mark.long


@pytest.mark.parametrize("seed", range(200))
async def test_nothing_is_missed_and_nothing_repeated(seed: int) -> None:
    result = await Run(seed).play(rounds=200)
    assert result.missed == []
    assert result.repeated == []
