"""A tenant that changes between pages, an API that fails, a poller that is killed."""

from __future__ import annotations

import pytest

from tests.inputs.cylance.model import OPTIONS, Run


@pytest.mark.parametrize("seed", range(5))
async def test_nothing_is_missed_and_nothing_repeated(seed: int) -> None:
    result = await Run(seed).play(rounds=200)
    assert result.missed == []
    assert result.repeated == []
    assert result.kills > 3
    assert result.delivered > 100


async def test_a_poller_that_does_not_look_back_would_be_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run above can fail."""
    monkeypatch.setitem(OPTIONS, "look_back_seconds", 0)
    assert (await Run(0).play(rounds=60)).missed
