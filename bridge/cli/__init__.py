"""The command `gelf-bridge`.

Each command lives in a module of its own, which is imported only when the command is called, so
that none pays for what another needs. Exit codes: 0 done, 1 crash, 2 usage, 78 bad configuration
(or a spool that a newer version has written, or that is not for this user).
"""

from __future__ import annotations

import gc
import importlib

import click

from bridge.errors import BridgeError, ConfigError, SpoolDenied, SpoolTooNew
from bridge.version import VERSION

BAD_CONFIG = 78

COMMANDS = {
    "run": ("bridge.cli.run:run", "Run the bridge in the foreground."),
    "check": ("bridge.cli.check:check", "Find every mistake in a configuration."),
    "status": ("bridge.cli.status:status", "Say how the running bridge is."),
    "top": ("bridge.cli.top:top", "Watch the running bridge."),
    "tap": ("bridge.cli.tap:tap", "Show live events of the running bridge."),
    "reload": ("bridge.cli.reload:reload", "Let it read its configuration again."),
    "init": ("bridge.cli.init:init", "Write a commented configuration."),
    "explain": ("bridge.cli.explain:explain", "Explain a type, an option, a word, a code."),
    "components": ("bridge.cli.components:components", "List the types of inputs and outputs."),
    "schema": ("bridge.cli.schema:schema", "Print the JSON Schema of the configuration."),
    "config": ("bridge.cli.config:config", "Show what counts in the end, without secrets."),
    "replay": ("bridge.cli.replay:replay", "Take the records in a file."),
    "support": ("bridge.cli.support:support", "Write one file for somebody who helps."),
    "completion": ("bridge.cli.completion:completion", "Print the script for the Tab key."),
    "version": ("bridge.cli.version:version", "Print what is installed here."),
    "dead": ("bridge.cli.dead:dead", "Look at events that an output would never take."),
    "spool": ("bridge.cli.spool:spool", "Check the spool, salvage a damaged one."),
    "backfill": ("bridge.cli.backfill:backfill", "Ask a polled source for the past."),
    "checkpoint": ("bridge.cli.checkpoint:checkpoint", "See or set where pollers go on."),
    "demo": ("bridge.cli.demo:demo", "Show events on their way; needs nothing."),
    "pipelines": ("bridge.cli.pipelines:pipelines", "Set Graylog up: rules, stream, index set."),
}
"""Where each command is, and what it does in a few words: `--help` imports none of them."""


class Commands(click.Group):
    """Finds commands in the table, and turns our own errors into lines and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        gc.disable()  # much is made now, and none of it is garbage
        try:
            command: click.Command = getattr(importlib.import_module(module), name)
        finally:
            gc.enable()
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from bridge.config.spelling import nearest  # late: only the lost need it

            if meant := nearest(args[0], COMMANDS):
                ctx.fail(f"No such command {args[0]!r}, did you mean {meant}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            click.echo(str(error), err=True)
            if ctx.invoked_subcommand == "run":
                click.echo("gelf-bridge: not started: mend the configuration first", err=True)
            ctx.exit(BAD_CONFIG)
        except BridgeError as error:
            click.echo(f"gelf-bridge: {error}", err=True)
            ctx.exit(BAD_CONFIG if isinstance(error, SpoolDenied | SpoolTooNew) else 1)


@click.group(
    cls=Commands,
    epilog="Begin with demo; then init, check and run. Every command has a --help of its own.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(VERSION, prog_name="gelf-bridge", message="%(prog)s %(version)s")
def main() -> None:
    """A durable bridge between security products and Graylog."""
