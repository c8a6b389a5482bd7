"""`gelf-bridge dead`: what an output would never take; asks the bridge or, stopped, its spool."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import click

from bridge.cli.client import Client, client_option
from bridge.cli.reached import Asked, reached
from bridge.cli.words import printable, printable_json, size

PAGE = 500

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
output_option = click.option("--output", metavar="ID", help="Only those of this output.")


@click.group()
def dead() -> None:
    """Look at the events that an output would never take, and send them again or drop them."""


@dead.command("list")
@client_option
@output_option
@json_option
def list_(client: Client, output: str | None, as_json: bool) -> None:
    """Say which there are and why, the oldest first."""
    with reached(client, "dead") as bridge:
        count = total = 0
        for letter in letters(bridge, output):
            click.echo(json.dumps(letter) if as_json else line(letter))
            count, total = count + 1, total + letter["bytes"]
    if not as_json:
        letters_ = "dead letter" if count == 1 else "dead letters"
        click.echo(f"{count:,} {letters_}, {size(total)}" if count else "no dead letters")


@dead.command()
@client_option
@click.argument("letter_id", metavar="ID", type=click.IntRange(1))
def show(client: Client, letter_id: int) -> None:
    """Print one: why it was buried, and the whole document."""
    with reached(client, "dead") as bridge:
        letter = bridge.get("/dead/letter", id=str(letter_id))
    click.echo(line(letter))
    click.echo(pretty(letter["document"]))


@dead.command()
@client_option
@output_option
@click.argument("file", type=click.File("w", encoding="utf-8", lazy=True), default="-")
def export(client: Client, output: str | None, file: Any) -> None:
    """Write them into FILE, one JSON object a line, with the document in it."""
    with reached(client, "dead") as bridge:
        for letter in letters(bridge, output):
            whole = bridge.get("/dead/letter", id=str(letter["id"]))
            with contextlib.suppress(ValueError):
                whole["document"] = json.loads(whole["document"])
            file.write(printable_json(json.dumps(whole, ensure_ascii=False)) + "\n")


def chosen(command: Callable[..., None]) -> Callable[..., None]:
    """The arguments that say which letters are meant."""
    command = click.argument("ids", metavar="[ID]...", nargs=-1, type=click.IntRange(1))(command)
    command = click.option("--output", metavar="ID", help="All of this output.")(command)
    command = click.option("--all", "everything", is_flag=True, help="All there are.")(command)
    return client_option(command)


@dead.command()
@chosen
def retry(client: Client, ids: tuple[int, ...], output: str | None, everything: bool) -> None:
    """Send them again, to the output that had refused them and to no other."""
    count = _post(client, "/dead/retry", ids, output, everything)
    click.echo(f"{count:,} spooled again")


@dead.command()
@chosen
@click.confirmation_option(prompt="Drop these events for ever?")
def drop(client: Client, ids: tuple[int, ...], output: str | None, everything: bool) -> None:
    """Forget them for ever."""
    count = _post(client, "/dead/drop", ids, output, everything)
    click.echo(f"{count:,} dropped")


def _post(
    client: Client, path: str, ids: tuple[int, ...], output: str | None, everything: bool
) -> int:
    if sum(map(bool, (ids, output, everything))) != 1:
        raise click.UsageError("say which: IDs, --output ID or --all")
    query = {"ids": ",".join(map(str, ids))} if ids else {"output": output} if output else {}
    with reached(client, "dead") as bridge:
        done: int = bridge.post(path, b"", **(query or {"all": "yes"}))["count"]
    return done


# What is shown


def letters(bridge: Asked, output: str | None) -> Iterator[dict[str, Any]]:
    """All letters, page by page."""
    query = {"output": output} if output else {}
    page = bridge.get("/dead", **query)
    while page:
        yield from page
        page = bridge.get("/dead", after=str(page[-1]["id"]), **query)


def line(letter: dict[str, Any]) -> str:
    """One letter in a line, safe to print."""
    when = datetime.fromtimestamp(letter["created"]).astimezone().strftime("%Y-%m-%d %H:%M:%S%z")
    way = f"{letter['input']} → {letter['output']}"
    reason = letter["reason"]
    return printable(f"{letter['id']}  {when}  {way}  {letter['bytes']:,} bytes  {reason}")


def pretty(document: str) -> str:
    """A document as indented JSON, or as it is, safe to print."""
    try:
        whole = json.dumps(json.loads(document), indent=2, ensure_ascii=False)
    except ValueError:
        whole = document
    return "\n".join(printable_json(one) for one in whole.splitlines())
