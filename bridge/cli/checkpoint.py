"""`gelf-bridge checkpoint`: where the streams of pollers go on; asks the bridge or its spool."""

from __future__ import annotations

import json
import time
from typing import Any

import click

from bridge.cli.client import Client, client_option
from bridge.cli.options import json_option
from bridge.cli.reached import reached
from bridge.cli.words import duration, printable

SUBJECT = "checkpoints"


@click.group()
def checkpoint() -> None:
    """Look at where the streams of pollers go on, and change that."""


@checkpoint.command("list")
@client_option
@json_option
def list_(client: Client, as_json: bool) -> None:
    """Say where each stream of each input goes on."""
    with reached(client, SUBJECT) as bridge:
        found = bridge.get("/checkpoints")
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found:
        click.echo(line(one, time.time()))
    if not found:
        click.echo("no checkpoints")


@checkpoint.command()
@client_option
@click.argument("input_id", metavar="INPUT")
@click.option("--stream", metavar="NAME", help="Only this one; default: all of the input.")
@click.confirmation_option(prompt="The input then begins at its `start` again. Go on?")
def reset(client: Client, input_id: str, stream: str | None) -> None:
    """Forget where INPUT goes on; it begins at its `start` again.

    What it has taken before is not taken again.
    """
    query = {"input": input_id} | ({"stream": stream} if stream else {})
    with reached(client, SUBJECT) as bridge:
        count = bridge.post("/checkpoints/reset", b"", **query)["count"]
    _tell(count, input_id, "forgotten")


@checkpoint.command()
@client_option
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
def move(client: Client, old: str, new: str) -> None:
    """Let the input NEW go on where OLD was: for an input that got another id."""
    with reached(client, SUBJECT) as bridge:
        count = bridge.post("/checkpoints/move", old=old, new=new)["count"]
    _tell(count, old, f"moved to {new}")


def line(one: dict[str, Any], now: float) -> str:
    """`protect threats: up to 2026-01-31T10:00:00Z, account …, written 5 s ago`."""
    value = one["value"]
    parts = []
    if isinstance(value, dict) and "reached" in value:
        parts = [f"up to {value['reached'][:19]}Z", f"account {value['account']}"]
    else:
        parts = [json.dumps(value, ensure_ascii=False)]
    parts.append(f"written {duration(now - one['updated'])} ago")
    return printable(f"{one['input']} {one['stream']}: {', '.join(parts)}")


def _tell(count: int, input_id: str, done: str) -> None:
    if not count:
        raise click.ClickException(f"{input_id} has no checkpoint; `checkpoint list` shows all")
    click.echo(f"{count:,} checkpoints {done}")
