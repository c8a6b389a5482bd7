"""Everything the bridge knows about itself at one moment, in one object."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from bridge import logs
from bridge.clock import Clock
from bridge.config import Config
from bridge.config.moment import Moment
from bridge.errors import SpoolError
from bridge.health import Health, State
from bridge.inputs import Deviation as Known
from bridge.inputs import Input
from bridge.inputs.poller import Progress
from bridge.outputs import Output
from bridge.spool import Balance, InputBalance, OutputBalance, Spool, Taken
from bridge.tap import Taps
from bridge.version import VERSION

Kind = Literal["input", "output"]
Backfill = Callable[
    [str, Moment | None, Moment | None, Callable[[Progress], None]], Coroutine[Any, Any, None]
]


@dataclass(frozen=True, slots=True)
class Reloads:
    """How often the configuration was read again, and what became of the last attempt.

    `problems` are those of the last attempt: when there are any, the configuration before it is
    still in use. `at` is in seconds since the epoch.
    """

    count: int = 0
    at: float = 0.0
    problems: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)


class Speaker(Protocol):
    """What the admin server must know of whoever it speaks for."""

    config: Config
    clock: Clock

    @property
    def snapshot(self) -> Callable[[], Awaitable[Snapshot]]: ...

    @property
    def balance(self) -> Callable[[], Awaitable[Balance]]: ...

    @property
    def reload(self) -> Callable[[], Awaitable[Reloads]]: ...


class Running(Speaker, Protocol):
    """What it may know of a service in its own process, and ask of it."""

    source: Path | None
    started_at: float
    health: Health
    spool: Spool
    taps: Taps
    reloads: Reloads

    @property
    def inputs(self) -> Mapping[str, Input]: ...

    @property
    def outputs(self) -> Mapping[str, Output]: ...

    @property
    def replay(self) -> Callable[[str, Sequence[bytes]], Awaitable[Taken]]: ...

    @property
    def backfill(self) -> Backfill: ...


@dataclass(frozen=True, slots=True)
class Count:
    """How often something that has a name happened since the start."""

    name: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Deviation:
    """What a sender does otherwise than the format asks for, and how often since the start."""

    sender: str
    name: str
    words: str
    count: int


@dataclass(frozen=True, slots=True)
class Component:
    """One input or output; `type` is empty when only its accounts are left in the spool.

    `since` is in seconds since the epoch. The accounts are those since the component exists, `dead`
    are its dead letters; everything else is counted since the start of the process.
    """

    kind: Kind
    id: str
    type: str
    state: str
    detail: str
    since: float
    balance: InputBalance | OutputBalance | None
    counts: list[Count]
    deviations: list[Deviation]
    dead: int = 0


@dataclass(frozen=True, slots=True)
class SpoolState:
    """Sizes in bytes; `full` and `trouble` are sentences, or empty when all is well.

    `aside` are the damaged files that were set aside and still wait to be salvaged.
    """

    directory: str
    bytes: int
    max_bytes: int
    oldest: float | None
    full: str
    trouble: str
    aside: list[str]


@dataclass(frozen=True, slots=True)
class WorkerState:
    """One of the processes of a bridge that has several.

    `state` is one of those of components; `memory` is resident, in bytes.
    """

    worker: int
    pid: int
    state: str
    detail: str
    since: float
    restarts: int
    memory: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The bridge at one moment; times are in seconds since the epoch.

    `workers` is empty when one process does everything.
    """

    version: str
    pid: int
    started_at: float
    now: float
    config: str
    reloads: Reloads
    components: list[Component]
    spool: SpoolState
    logs_discarded: int = 0
    workers: list[WorkerState] = field(default_factory=list)

    @property
    def not_ready(self) -> list[str]:
        """Why not every input can accept events, one sentence each; empty when all can."""
        ready = (State.OK, "removed")
        found = [
            f"worker {one.worker} {one.state}{f': {one.detail}' if one.detail else ''}"
            for one in self.workers
            if one.state != State.OK
        ]
        found += [
            f"input {one.id} {one.state}{f': {one.detail}' if one.detail else ''}"
            for one in self.components
            if one.kind == "input" and one.state not in ready
        ]
        if self.spool.full:
            found.append(f"the spool is full: {self.spool.full}")
        if self.spool.trouble:
            found.append(f"the spool is in trouble: {self.spool.trouble}")
        return found


async def take(running: Running) -> Snapshot:
    """The bridge at this moment."""
    balance = await running.spool.balance()
    dead: Mapping[str, int] = {}
    with suppress(SpoolError):  # `trouble` says why the file cannot be read
        dead = await running.spool.dead_counts()
    return Snapshot(
        version=VERSION,
        pid=os.getpid(),
        started_at=running.started_at,
        now=running.clock.now(),
        config=str(running.source or ""),
        reloads=running.reloads,
        components=_components(running, balance, dead),
        spool=SpoolState(
            directory=str(running.config.spool.directory.absolute()),
            bytes=balance.bytes,
            max_bytes=int(running.config.spool.max_bytes),
            oldest=balance.oldest,
            full=running.spool.full,
            trouble=running.spool.trouble,
            aside=[str(file) for file in running.spool.aside],
        ),
        logs_discarded=logs.discarded(),
    )


def _components(running: Running, balance: Balance, dead: Mapping[str, int]) -> list[Component]:
    found = [
        _component(running, "input", name, balance.inputs.get(name))
        for name in dict.fromkeys((*running.inputs, *balance.inputs))
    ]
    found += [
        _component(running, "output", name, balance.outputs.get(name), dead.get(name, 0))
        for name in dict.fromkeys((*running.outputs, *balance.outputs))
    ]
    return found


def _component(
    running: Running,
    kind: Kind,
    name: str,
    balance: InputBalance | OutputBalance | None,
    dead: int = 0,
) -> Component:
    part = running.inputs.get(name) if kind == "input" else running.outputs.get(name)
    if part is None:
        return Component(kind, name, "", "removed", "", 0.0, balance, [], [], dead)
    status = running.health.status(name)
    known = part.deviations if isinstance(part, Input) else {}
    counted = running.health.counts(name)
    return Component(
        kind=kind,
        id=name,
        type=part.config.type,
        state=status.state if status else State.STARTING,
        detail=status.detail if status else "",
        since=status.since if status else running.started_at,
        balance=balance,
        counts=[
            Count(what, label, n) for (what, label), n in counted.items() if n and what not in known
        ],
        deviations=_deviations(counted, known),
        dead=dead,
    )


def _deviations(counted: Counter[tuple[str, str]], known: Mapping[str, Known]) -> list[Deviation]:
    """The most frequent first."""
    return [
        Deviation(sender, what, known[what].does, n)
        for (what, sender), n in counted.most_common()
        if what in known
    ]
