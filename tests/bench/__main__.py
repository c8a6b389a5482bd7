"""`python -m tests.bench`: the bridge against its peers, all in one run."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import click
from rich.console import Console

from tests.bench import compare, growth, plots, report, soak
from tests.bench.events import records
from tests.bench.machine import sentence
from tests.bench.results import Results

WIDTH = 160
"""Of what is printed into a file."""
OUT = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    default=Path("build/bench"),
    show_default=True,
    help="Where results, events, spools and unpacked peers go.",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for."""

    questions: set[str]
    rounds: int
    events: int
    minutes: float
    peers: bool
    seconds: float = 3.0
    """How long datagrams are sent."""


@click.group(invoke_without_command=True)
@click.option("--rounds", default=7, show_default=True, help="How often each candidate runs.")
@click.option("--events", default=300_000, show_default=True, help="Events in a run of a relay.")
@click.option(
    "--minutes",
    default=10.0,
    show_default=True,
    help="No round of relays begins after so many, but for the first three.",
)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(compare.QUESTIONS),
    help="Only this question; may be given several times.",
)
@click.option("--peers/--no-peers", default=True, help="Also rsyslog and syslog-ng.")
@click.option("--quick", is_flag=True, help="One small round, to see that everything works.")
@OUT
@click.pass_context
def main(
    context: click.Context,
    rounds: int,
    events: int,
    minutes: float,
    only: tuple[str, ...],
    peers: bool,
    quick: bool,
    out: Path,
) -> None:
    """Measure the bridge and its peers, interleaved, and print a table for each question."""
    if context.invoked_subcommand:
        return
    wanted = Wanted(set(only or compare.QUESTIONS), rounds, events, minutes, peers)
    if quick:
        wanted = replace(wanted, rounds=1, events=3000, seconds=0.2)
    click.echo(sentence())
    results = Results()
    out.mkdir(parents=True, exist_ok=True)
    try:
        ask(wanted, out, results)
    finally:
        for table in report.tables(results):
            table.show(console())
        paths = report.save(results, out, command())
        drawn = plots.relays(results, out)
        click.echo(f"written: {' '.join(map(str, paths))} {plots.told(drawn)}")


def ask(wanted: Wanted, out: Path, results: Results) -> None:
    """Put the questions, one after the other."""
    lines, work, say = out / "events.log", out / "work", click.echo
    lines.write_bytes(b"".join(record.line for record in records(wanted.events)))
    relays = compare.available(work, wanted.peers, say)
    if compare.FULL_PATH in wanted.questions:
        candidates = [*relays, *compare.variants(work, say)]
        compare.full_path(candidates, lines, wanted.rounds, wanted.minutes, results, say)
    if compare.FIELDS in wanted.questions:
        compare.fields_right(relays, results, say)
    if compare.IN_PROCESS in wanted.questions:
        count = min(wanted.events, compare.IN_PROCESS_EVENTS)
        compare.in_process(wanted.rounds, count, results, say)
    if compare.DATAGRAMS in wanted.questions:
        compare.datagrams(work, lines, wanted.seconds, results, say)
    if compare.START in wanted.questions:
        compare.starts(relays, wanted.rounds, results, say)


@main.command("growth")
@click.option(
    "--events", default=growth.EVENTS, show_default=True, help="Events in a run, at most."
)
@click.option("--rounds", default=2, show_default=True, help="How often each point is measured.")
@click.option(
    "--depth", default=10.0, show_default=True, help="How deep the spool is filled, in GiB; 0: not."
)
@click.option("--minutes", default=10.0, show_default=True, help="About how long, at most.")
@OUT
def growing(events: int, rounds: int, depth: float, minutes: float, out: Path) -> None:
    """Measure how the cost of an event grows with size, fields, connections and depth."""
    results = Results()
    out.mkdir(parents=True, exist_ok=True)
    click.echo(sentence())
    try:
        deep = int(depth * 2**30)
        growth.grow(out / "work", events, rounds, deep, minutes, results, click.echo)
    finally:
        table = growth.verdicts(results)
        table.show(console())
        results.save(out / "growth.csv")
        text = f"`{command()}` on {sentence()}.\n\n{table.markdown()}\n"
        (out / "growth.md").write_text(text, encoding="utf-8")
        drawn = plots.growth(results, out)
        click.echo(f"written: {out / 'growth.csv'} {out / 'growth.md'} {plots.told(drawn)}")


@main.command("soak")
@click.option("--minutes", default=60.0, show_default=True, help="How long.")
@click.option("--every", default=5.0, show_default=True, help="Minutes between two outages.")
@click.option(
    "--outage", default=30.0, show_default=True, help="Seconds that the receiver is away."
)
@click.option("--rate", type=float, help="Events a second; default: half of what is possible.")
@OUT
def soaking(minutes: float, every: float, outage: float, rate: float | None, out: Path) -> None:
    """Run for long at half the highest rate, the receiver being away from time to time."""
    out.mkdir(parents=True, exist_ok=True)
    click.echo(sentence())
    plan = soak.Plan(minutes * 60, every * 60, outage)
    found = soak.soak(plan, out / "work", rate, click.echo)
    found.save(out / "soak.csv")
    table = found.table()
    table.show(console())
    text = f"`{command()}` on {sentence()}.\n\n{found.verdict()}\n\n{table.markdown()}\n"
    (out / "soak.md").write_text(text, encoding="utf-8")
    drawn = plots.soak(found.samples, found.outages, out)
    click.echo(f"written: {out / 'soak.csv'} {out / 'soak.md'} {plots.told(drawn)}")
    click.echo(found.verdict())
    sys.exit(0 if found.is_good else 1)


def console() -> Console:
    """As wide as the terminal; a file has room enough."""
    return Console(width=None if sys.stdout.isatty() else WIDTH)


def command() -> str:
    """What was typed."""
    return " ".join(["python -m tests.bench", *sys.argv[1:]])


if __name__ == "__main__":
    main(prog_name="python -m tests.bench")
