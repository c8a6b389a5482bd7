"""`gelf-bridge top`: the running bridge at a glance, again and again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bridge.cli.client import Client, client_option
from bridge.cli.words import duration, printable, size

BARS = " ▁▂▃▄▅▆▇█"
LEAST_BARS, MOST_BARS = 8, 60
OTHER_COLUMNS = 76
STYLES = {"ok": "green", "failed": "bold red", "retrying": "yellow"}


@click.command()
@client_option
@click.option(
    "--interval",
    type=click.FloatRange(0.2),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How often to look.",
)
def top(client: Client, interval: float) -> None:
    """Watch the running bridge until Ctrl-C: states, rates, what waits. In a pipe: one look."""
    console = Console()
    view = View(client)
    if not console.is_terminal:
        view.look(console.width)
        time.sleep(interval)
        console.print(view.look(console.width))
        return
    with (
        contextlib.suppress(KeyboardInterrupt),
        Live(view.look(console.width), console=console, screen=True, auto_refresh=False) as live,
    ):
        while True:
            time.sleep(interval)
            live.update(view.look(console.width), refresh=True)


class View:
    """What is shown; rates are those since the last look."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._before: dict[str, Any] | None = None

    def look(self, width: int) -> Group:
        """Ask, and draw the answer for a terminal of this width."""
        status, history = self._client.get("/status"), self._client.get("/history")
        before, self._before = self._before, status
        bars = min(MOST_BARS, max(LEAST_BARS, width - OTHER_COLUMNS))
        return picture(status, history, rates(before, status), bars)


def rates(before: dict[str, Any] | None, now: dict[str, Any]) -> dict[str, float]:
    """Events a second of each component between two snapshots."""
    if before is None:
        return {}
    seconds = max(now["now"] - before["now"], 1e-3)
    old = {one["id"]: _done(one) for one in before["components"]}
    return {
        one["id"]: max(0, _done(one) - old.get(one["id"], 0)) / seconds for one in now["components"]
    }


def picture(
    status: dict[str, Any], history: dict[str, Any], speed: dict[str, float], bars: int
) -> Group:
    """Head, one line a component, spool."""
    table = Table(expand=True, box=None, header_style="dim", pad_edge=False)
    for name, justify in (
        ("component", "left"),
        ("state", "left"),
        ("events/s", "right"),
        ("15 min", "left"),
        ("waiting", "right"),
        ("oldest", "right"),
    ):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for one in status["components"]:
        spark = sparkline(history["rates"].get(one["id"], []), bars)
        table.add_row(*_row(one, status["now"], spark, speed.get(one["id"])))
    lines: list[Text | str | Table] = [_head(status), "", table]
    unwell = [one for one in status["components"] if one["state"] not in ("ok", "removed")]
    if unwell:
        lines += ["", *map(_detail, unwell)]
    return Group(*lines)


def _head(status: dict[str, Any]) -> Text:
    spool = status["spool"]
    up = duration(status["now"] - status["started_at"])
    text = Text(f"gelf-bridge {status['version']}, up for {up}; spool: ")
    text.append(f"{size(spool['bytes'])} of {size(spool['max_bytes'])}")
    for one in status.get("workers", []):
        if one["state"] != "ok":
            worker = f"; worker {one['worker']} {one['state']}: {printable(one['detail'])}"
            text.append(worker, style="bold red")
    for word in ("full", "trouble"):
        if spool[word]:
            text.append(f"; {word}: {printable(spool[word])}", style="bold red")
    return text


def _row(one: dict[str, Any], now: float, spark: str, speed: float | None) -> Iterable[Text]:
    balance = one["balance"] or {}
    waiting = balance.get("spooled", balance.get("in_flight", 0))
    oldest = balance.get("oldest")
    style = STYLES.get(one["state"], "dim")
    yield Text(f"{one['id']} ({one['type'] or 'removed'})")
    yield Text(f"{one['state']} {duration(now - one['since'])}", style=style)
    yield Text("" if speed is None else f"{speed:,.0f}")
    yield Text(spark, style="cyan")
    yield Text(f"{waiting:,}")
    yield Text(duration(now - oldest) if oldest else "")


def _detail(one: dict[str, Any]) -> Text:
    return Text(f"{one['id']}: {printable(one['detail'])}", style=STYLES.get(one["state"], ""))


def sparkline(values: Sequence[float], width: int) -> str:
    """The newest values as bars, each the mean of neighbours when there are too many."""
    if not values:
        return ""
    step = max(1, -(-len(values) // width))
    groups = [values[max(0, end - step) : end] for end in range(len(values), 0, -step)]
    means = [sum(group) / len(group) for group in reversed(groups)]
    highest = max(means)
    if not highest:
        return BARS[1] * len(means)
    return "".join(BARS[1 + round((len(BARS) - 2) * mean / highest)] for mean in means)


def _done(one: dict[str, Any]) -> int:
    balance = one["balance"] or {}
    return int(balance.get("received", balance.get("delivered", 0)))
