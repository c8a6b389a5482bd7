"""`gelf-bridge replay`: records that were kept in a file, taken once more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO

import click

from bridge.cli.client import Client, NotRunning, socket_of
from bridge.cli.loading import config_option, load
from bridge.cli.options import json_option
from bridge.errors import BridgeError
from bridge.service import Service
from bridge.spool import Taken

BATCH_BYTES = 1 << 20
MAX_LINE_BYTES = 2 << 20
LOOK_SECONDS = 0.5

Send = Callable[[list[bytes]], Taken]


@click.command()
@config_option
@click.option(
    "--input", "name", metavar="ID", help="As records of this input; default: the only one."
)
@json_option
@click.argument("file", type=click.File("rb"))
def replay(path: Path, name: str | None, as_json: bool, file: IO[bytes]) -> None:
    """Take the records in FILE (- is standard input) as if they came once more, a record a line.

    GELF documents, as the output `file` and `tap --as sent` write them, are sent as they are; other
    records are read by the input, and their events carry bridge_replay. A running bridge does it;
    when none is running, they wait in the spool for the next start.
    """
    config, registry = load(path)
    name = name or _only(list(config.inputs))
    client = Client(socket_of(path), timeout=None)
    try:
        client.text("/healthz")
    except NotRunning:
        total = asyncio.run(_alone(Service(config, registry), name, batches(file)))
        where = "in the spool for the next start"
    else:
        total = _through(client, name, batches(file))
        where = "by the running bridge"
    if as_json:
        click.echo(json.dumps(asdict(total)))
        return
    again = f", {total.repeated:,} repeated" if total.repeated else ""
    click.echo(f"{total.accepted:,} events accepted{again}, {where}")


def _only(names: list[str]) -> str:
    if len(names) > 1:
        raise click.UsageError(f"say which --input it is: {', '.join(names)}")
    return names[0]


def batches(file: IO[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """The number of the first line, and lines of about one MiB; raises BridgeError."""
    batch: list[bytes] = []
    first, size, number = 1, 0, 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise BridgeError(f"line {number} is longer than 2 MiB: this is no file of records")
        if text := line.strip(b"\r\n\0"):
            batch.append(text)
            size += len(text)
        if size >= BATCH_BYTES:
            yield first, batch
            batch, size, first = [], 0, number + 1
    if batch:
        yield first, batch


def _through(client: Client, name: str, found: Iterable[tuple[int, list[bytes]]]) -> Taken:
    """Ask the running bridge to take them."""
    total = Taken(0, 0)
    for first, lines in found:
        try:
            answer = client.post("/replay", b"\n".join(lines), input=name)
        except BridgeError as error:
            raise _at(first, error) from None
        total = _sum(total, Taken(**answer))
    return total


async def _alone(service: Service, name: str, found: Iterable[tuple[int, list[bytes]]]) -> Taken:
    """Take them into the spool of a bridge that does not run."""
    total = Taken(0, 0)
    async with service.opened():
        for first, lines in found:
            try:
                total = _sum(total, await _unless_full(service, name, lines))
            except BridgeError as error:
                raise _at(first, error) from None
    return total


async def _unless_full(service: Service, name: str, lines: list[bytes]) -> Taken:
    """A full spool would never have room again: no output is at work."""
    taking = asyncio.ensure_future(service.replay(name, lines))
    while not taking.done():
        await asyncio.wait([taking], timeout=LOOK_SECONDS)
        if service.spool.full and not taking.done():
            taking.cancel()
            raise BridgeError(f"the spool is full: {service.spool.full}; start the bridge first")
    return taking.result()


def _at(line: int, error: BridgeError) -> BridgeError:
    if line == 1:
        return error
    return BridgeError(f"{error}; what stands before line {line} was taken")


def _sum(one: Taken, other: Taken) -> Taken:
    return Taken(one.accepted + other.accepted, one.repeated + other.repeated)
