"""`gelf-bridge components`: the types of inputs and outputs that are installed."""

from __future__ import annotations

import json

import click

from bridge.cli.describe import components as installed
from bridge.cli.options import json_option
from bridge.cli.words import with_colour
from bridge.plugins import EntryPoints


@click.command()
@json_option
def components(as_json: bool) -> None:
    """List the types of inputs and outputs that are installed, and who brings them."""
    found = installed(EntryPoints())
    if as_json:
        listed = [
            {"kind": c.kind, "type": c.name, "from": c.owner, "text": c.text, "problem": c.problem}
            for c in found
        ]
        click.echo(json.dumps(listed, ensure_ascii=False))
        return
    width = max(len(one.name) for one in found)
    for one in found:
        name = click.style(f"{one.name:{width}}", bold=True)
        said = one.text.partition("\n")[0]
        text = click.style(one.problem, fg="red") if one.problem else f"{said} [{one.owner}]"
        click.echo(f"{one.kind:6} {name}  {text}", color=with_colour())
