"""`gelf-bridge status`: how the running bridge is, in words and with both balance lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from bridge.cli.client import Client, client_option
from bridge.cli.options import json_option
from bridge.cli.words import duration, printable, size, times, with_colour

COLOURS = {"ok": "green", "failed": "red", "retrying": "yellow", "removed": "bright_black"}
MAX_DEVIATIONS = 10
_INPUT = ("accepted", "repeated", "in_flight")
_OUTPUT = ("delivered", "spooled", "buried", "filtered", "dropped")


@click.command()
@client_option
@json_option
def status(client: Client, as_json: bool) -> None:
    """Say how the running bridge is: every component, and what became of every event."""
    snapshot = client.get("/status")
    if as_json:
        click.echo(json.dumps(snapshot, ensure_ascii=False))
        return
    colour = with_colour()
    for line in lines(snapshot):
        click.echo(line, color=colour)


def lines(snapshot: dict[str, Any]) -> Iterator[str]:
    """The snapshot as text."""
    yield from _head(snapshot)
    for kind in ("input", "output"):
        yield ""
        yield click.style(f"{kind}s", bold=True)
        for component in snapshot["components"]:
            if component["kind"] == kind:
                yield from _component(component, snapshot["now"])
    if snapshot.get("workers"):
        yield ""
        yield click.style("workers", bold=True)
        yield from (_worker(one, snapshot["now"]) for one in snapshot["workers"])
    yield ""
    yield click.style("spool", bold=True)
    yield from _spool(snapshot["spool"], snapshot["now"])


def _head(snapshot: dict[str, Any]) -> Iterator[str]:
    up = duration(snapshot["now"] - snapshot["started_at"])
    yield f"gelf-bridge {snapshot['version']}, process {snapshot['pid']}, up for {up}"
    reloads = snapshot["reloads"]
    ago = duration(snapshot["now"] - reloads["at"])
    if reloads["problems"]:
        problem = f"the configuration was read again {ago} ago and cannot be used:"
        yield click.style(problem, fg="red")
        yield from (f"  {printable(one)}" for one in reloads["problems"])
    elif reloads["count"]:
        yield f"the configuration was read again {ago} ago"


def _worker(worker: dict[str, Any], now: float) -> str:
    """`0: ok for 3 min, process 4711, 45.1 MiB`."""
    state = click.style(worker["state"], fg=COLOURS.get(worker["state"]))
    detail = f": {printable(worker['detail'])}" if worker["detail"] else ""
    again = f", replaced {times(worker['restarts'])}" if worker["restarts"] else ""
    since, memory = duration(now - worker["since"]), size(worker["memory"])
    place = f"process {worker['pid']}, {memory}{again}"
    return f"  {worker['worker']}: {state} for {since}{detail}, {place}"


def _component(component: dict[str, Any], now: float) -> Iterator[str]:
    """A line on its state, its balance, and what is worth knowing."""
    state = click.style(component["state"], fg=COLOURS.get(component["state"]))
    name = click.style(component["id"], bold=True)
    if component["state"] == "removed":
        yield f"  {name}: {state}, no longer configured"
    else:
        since = duration(now - component["since"])
        detail = f": {printable(component['detail'])}" if component["detail"] else ""
        yield f"  {name} ({component['type']}): {state} for {since}{detail}"
    yield from (f"    {line}" for line in _facts(component, now))


def _facts(component: dict[str, Any], now: float) -> Iterator[str]:
    balance = component["balance"]
    if balance:
        yield _balance(component["kind"], balance)
    if balance and balance.get("oldest"):
        yield f"oldest undelivered: {duration(now - balance['oldest'])} old"
    if component["dead"]:
        yield f"dead letters that are kept (gelf-bridge dead list): {component['dead']:,}"
    for count in component["counts"]:
        label = f" ({printable(count['label'])})" if count["label"] else ""
        yield f"{count['name'].replace('_', ' ')}{label}: {count['count']:,}"
    deviations = component["deviations"]
    for one in deviations[:MAX_DEVIATIONS]:
        sender = printable(one["sender"]) or "an unknown sender"
        yield f"{sender} {one['words']}: {times(one['count'])}"
    if len(deviations) > MAX_DEVIATIONS:
        yield f"and {len(deviations) - MAX_DEVIATIONS} more of the kind (status --json has all)"


def _balance(kind: str, balance: dict[str, Any]) -> str:
    """`12 received = 12 accepted + 0 repeated + 0 in flight`."""
    whole, parts = ("received", _INPUT) if kind == "input" else ("accepted", _OUTPUT)
    terms = " + ".join(f"{balance[part]:,} {part.replace('_', ' ')}" for part in parts)
    line = f"{balance[whole]:,} {whole} = {terms}"
    return line if balance["holds"] else click.style(f"{line}: this does not add up", fg="red")


def _spool(spool: dict[str, Any], now: float) -> Iterator[str]:
    yield f"  {spool['directory']}: {size(spool['bytes'])} of {size(spool['max_bytes'])}"
    if spool["oldest"]:
        yield f"  oldest event: {duration(now - spool['oldest'])} old"
    if spool["full"]:
        yield click.style(f"  full, so that inputs wait: {printable(spool['full'])}", fg="red")
    if spool["trouble"]:
        yield click.style(f"  in trouble: {printable(spool['trouble'])}", fg="red")
    for file in spool["aside"]:
        text = f"  damaged and set aside: {printable(file)} (gelf-bridge spool salvage)"
        yield click.style(text, fg="red")
