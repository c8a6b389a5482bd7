"""Single runs, and what is told of several of them."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate, measured once."""

    question: str
    candidate: str
    round: int
    figures: dict[str, float]


@dataclass(frozen=True, slots=True)
class Spread:
    """Several measurements of the same."""

    median: float
    lowest: float
    highest: float

    def text(self, form: str = ",.2f") -> str:
        """The median, with the lowest and the highest behind it."""
        if self.lowest == self.highest:
            return format(self.median, form)
        low, high = format(self.lowest, form), format(self.highest, form)
        return f"{format(self.median, form)} ({low}–{high})"


def spread(values: list[float]) -> Spread | None:
    """None of nothing."""
    return Spread(median(values), min(values), max(values)) if values else None


@dataclass(slots=True)
class Results:
    """All single runs of one command."""

    rows: list[Row] = field(default_factory=list)

    def add(self, question: str, candidate: str, number: int, **figures: float) -> None:
        """Take down a run."""
        self.rows.append(Row(question, candidate, number, figures))

    def candidates(self, question: str) -> list[str]:
        """Who was measured, in the order of the first round."""
        return list(dict.fromkeys(row.candidate for row in self.rows if row.question == question))

    def by_round(self, question: str, candidate: str, figure: str) -> dict[int, float]:
        """One figure of one candidate."""
        return {
            row.round: row.figures[figure]
            for row in self.rows
            if (row.question, row.candidate) == (question, candidate) and figure in row.figures
        }

    def spread(self, question: str, candidate: str, figure: str) -> Spread | None:
        """One figure of one candidate over all rounds."""
        return spread(list(self.by_round(question, candidate, figure).values()))

    def ratios(self, question: str, figure: str, ours: str, other: str) -> list[float]:
        """How many times the other's figure ours is, each within its round."""
        first, second = (self.by_round(question, name, figure) for name in (ours, other))
        return [first[number] / second[number] for number in first if second.get(number)]

    def save(self, path: Path) -> None:
        """Every run as a line of CSV."""
        names = list(dict.fromkeys(name for row in self.rows for name in row.figures))
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["question", "candidate", "round", *names])
            for row in self.rows:
                figures = [short(row.figures[n]) if n in row.figures else "" for n in names]
                writer.writerow([row.question, row.candidate, row.round, *figures])


def curve(results: Results, name: str, what: str) -> tuple[list[float], list[float]]:
    """Medians over the rounds, by x."""
    rows = [row for row in results.rows if row.question == name]
    xs = sorted({row.figures["x"] for row in rows})
    found = [spread([row.figures[what] for row in rows if row.figures["x"] == x]) for x in xs]
    return xs, [one.median for one in found if one]


def short(value: float) -> float | int:
    """Without digits that mean nothing."""
    return int(value) if float(value).is_integer() else round(value, DIGITS)
