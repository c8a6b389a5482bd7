"""The table of results: `build/delivery.md` and `build/delivery.csv`, written row by row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.lab import Outcome

FOLDER = Path(__file__).parents[2] / "build"
COLUMNS = ("what happened", "way", "accepted", "delivered", "lost", "repeated", "faults")


class Table:
    """Rows of one run."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, ...]] = []

    def add(self, happened: str, way: str, outcome: Outcome, faults: int) -> None:
        """One more row; both files are written anew."""
        numbers = outcome.accepted, outcome.delivered, outcome.lost, outcome.repeated, faults
        self._rows.append((happened, way, *(f"{number:,}" for number in numbers)))
        FOLDER.mkdir(exist_ok=True)
        lines = [COLUMNS, ("---", "---", *("---:",) * 5), *self._rows]
        text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
        (FOLDER / "delivery.md").write_text(text)
        with (FOLDER / "delivery.csv").open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *self._rows])


@pytest.fixture(scope="session")
def table() -> Iterator[Table]:
    """The table of this run."""
    return Table()
