"""`gelf-bridge reload`: let the running bridge read its configuration again."""

from __future__ import annotations

import json

import click

from bridge.cli import BAD_CONFIG
from bridge.cli.client import Client, client_option
from bridge.cli.options import json_option
from bridge.cli.words import printable


@click.command()
@client_option
@json_option
@click.pass_context
def reload(ctx: click.Context, client: Client, as_json: bool) -> None:
    """Let the running bridge read its configuration again, and say what changed.

    Exits with 78 when the configuration cannot be used; the bridge then keeps the one it has.
    """
    result = client.post("/reload")
    problems = result["problems"]
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
    elif problems:
        for problem in problems:
            click.echo(printable(problem), err=True)
        click.echo("The bridge keeps the configuration it has.", err=True)
    else:
        for change in result["changes"] or ["nothing has changed"]:
            click.echo(printable(change))
    ctx.exit(BAD_CONFIG if problems else 0)
