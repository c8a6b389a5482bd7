"""The command `gelf-bridge`.

Each command lives in a module of its own, which is imported only when the command is called, so
that none pays for what another needs. Exit codes: 0 done, 1 crash, 2 usage, 78 bad configuration
(or a spool that a newer version has written).
"""

from __future__ import annotations

import importlib

import click

from bridge.errors import BridgeError, ConfigError, SpoolTooNew
from bridge.version import VERSION

BAD_CONFIG = 78

COMMANDS = {
    "run": "bridge.cli.run:run",
    "check": "bridge.cli.check:check",
    "status": "bridge.cli.status:status",
    "top": "bridge.cli.top:top",
    "tap": "bridge.cli.tap:tap",
    "reload": "bridge.cli.reload:reload",
    "init": "bridge.cli.init:init",
    "explain": "bridge.cli.explain:explain",
    "components": "bridge.cli.components:components",
    "schema": "bridge.cli.schema:schema",
    "config": "bridge.cli.config:config",
    "replay": "bridge.cli.replay:replay",
    "support": "bridge.cli.support:support",
    "completion": "bridge.cli.completion:completion",
    "version": "bridge.cli.version:version",
    "dead": "bridge.cli.dead:dead",
    "spool": "bridge.cli.spool:spool",
    "backfill": "bridge.cli.backfill:backfill",
    "checkpoint": "bridge.cli.checkpoint:checkpoint",
    "demo": "bridge.cli.demo:demo",
    "pipelines": "bridge.cli.pipelines:pipelines",
}


class Commands(click.Group):
    """Finds commands in the table, and turns our own errors into lines and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            click.echo(str(error), err=True)
            ctx.exit(BAD_CONFIG)
        except BridgeError as error:
            click.echo(f"gelf-bridge: {error}", err=True)
            ctx.exit(BAD_CONFIG if isinstance(error, SpoolTooNew) else 1)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(VERSION, prog_name="gelf-bridge", message="%(prog)s %(version)s")
def main() -> None:
    """A durable bridge between security products and Graylog."""
