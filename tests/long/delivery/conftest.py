"""`--table FILE`: what became of the events, by way and by scenario, written row by row."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

import pytest

from tests.lab.lab import Outcome

COLUMNS = ("faults", "accepted", "delivered", "lost", "repeated", "at most", "balances seen")
COMMAND = "pytest -m long tests/long/delivery --table FILE"


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario; what is not promised is shown and not added up."""

    happened: str
    way: str
    outcome: Outcome
    promised: bool


class Table:
    """Rows and remarks of one run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: list[Row] = []
        self._remarks: list[str] = []

    def add(self, happened: str, way: object, outcome: Outcome, promised: bool = True) -> None:
        """One more row; the file is written anew."""
        self._rows.append(Row(happened, str(way), outcome, promised))
        self._write()

    def remark(self, text: str) -> None:
        """One more line below the tables."""
        self._remarks.append(text)
        self._write()

    def _write(self) -> None:
        where = f"{os.cpu_count()} processors, Python {platform.python_version()}"
        lines = [f"`{COMMAND}`: {where}.", "", *self._by_way(), "", *self._by_scenario(), ""]
        lines += [f"- {text}" for text in self._remarks]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text("\n".join(lines).rstrip() + "\n")

    def _by_way(self) -> Iterable[str]:
        yield from head("way", "what happened")
        for way in dict.fromkeys(row.way for row in self._rows):
            rows = [row for row in self._rows if row.way == way]
            names = ", ".join(dict.fromkeys(row.happened.partition(" (")[0] for row in rows))
            yield line(way, names, *numbers(rows))
        kept = [row for row in self._rows if row.promised]
        yield line("**all that is promised**", f"{len(kept)} scenarios", *numbers(kept))

    def _by_scenario(self) -> Iterable[str]:
        yield from head("what happened", "way")
        for row in self._rows:
            yield line(row.happened, row.way, *numbers([row]))


def numbers(rows: list[Row]) -> list[str]:
    """The sums of some rows, as they are shown."""
    columns = zip(*(shown(row.outcome) for row in rows), strict=True)
    return [f"{sum(column):,}" for column in columns]


def shown(outcome: Outcome) -> tuple[int, ...]:
    """The numbers in the order of the columns."""
    accepted, delivered, lost, repeated, faults, bound, checks = astuple(outcome)
    return faults, accepted, delivered, lost, repeated, bound, checks


def head(*names: str) -> tuple[str, str]:
    """The two lines above a table whose first columns have these names."""
    rule = ["---"] * len(names) + ["---:"] * len(COLUMNS)
    return line(*names, *COLUMNS), line(*rule)


def line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--table", type=Path, help="where the table of results is written (Markdown)")


@pytest.fixture(scope="session")
def table(request: pytest.FixtureRequest) -> Table:
    """The table of this run."""
    default = Path(__file__).parents[3] / "build" / "delivery.md"
    return Table(request.config.getoption("--table", None) or default)
