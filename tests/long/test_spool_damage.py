"""Bits flipped at very many places of a spool: it never stops, and loses a row at most."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.spool.test_salvage import flip_and_read, flip_and_run
from tests.spool.wrecks import Image, make

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """A larger spool than in the ordinary tests."""
    return asyncio.run(make(tmp_path_factory.mktemp("image") / "spool", rows=90))


@pytest.mark.parametrize("seed", range(4))
def test_a_flipped_bit_costs_no_more_than_its_row(image: Image, tmp_path: Path, seed: int) -> None:
    flip_and_read(image, tmp_path, 100 + seed, 500)


@pytest.mark.parametrize("seed", range(4))
async def test_a_flipped_bit_never_stops_the_spool(image: Image, tmp_path: Path, seed: int) -> None:
    await flip_and_run(image, tmp_path, 100 + seed, 200)
