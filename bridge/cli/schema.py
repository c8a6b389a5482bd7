"""`gelf-bridge schema`: the JSON Schema of the configuration, for editors."""

from __future__ import annotations

import json

import click

from bridge.cli.describe import schema as whole_schema
from bridge.plugins import EntryPoints


@click.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, with all components installed here.

    Save it beside the configuration and put this line at the top of that; editors then complete
    and explain while you type:

    # yaml-language-server: $schema=gelf-bridge.schema.json
    """
    click.echo(json.dumps(whole_schema(EntryPoints()), ensure_ascii=False, indent=2))
