"""`gelf-bridge run`: the service in the foreground, as supervisord wants it."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from bridge import logs
from bridge.cli.loading import config_option, load
from bridge.config import Config
from bridge.service import Service

LEVELS = ["debug", "info", "warning", "error"]
FORMATS = ["text", "json"]


@click.command()
@config_option
@click.option("--log-level", type=click.Choice(LEVELS), help="In place of logs.level.")
@click.option("--log-format", type=click.Choice(FORMATS), help="In place of logs.format.")
def run(path: Path, log_level: str | None, log_format: str | None) -> None:
    """Run the bridge until SIGTERM or Ctrl-C; a second signal stops it at once.

    SIGHUP reads the configuration again: what has changed is started again, everything else keeps
    its connections, and with a mistake in it everything stays as it is.
    """
    asked = {"level": log_level, "format": log_format}

    def set_up_logs(config: Config) -> None:
        options = {name: value for name, value in asked.items() if value}
        logs.set_up(config.logs.model_copy(update=options))

    config, registry = load(path)
    set_up_logs(config)
    service = Service(config, registry, source=path.absolute(), reread=lambda: load(path)[0])
    service.on_reload.append(set_up_logs)
    stopped_orderly = asyncio.run(serve(service))
    raise SystemExit(0 if stopped_orderly else 1)


async def serve(service: Service) -> bool:
    """Run the service; the first signal drains, the second cancels. True after an orderly stop."""
    loop = asyncio.get_running_loop()
    running = asyncio.ensure_future(service.run())
    signals = 0

    def on_signal() -> None:
        nonlocal signals
        signals += 1
        if signals == 1:
            service.stop()
        else:
            running.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    loop.add_signal_handler(signal.SIGHUP, service.begin_reload)
    try:
        await running
    except asyncio.CancelledError:
        return False
    return True
