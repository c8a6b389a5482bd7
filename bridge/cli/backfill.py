"""`gelf-bridge backfill`: the past of an input, in the running bridge or alone."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn
from rich.progress import TimeRemainingColumn as Remaining

from bridge import logs
from bridge.cli.client import Client, NotRunning, socket_of
from bridge.cli.loading import config_option, load
from bridge.cli.run import finish
from bridge.cli.words import printable
from bridge.config.moment import Moment
from bridge.errors import BridgeError
from bridge.service import Service

SAY_SECONDS = 10.0
"""How often progress is told where there is no terminal."""

Told = Mapping[str, Any]
"""`bridge.inputs.poller.Progress` as a mapping, or how it ended: `done` or `error`."""


class When(click.ParamType[Moment]):
    """An age, a date or a time."""

    name = "when"

    def convert(self, value: Any, param: Any, ctx: Any) -> Moment:
        try:
            return value if isinstance(value, Moment) else Moment(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command()
@config_option
@click.argument("name", metavar="INPUT")
@click.option("--since", type=When(), help="From when on: an age such as -7d, or a date.")
@click.option("--until", type=When(), help="Up to when; default: now.")
def backfill(path: Path, name: str, since: Moment | None, until: Moment | None) -> None:
    """Ask INPUT for the past; its events carry bridge_backfill, and none is taken twice.

    A running bridge does it beside its work; when none is running, this command does it, delivers
    and ends. One that was interrupted goes on when it is asked for in the same words, or without
    --since.
    """
    bounds = {"since": since, "until": until}
    client = Client(socket_of(path), timeout=None)
    with Display() as display:
        try:
            client.text("/healthz")
        except NotRunning:
            is_done = asyncio.run(_alone(path, name, bounds, display))
        else:
            is_done = _through(client, name, bounds, display)
    if not is_done:
        raise BridgeError("interrupted; the same command goes on with it")


def _through(
    client: Client, name: str, bounds: Mapping[str, Moment | None], display: Display
) -> bool:
    """Let the running bridge do it; whether it came to its end."""
    asked = {key: str(moment) for key, moment in bounds.items() if moment}
    for line in client.lines("/backfill", {"input": name, **asked}, method="POST"):
        told = json.loads(line)
        if "error" in told:
            raise BridgeError(told["error"])
        if "stream" not in told:
            return True
        display.show(told)
    return False


async def _alone(
    path: Path, name: str, bounds: Mapping[str, Moment | None], display: Display
) -> bool:
    """Do it in a bridge of its own, of which no input runs by itself."""
    config, registry = load(path)
    logs.set_up(config.logs.model_copy(update={"level": "warning"}))
    service = Service(config, registry, has_job=True)

    async def job() -> None:
        since, until = bounds["since"], bounds["until"]
        await service.backfill(name, since, until, lambda told: display.show(asdict(told)))

    return await finish(service, job)


class Display:
    """A bar for each stream on a terminal, else a line now and then."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._is_terminal = console.is_terminal
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[events]:,} events, {task.fields[rate]:,.0f}/s"),
            Remaining(),
            console=console,
            disable=not self._is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._began: dict[str, tuple[float, int]] = {}
        self._said = time.monotonic()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, told: Told) -> None:
        """Tell how far a stream is."""
        rate = self._rate(told)
        if not self._is_terminal:
            self._say(told, rate)
            return
        stream = told["stream"]
        if stream not in self._tasks:
            whole = told["until"] - told["since"]
            self._tasks[stream] = self._bars.add_task(
                printable(stream), total=whole, events=0, rate=0.0
            )
        reached = min(told["reached"], told["until"]) - told["since"]
        self._bars.update(self._tasks[stream], completed=reached, events=told["events"], rate=rate)

    def _rate(self, told: Told) -> float:
        """Events a second since this command began."""
        now = time.monotonic()
        began, events = self._began.setdefault(told["stream"], (now, told["events"]))
        fresh: int = told["events"] - events
        return fresh / max(now - began, 0.001)

    def _say(self, told: Told, rate: float) -> None:
        now = time.monotonic()
        if not told["done"] and now - self._said < SAY_SECONDS:
            return
        self._said = now
        whole = max(told["until"] - told["since"], 0.001)
        part = min(1.0, (told["reached"] - told["since"]) / whole)
        text = f"{told['stream']}: {part:.0%}, {told['events']:,} events, {rate:,.0f}/s"
        click.echo(printable(text))
