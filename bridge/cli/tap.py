"""`gelf-bridge tap`: live events of the running bridge, safe to print."""

from __future__ import annotations

import json
from typing import Any

import click

from bridge.cli.client import Client, client_option
from bridge.cli.words import printable, printable_json, with_colour

VIEWS = ["received", "sent", "stored"]


@click.command()
@client_option
@click.option(
    "--as",
    "view",
    type=click.Choice(VIEWS),
    default="stored",
    show_default=True,
    help="The source's own record, the GELF document, or the fields that Graylog stores of it.",
)
@click.option("--input", "source", metavar="ID", help="Only events of this input.")
@click.option("--event-type", metavar="TYPE", help="Only events with this event_type.")
@click.option(
    "--field",
    "fields",
    metavar="NAME[=VALUE]",
    multiple=True,
    help="Only events with this field (and value; * stands for anything). May be repeated.",
)
@click.option("--count", type=click.IntRange(1), help="Stop after so many events.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object an event.")
def tap(
    client: Client,
    view: str,
    source: str | None,
    event_type: str | None,
    fields: tuple[str, ...],
    count: int | None,
    as_json: bool,
) -> None:
    """Show live events of the running bridge until Ctrl-C.

    Looking on changes nothing: when events come faster than they can be shown, some are skipped,
    and it says how many.
    """
    query = {"input": source, "event_type": event_type, "field": "\n".join(fields)}
    lines = client.lines("/tap", {name: value for name, value in query.items() if value})
    left = count or -1
    for line in lines:
        if line.strip():
            event = json.loads(line)
            _show(event, view, as_json)
            left -= "missed" not in event
        if left == 0:
            break


def _show(event: dict[str, Any], view: str, as_json: bool) -> None:
    colour = with_colour()
    if "missed" in event:
        click.secho(f"{event['missed']:,} events were skipped", fg="yellow", err=True)
    elif as_json:
        chosen = event[view] if view == "sent" else json.dumps(event[view], ensure_ascii=False)
        click.echo(printable_json(chosen))
    elif view == "stored":
        for line in _stored(event):
            click.echo(line, color=colour)
    else:
        click.echo(printable(event[view] or ""))


def _stored(event: dict[str, Any]) -> list[str]:
    """A heading, a field a line, and what Graylog does not keep."""
    head = f"{event['input']}: {event['stored'].get('message', '')}"
    found = [click.style(printable(head), bold=True)]
    for name, value in sorted(event["stored"].items()):
        shown = value if isinstance(value, str) else json.dumps(value)
        found.append(f"  {click.style(printable(name), fg='cyan')} {printable(shown)}")
    found += [click.style(f"  lost: {printable(one)}", fg="red") for one in event["lost"]]
    return [*found, ""]
