"""`gelf-bridge spool`: the full check of the spool, and what can be got out of a damaged one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from bridge.cli.client import Client, NotRunning, client_option, socket_of
from bridge.cli.words import printable
from bridge.errors import BridgeError

if TYPE_CHECKING:
    from bridge.spool.salvage import Salvaged

NAMES = {
    "checkpoints": "checkpoints",
    "seen": "keys of events seen",
    "kinds": "kinds of fields",
    "notes": "notes",
}


@click.group()
def spool() -> None:
    """Check the spool, and get the events out of a damaged one."""


@spool.command()
@client_option
@click.pass_context
def check(ctx: click.Context, client: Client) -> None:
    """Check every page, row and account of the spool; takes a while for a large one.

    The bridge may be running; nothing is changed. Exits with 1 when something is wrong.
    """
    from bridge.spool.check import check as look
    from bridge.spool.damage import all_aside
    from bridge.spool.lock import DATABASE, databases

    directory = client.path.parent
    damaged = False
    for path in databases(directory).values() or [directory / DATABASE]:
        found = look(path)
        damaged = damaged or bool(found.problems)
        for problem in found.problems:
            click.echo(printable(f"{path}: {problem}"))
        if not found.problems:
            rows = f"{found.rows:,} rows with {found.events:,} events"
            click.echo(f"{path}: all is well: {rows}, {found.letters:,} dead letters")
    for aside in all_aside(directory):
        click.echo(
            f"{aside}: a damaged file that was set aside; salvage it, then delete it with its -rows"
        )
    if damaged:
        click.echo("the spool is damaged: start the bridge, which sets the file aside and runs on")
        ctx.exit(1)


@spool.command()
@click.argument("file", type=click.Path(exists=False, dir_okay=False, path_type=Path))
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    envvar="GELF_BRIDGE_CONFIG",
    show_envvar=True,
    metavar="FILE",
    help="The configuration, in YAML, whose spool takes what is found.",
)
@click.option(
    "--output",
    type=click.File("wb", lazy=False),
    metavar="FILE",
    help="Write the GELF documents there instead, one a line (- for standard output).",
)
def salvage(file: Path, config: Path | None, output: BinaryIO | None) -> None:
    """Get out of a damaged spool FILE what can be read, whatever is around it.

    Events that an output had not passed are spooled again for that output, behind what is there
    (max_bytes is no limit for them), and dead letters are dead letters again. Checkpoints and what
    else there was are taken where they are newer. FILE, and the -wal and -rows beside it, stay as
    they are; salvaging the same file again makes no doubles (for 40 days). The bridge must not be
    running.
    """
    from bridge.spool.salvage import export
    from bridge.spool.salvage import salvage as into_spool

    if (config is None) == (output is None):
        raise click.UsageError("say where to: -c FILE for a spool, or --output FILE")
    if output is not None:
        lines(report(export(file, output), exported=True))
    elif config is not None:
        directory = stopped(config)
        from bridge.spool import Spool

        lines(report(into_spool(file, directory, Spool.max_dead_bytes), exported=False))


def stopped(config: Path) -> Path:
    """The spool directory of a configuration, when no bridge runs on it."""
    client = Client(socket_of(config))
    try:
        client.text("/healthz")
    except NotRunning:
        return client.path.parent
    raise BridgeError("the bridge is running: stop it, salvage, and start it again")


def lines(texts: Iterator[str]) -> None:
    """On standard error, because documents may go to standard output."""
    for text in texts:
        click.echo(text, err=True)


def report(found: Salvaged, *, exported: bool) -> Iterator[str]:
    """What was got out, what need not be, and what is lost."""
    yield f"{found.events:,} events in {found.rows:,} rows {'written' if exported else 'spooled'}"
    for count, words in (
        (found.passed, "events had been delivered already"),
        (found.again, "events were salvaged before"),
        (found.unclaimed, "events were for an output that does not exist any more"),
        (found.letters, "dead letters taken"),
        (found.letters_again, "dead letters were salvaged before"),
    ):
        if count:
            yield f"{count:,} {words}"
    for table, name in NAMES.items():
        if found.small[table]:
            yield f"{found.small[table]:,} {name} taken"
    yield from accounts(found)
    if found.commits_behind:
        yield f"{found.commits_behind:,} commits of the WAL were behind a bad place"
    for name, count in found.unreadable.items():
        if count:
            yield f"{count:,} {name} cannot be read"
    if found.missing:
        yield f"{found.missing:,} rows that must have been there are lost"
    elif found.is_whole:
        yield "no event that was waiting is missing"
    elif not found.accounts.outputs:
        yield "its accounts cannot be read, so nobody knows how much is missing"


def accounts(found: Salvaged) -> Iterator[str]:
    """The counters of the file, as far as they can be read."""
    for name, given in found.accounts.inputs.items():
        yield printable(
            f"input {name} had {given.accepted:,} events accepted, {given.repeated:,} repeated"
        )
    for name, output in found.accounts.outputs.items():
        parts = output.delivered + output.buried + output.filtered + output.dropped
        yield printable(
            f"output {name} had {output.accepted:,} events accepted, {output.delivered:,} "
            f"delivered, {output.buried:,} buried, {output.filtered:,} filtered, "
            f"{output.dropped:,} dropped: {output.accepted - parts:,} were waiting"
        )
