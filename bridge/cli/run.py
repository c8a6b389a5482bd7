"""`gelf-bridge run`: the service in the foreground, as supervisord wants it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge import logs
from bridge.cli.loading import config_option, load
from bridge.config import Config, Registry, read_file
from bridge.errors import BridgeError
from bridge.inputs.poller import Poller
from bridge.memory import share_heap
from bridge.service import Service
from bridge.service.post import alone, share
from bridge.service.surplus import surplus
from bridge.spool.lock import databases
from bridge.version import VERSION

if TYPE_CHECKING:
    from bridge.service.fleet import Fleet

log = logging.getLogger(__name__)

LEVELS = ["debug", "info", "warning", "error"]
FORMATS = ["text", "json"]


@click.command()
@config_option
@click.option("--log-level", type=click.Choice(LEVELS), help="In place of logs.level.")
@click.option("--log-format", type=click.Choice(FORMATS), help="In place of logs.format.")
@click.option("--once", is_flag=True, help="One round of every poller, empty the spool, end.")
@click.option("--worker", type=click.IntRange(0), hidden=True)
def run(
    path: Path, log_level: str | None, log_format: str | None, once: bool, worker: int | None
) -> None:
    """Run the bridge until SIGTERM or Ctrl-C; a second signal stops it at once.

    With --once it ends by itself, with 1 when a stream could not be read; inputs that listen cannot
    be run so.

    SIGHUP reads the configuration again: what has changed is started again, everything else keeps
    its connections, and with a mistake in it everything stays as it is.

    With `workers: N` it starts N processes and replaces those that end unasked.
    """
    share_heap()
    asked = {"level": log_level, "format": log_format}

    def set_up_logs(config: Config, lock: int | None = None) -> None:
        options = {name: value for name, value in asked.items() if value}
        logs.set_up(config.logs.model_copy(update=options), worker, lock)

    if worker is not None:
        raise SystemExit(run_worker(path.absolute(), worker, set_up_logs))
    config, registry = load(path)
    set_up_logs(config)
    log.info("gelf-bridge %s starts, process %d, with %s", VERSION, os.getpid(), path.absolute())
    if once:
        refuse_listeners(config, registry)
        raise SystemExit(0 if asyncio.run(run_once(path.absolute(), config, registry)) else 1)
    if config.workers > 1 or asyncio.run(surplus(config)):
        raise SystemExit(run_workers(path.absolute(), registry, set_up_logs))
    service = Service(config, registry, source=path.absolute(), reread=lambda: load(path)[0])
    service.on_reload.append(set_up_logs)
    raise SystemExit(0 if asyncio.run(serve(service)) else 1)


SetUp = Callable[..., None]


def run_workers(path: Path, registry: Registry, set_up_logs: SetUp) -> int:
    """Be the parent of workers; the exit code."""
    from bridge.service.fleet import Fleet

    async def main() -> int:
        fleet = Fleet(read_file(path), path, registry)
        fleet.on_reload.append(lambda config: set_up_logs(config, fleet.lock))
        return fleet.exit_code if await serve(fleet) else 1

    return asyncio.run(main())


def run_worker(path: Path, worker: int, set_up_logs: SetUp) -> int:
    """Be one of the workers; the exit code."""
    from bridge.plugins import EntryPoints
    from bridge.service.worker import Parent

    registry = EntryPoints()
    parent = Parent(worker, path)
    config = parent.config(registry)
    set_up_logs(config, parent.lock)

    async def main() -> bool:
        service = Service(
            config,
            registry,
            source=path,
            reread=lambda: parent.config(registry),
            post=parent.post,
        )
        service.on_reload.append(partial(set_up_logs, lock=parent.lock))
        parent.obey(service)
        return await serve(service)

    return 0 if asyncio.run(main()) else 1


async def run_once(path: Path, config: Config, registry: Registry) -> bool:
    """One round of the pollers, and everything in the files of all workers delivered."""
    service = Service(config, registry, source=path, has_job=True)
    if not await finish(service, service.poll):
        return False
    for worker in databases(config.spool.directory):
        rest = Service(share(config, registry, worker), registry, has_job=True, post=alone(worker))
        if worker and not await finish(rest, nothing):
            return False
    return True


async def nothing() -> None:
    """For a bridge that only delivers."""


def refuse_listeners(config: Config, registry: Registry) -> None:
    """Raise BridgeError when an input is no poller."""
    types = {name: registry.component("input", one.type) for name, one in config.inputs.items()}
    listeners = [name for name, cls in types.items() if not issubclass(cls, Poller)]
    if listeners:
        raise BridgeError(
            f"--once is for inputs that are polled, and {', '.join(listeners)} listens: "
            "run the bridge without --once"
        )


async def finish(service: Service, job: Callable[[], Awaitable[None]]) -> bool:
    """Do a job, wait until the spool is empty, stop. False when a signal came first.

    `service` was made with `has_job`. Raises what the job raised, after everything that it had
    taken was delivered.
    """
    serving = asyncio.ensure_future(serve(service))
    working = asyncio.ensure_future(_work(service, job))
    await asyncio.wait((serving, working), return_when=asyncio.FIRST_COMPLETED)
    is_done = working.done() and not service.is_stopping
    service.stop()
    working.cancel()
    stopped_orderly = await serving
    [failure] = await asyncio.gather(working, return_exceptions=True)
    if is_done and failure:
        raise failure
    return stopped_orderly and is_done


async def _work(service: Service, job: Callable[[], Awaitable[None]]) -> None:
    await service.started.wait()
    failed = None
    try:
        await job()
    except BridgeError as error:
        failed = error
    await service.emptied()
    if failed:
        raise failed


async def serve(service: Service | Fleet) -> bool:
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
