"""`gelf-bridge dead`: what an output would never take; asks the bridge or, stopped, its spool."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, Self

import click

from bridge.cli.client import Client, NotRunning, client_option
from bridge.cli.words import printable, printable_json, size
from bridge.errors import BridgeError

PAGE = 500

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
output_option = click.option("--output", metavar="ID", help="Only those of this output.")


class Asked(Protocol):
    """A running bridge, or what stands in for it."""

    def get(self, path: str, **query: str) -> Any: ...

    def post(self, path: str, body: bytes = b"", **query: str) -> Any: ...


@click.group()
def dead() -> None:
    """Look at the events that an output would never take, and send them again or drop them."""


@dead.command("list")
@client_option
@output_option
@json_option
def list_(client: Client, output: str | None, as_json: bool) -> None:
    """Say which there are and why, the oldest first."""
    with reached(client) as bridge:
        count = total = 0
        for letter in letters(bridge, output):
            click.echo(json.dumps(letter) if as_json else line(letter))
            count, total = count + 1, total + letter["bytes"]
    if not as_json:
        click.echo(f"{count:,} dead letters, {size(total)}" if count else "no dead letters")


@dead.command()
@client_option
@click.argument("letter_id", metavar="ID", type=click.IntRange(1))
def show(client: Client, letter_id: int) -> None:
    """Print one: why it was buried, and the whole document."""
    with reached(client) as bridge:
        letter = bridge.get("/dead/letter", id=str(letter_id))
    click.echo(line(letter))
    click.echo(pretty(letter["document"]))


@dead.command()
@client_option
@output_option
@click.argument("file", type=click.File("w", encoding="utf-8", lazy=True), default="-")
def export(client: Client, output: str | None, file: Any) -> None:
    """Write them into FILE, one JSON object a line, with the document in it."""
    with reached(client) as bridge:
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
    with reached(client) as bridge:
        done: int = bridge.post(path, b"", **(query or {"all": "yes"}))["count"]
    return done


# Whom to ask


@contextlib.contextmanager
def reached(client: Client) -> Iterator[Asked]:
    """The running bridge; when none is running, its spool."""
    try:
        client.text("/healthz")
    except NotRunning:
        with Stopped(client.path.parent) as stopped:
            yield stopped
    else:
        yield client


class Stopped:
    """The spool of a bridge that is not running, asked as if it were."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        from bridge.config import SpoolConfig
        from bridge.spool import Spool

        if not self._directory.exists():
            raise BridgeError(f"there is no spool {self._directory}: the bridge never ran")
        config = SpoolConfig(directory=self._directory)
        self._spool = self._runner.run(Spool.open(config))
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._spool.close())
        self._runner.close()

    def get(self, path: str, **query: str) -> Any:
        """What the running bridge would answer."""
        return self._do("GET", path, query)

    def post(self, path: str, body: bytes = b"", **query: str) -> Any:
        """The same for what changes something."""
        return self._do("POST", path, query)

    def _do(self, method: str, path: str, query: dict[str, str]) -> Any:
        from bridge.admin.dead import WORK
        from bridge.httpd import Refusal

        try:
            return self._runner.run(WORK[method, path](self._spool, query))
        except Refusal as refusal:
            raise BridgeError(refusal.reason) from None


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
