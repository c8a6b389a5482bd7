"""What is printed and written at the end: a table for each question."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.bench import peers, targets
from tests.bench.compare import DATAGRAMS, FIELDS, FULL_PATH, START, VERSIONS
from tests.bench.machine import sentence
from tests.bench.results import Results, Spread, spread
from tests.bench.tables import Table

IN_PROCESS: Final = {
    "parse": "bridge.cef.parse",
    "line to GELF bytes": peers.Bridge.name,
    "encode": "bridge.gelf.encode",
}
"""Tables of `inprocess`, and who of us is compared there."""


def tables(results: Results) -> list[Table]:
    """All there is to tell, the verdict last."""
    every = [
        full_path(results),
        *(in_process(results, table, ours) for table, ours in IN_PROCESS.items()),
        datagrams(results),
        starts(results),
        targets.table(results),
    ]
    return [table for table in every if table.rows]


def full_path(results: Results) -> Table:
    """Relays: rates, costs, memory, losses, fields right, and the bridge's rate to each."""
    columns = ["relay", "events/s", "CPU µs an event", "peak MiB", "lost"]
    columns += ["events/s, gelf-bridge to it", "CPU, it to gelf-bridge"]
    columns += ["events wholly right", "fields right"]
    rows = [relay(results, name) for name in results.candidates(FULL_PATH)]
    return Table("Full path, CEF over TCP in, GELF over TCP out", columns, rows)


def relay(results: Results, name: str) -> list[str]:
    """A line of the table of relays."""
    ratios = results.ratios(FULL_PATH, "events_per_second", peers.Bridge.name, name)
    costs = results.ratios(FULL_PATH, "cpu_us_per_event", name, peers.Bridge.name)
    lost = results.by_round(FULL_PATH, name, "lost").values()
    whole = results.spread(FIELDS, name, "events_wholly_right")
    share = results.spread(FIELDS, name, "fields_right_share")
    return [
        name,
        middle(results.spread(FULL_PATH, name, "events_per_second"), ",.0f"),
        middle(results.spread(FULL_PATH, name, "cpu_us_per_event"), ".1f"),
        middle(results.spread(FULL_PATH, name, "peak_mib"), ".0f"),
        format(sum(lost), ",.0f"),
        text(spread(ratios)),
        text(spread(costs)),
        middle(whole, ",.0f"),
        middle(share, ".1%"),
    ]


def in_process(results: Results, table: str, ours: str) -> Table:
    """Libraries: what an event costs, and how many times what it costs us."""
    rows = []
    for version in VERSIONS:
        question = f"{table}, {version}"
        for name in results.candidates(question):
            ratios = results.ratios(question, "cpu_us_per_event", name, ours)
            cost = results.spread(question, name, "cpu_us_per_event")
            rows.append([f"{name} ({version})", middle(cost, ".2f"), text(spread(ratios))])
    return Table(f"In process: {table}", ["", "CPU µs an event", f"to {ours}"], rows)


def datagrams(results: Results) -> Table:
    """What is lost at which rate."""
    found = sorted(
        (row.figures for row in results.rows if row.question == DATAGRAMS),
        key=lambda figures: figures["rate"],
    )
    figures = ("rate", "sent", "lost", "dropped_by_kernel")
    rows = [[f"{run[name]:,.0f}" for name in figures] for run in found]
    return Table("CEF over UDP in", ["datagrams/s", "sent", "lost", "dropped by the kernel"], rows)


def starts(results: Results) -> Table:
    """How long it takes until the first event is through."""
    rows = [
        [name, text(results.spread(START, name, "seconds_to_first_event"))]
        for name in results.candidates(START)
    ]
    return Table("From the start to the first event", ["relay", "seconds"], rows)


def middle(found: Spread | None, form: str) -> str:
    """The median alone."""
    return format(found.median, form) if found else "–"


def text(found: Spread | None) -> str:
    """The median with its spread."""
    return found.text() if found else "–"


def save(results: Results, folder: Path, command: str) -> list[Path]:
    """All runs as CSV, all tables as Markdown."""
    runs, markdown = folder / "runs.csv", folder / "tables.md"
    results.save(runs)
    head = f"`{command}` on {sentence()}."
    parts = [head, *(table.markdown() for table in tables(results))]
    markdown.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return [runs, markdown]
