"""The spool filled with the output down, then drained: rates at every depth."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from tests.bench.events import records
from tests.bench.peers import Bridge
from tests.bench.processes import cpu_seconds
from tests.bench.relays import generator, sink
from tests.bench.results import Results
from tests.ports import free_port

Say = Callable[[str], None]

DEPTH: Final = "depth of the spool"
STEP_EVENTS: Final = 200_000
MIN_STEPS: Final = 3
CONNECTIONS: Final = 16
LOOK_SECONDS: Final = 0.02
GIVE_UP_SECONDS: Final = 120.0
SHARE_OF_DISK: Final = 0.6


def deepen(
    bridge: Bridge, folder: Path, wanted_bytes: int, end: float, results: Results, say: Say
) -> None:
    """Fill up to so many bytes, as far as the disk permits, or until `end`; then drain."""
    depth = min(wanted_bytes, int(shutil.disk_usage(folder).free * SHARE_OF_DISK))
    if depth < wanted_bytes:
        say(f"the disk has room for {depth / 2**30:.1f} GiB only")
    lines = folder / "depth.log"
    lines.write_bytes(b"".join(record.line for record in records(STEP_EVENTS)))
    listen, target = free_port(), free_port()
    with ExitStack() as ends:
        bridge.start(listen, target)
        ends.callback(shutil.rmtree, bridge.folder, ignore_errors=True)
        ends.callback(bridge.stop)
        bridge.await_ready()
        waiting = fill(bridge, listen, lines, depth, end, results, say)
        drain(bridge, target, waiting, results, say)


def fill(
    bridge: Bridge, listen: int, lines: Path, depth: int, end: float, results: Results, say: Say
) -> list[int]:
    """Send the file until the spool is that deep; the bytes in the spool after each time."""
    waiting = [0]
    while waiting[-1] < depth and (time.monotonic() < end or len(waiting) <= MIN_STEPS):
        before = cpu_seconds(bridge.process.pid)
        with generator("tcp", listen, lines, CONNECTIONS) as sender:
            sender.ask()
            began, *_ = map(float, sender.line())
            wait_for(bridge, len(waiting) * STEP_EVENTS)
        seconds = time.time() - began
        waiting.append(spooled_bytes(bridge))
        used = cpu_seconds(bridge.process.pid) - before
        take_down("in", len(waiting) - 2, sum(waiting[-2:]) / 2, seconds, used, results, say)
    return waiting


def drain(bridge: Bridge, target: int, waiting: list[int], results: Results, say: Say) -> None:
    """Open the receiver; take the time whenever a step has arrived."""
    with sink(port=target) as (_, look):
        count, began, used = 0, 0.0, 0.0
        for number, deep in enumerate(reversed(waiting[1:])):
            last, count = until(look, number * STEP_EVENTS or 1)
            if not number:
                began, used, first = last, cpu_seconds(bridge.process.pid), count
            last, count = until(look, (number + 1) * STEP_EVENTS)
            now = cpu_seconds(bridge.process.pid)
            share = STEP_EVENTS / (STEP_EVENTS - (first if not number else 0))
            seconds, cpu = (last - began) * share, (now - used) * share
            take_down("out", number, deep, seconds, cpu, results, say)
            began, used = last, now
        say(f"{count:,} of {(len(waiting) - 1) * STEP_EVENTS:,} have arrived")


def until(look: Callable[[], tuple[float, int]], count: int) -> tuple[float, int]:
    """Wait for so many frames; RuntimeError when nothing comes any more."""
    began = time.time()
    while (now := look())[1] < count:
        if time.time() - max(now[0], began) > GIVE_UP_SECONDS:
            raise RuntimeError(f"only {now[1]} of {count} frames have arrived")
        time.sleep(LOOK_SECONDS)
    return now


def wait_for(bridge: Bridge, accepted: int) -> None:
    """Until so many events are durable."""
    give_up = time.time() + GIVE_UP_SECONDS
    while accepted_by(bridge) < accepted:
        if time.time() > give_up:
            raise RuntimeError(f"only {accepted_by(bridge)} of {accepted} events were accepted")
        time.sleep(LOOK_SECONDS)


def accepted_by(bridge: Bridge) -> int:
    """Events that are durable, by the bridge's own account."""
    components: list[dict[str, Any]] = bridge.client.get("/status")["components"]
    return sum(one["balance"]["accepted"] for one in components if one["kind"] == "input")


def spooled_bytes(bridge: Bridge) -> int:
    """What waits, by the bridge's own account."""
    return int(bridge.client.get("/status")["spool"]["bytes"])


def take_down(
    way: str, number: int, deep: float, seconds: float, cpu: float, results: Results, say: Say
) -> None:
    """One step at one depth."""
    results.add(
        *(f"{DEPTH}, {way}", f"{deep / 2**20:.0f} MiB", number),
        x=deep / 2**20,
        events_per_second=STEP_EVENTS / seconds,
        cpu_us_per_event=cpu / STEP_EVENTS * 1e6,
    )
    say(f"{deep / 2**30:.2f} GiB deep: {STEP_EVENTS / seconds:,.0f}/s {way}")
