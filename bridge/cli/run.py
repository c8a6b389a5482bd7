"""`gelf-bridge run`: the service in the foreground, as supervisord wants it."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from bridge import logs
from bridge.cli.loading import config_option, load
from bridge.service import Service

LEVELS = ["debug", "info", "warning", "error"]


@click.command()
@config_option
@click.option("--log-level", type=click.Choice(LEVELS), default="info", show_default=True)
def run(path: Path, log_level: str) -> None:
    """Run the bridge until SIGTERM or Ctrl-C; a second signal stops it at once."""
    config, registry = load(path)
    logs.set_up(log_level)
    stopped_orderly = asyncio.run(serve(Service(config, registry)))
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
    try:
        await running
    except asyncio.CancelledError:
        return False
    return True
