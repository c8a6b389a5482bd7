"""The questions of `python -m tests.bench`: who is run, in which order, and what is taken down."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from bridge.config import Config
from bridge.errors import BridgeError
from tests.bench import peers
from tests.bench.events import records
from tests.bench.fidelity import COUNT, fidelity
from tests.bench.peers import Peer
from tests.bench.relays import Asked, first_event, measure
from tests.bench.results import Results

Say = Callable[[str], None]
T = TypeVar("T")

FULL_PATH: Final = "full path"
FIELDS: Final = "fields right"
IN_PROCESS: Final = "in process"
DATAGRAMS: Final = "datagrams"
START: Final = "start"
QUESTIONS: Final = (FULL_PATH, FIELDS, IN_PROCESS, DATAGRAMS, START)

MIN_ROUNDS: Final = 3
CONNECTIONS: Final = 16
VERSIONS: Final = {"compiled": "0", "pure Python": "1"}
"""What GELF_BRIDGE_PURE is in each."""
IN_PROCESS_EVENTS: Final = 5000
MUST_RATE, STRETCH_RATE = 20_000, 60_000
"""Datagrams a second."""
HIGHEST_RATE: Final = 200_000
STEPS: Final = 4
PATIENCE_SECONDS: Final = 2.0


def available(folder: Path, with_peers: bool, say: Say) -> list[Peer]:
    """Everybody who can be measured here; whoever cannot is named."""
    found: list[Peer] = [peers.Bridge(folder)]
    if not with_peers:
        return found
    if shutil.which("rsyslogd"):
        found.append(peers.Rsyslog(folder))
    else:
        say("no rsyslog here: apt-get install rsyslog")
    try:
        found.append(peers.SyslogNg(folder))
    except (OSError, peers.NotUnpacked) as error:
        say(f"no syslog-ng here: {error}")
    return found


def variants(folder: Path, say: Say) -> list[Peer]:
    """The bridge otherwise than it is installed."""
    found: list[Peer] = [kind(folder) for kind in (peers.Unconfirmed, peers.Volatile, peers.Pure)]
    if "workers" in Config.model_fields:
        found.append(peers.TwoWorkers(folder))
    else:
        say("this version knows no workers")
    return found


def full_path(
    candidates: Sequence[Peer], events: Path, rounds: int, minutes: float, out: Results, say: Say
) -> None:
    """All relays in each round, and each round begins with another one.

    With more than one round there are three, and no new one begins after so many minutes.
    """
    enough = time.monotonic() + minutes * 60
    for number in range(rounds):
        if number >= MIN_ROUNDS and time.monotonic() > enough:
            say(f"{number} rounds must do: {minutes:g} minutes are over")
            return
        shift = number % len(candidates)
        for peer in (*candidates[shift:], *candidates[:shift]):
            run = attempt(peer, partial(measure, peer, events, CONNECTIONS), say)
            if run is None:
                continue
            figures = {
                "events_per_second": run.rate,
                "cpu_us_per_event": run.cpu_microseconds,
                "peak_mib": run.peak_bytes / 2**20,
                "lost": run.sent - run.received,
            }
            out.add(FULL_PATH, peer.name, number, **figures)
            say(
                f"round {number + 1}: {peer.name}: {run.rate:,.0f}/s, "
                f"{run.cpu_microseconds:.1f} µs an event, {run.sent - run.received} lost"
            )


def attempt(peer: Peer, run: Callable[[], T], say: Say) -> T | None:
    """One run; whoever breaks down is named and left out of this round."""
    try:
        return run()
    except (BridgeError, OSError, RuntimeError) as error:
        say(f"{peer.name} FAILED: {error}; its log is in {peer.folder}")
        return None


def fields_right(candidates: Sequence[Peer], out: Results, say: Say) -> None:
    """What each relay makes of the same records."""
    asked = records(COUNT, seed=2)
    for peer in candidates:
        found = attempt(peer, partial(fidelity, peer, asked), say)
        if found is None:
            continue
        out.add(
            *(FIELDS, peer.name, 0),
            events=found.events,
            events_wholly_right=found.wholly_right,
            fields_right_share=found.fields_right / found.fields,
        )
        say(f"{peer.name}: {found.wholly_right} of {found.events} events wholly right")


def in_process(rounds: int, count: int, out: Results, say: Say) -> None:
    """Libraries, compiled and pure by turns."""
    with ExitStack() as ends:
        askeds = {}
        for version, pure in VERSIONS.items():
            asked = Asked("inprocess", count, GELF_BRIDGE_PURE=pure)
            ends.callback(asked.close)
            if asked.line() != ["ready"]:
                raise RuntimeError("the measurement in process could not begin")
            askeds[version] = asked
        for number in range(rounds):
            for version, asked in askeds.items():
                asked.ask()
                found = json.loads(" ".join(asked.line()))
                for table, figures in found.items():
                    for name, microseconds in figures.items():
                        question = f"{table}, {version}"
                        out.add(question, name, number, cpu_us_per_event=microseconds)
            say(f"round {number + 1} in process is done")


def datagrams(folder: Path, events: Path, seconds: float, out: Results, say: Say) -> None:
    """The two rates that are wanted, then the highest one without loss, in a few steps."""
    peer = peers.OverUdp(folder)

    def loses(rate: float) -> bool:
        sending = (int(rate), seconds)
        once = partial(measure, peer, events, *sending, patience=PATIENCE_SECONDS)
        if (run := attempt(peer, once, say)) is None:
            return True
        lost = run.sent - run.received
        out.add(
            *(DATAGRAMS, f"{rate:,.0f}/s", 0),
            rate=rate,
            sent=run.sent,
            lost=lost,
            dropped_by_kernel=run.dropped,
        )
        say(f"{rate:,.0f} datagrams/s: {lost} of {run.sent} lost, {run.dropped} by the kernel")
        return lost > 0

    low = high = 0.0
    for rate in (MUST_RATE, STRETCH_RATE):
        if loses(rate):
            high = high or rate
        elif not high:
            low = rate
    highest = search(low, high or HIGHEST_RATE, loses)
    say(f"{highest:,.0f} datagrams/s are the most without loss")


def search(low: float, high: float, loses: Callable[[float], bool]) -> float:
    """Halve the gap between what arrives and what does not; the highest rate that arrives."""
    for _ in range(STEPS):
        middle = round((low + high) / 2, -3)
        if loses(middle):
            high = middle
        else:
            low = middle
    return low


def starts(candidates: Sequence[Peer], rounds: int, out: Results, say: Say) -> None:
    """From the start of a process to the first event at the receiver."""
    [example] = records(1)
    for number in range(rounds):
        for peer in candidates:
            seconds = attempt(peer, partial(first_event, peer, example.line), say)
            if seconds is None:
                continue
            out.add(START, peer.name, number, seconds_to_first_event=seconds)
            say(f"round {number + 1}: {peer.name}: first event after {seconds:.2f} s")
