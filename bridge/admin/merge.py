"""One snapshot of several processes: counts add up, and of the states the worst one counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from bridge.admin.snapshot import Component, Count, Deviation, Snapshot, SpoolState
from bridge.config import SpoolConfig
from bridge.health import State
from bridge.spool import Balance, InputBalance, OutputBalance

WORST_FIRST: Final = (
    State.FAILED,
    State.RETRYING,
    State.STARTING,
    State.STOPPING,
    State.STOPPED,
    State.OK,
)
REMOVED: Final = "removed"


def spool(states: Mapping[int, SpoolState], config: SpoolConfig) -> SpoolState:
    """The files of all workers as one spool."""
    every = list(states.values())
    return SpoolState(
        directory=str(config.directory.absolute()),
        bytes=sum(one.bytes for one in every),
        max_bytes=int(config.max_bytes),
        oldest=_earliest(one.oldest for one in every),
        full=_told({worker: one.full for worker, one in states.items()}),
        trouble=_told({worker: one.trouble for worker, one in states.items()}),
        aside=sorted({file for one in every for file in one.aside}),
    )


def components(parts: Mapping[int, Sequence[Component]]) -> list[Component]:
    """The components of all workers, in the order of the first; each once."""
    found: dict[tuple[str, str], dict[int, Component]] = {}
    for worker, part in parts.items():
        for one in part:
            found.setdefault((one.kind, one.id), {})[worker] = one
    merged = [component(same) for same in found.values()]
    return sorted(merged, key=lambda one: one.kind)


def component(parts: Mapping[int, Component]) -> Component:
    """The same component in several workers."""
    every = list(parts.values())
    live = {worker: one for worker, one in parts.items() if one.type} or dict(parts)
    worker, worst = min(live.items(), key=lambda pair: _badness(pair[1]))
    alike = all((one.state, one.detail) == (worst.state, worst.detail) for one in live.values())
    return replace(
        worst,
        detail=worst.detail if alike or not worst.detail else f"worker {worker}: {worst.detail}",
        balance=balance([one.balance for one in every if one.balance is not None]),
        counts=_counts(every),
        deviations=_deviations(every),
        dead=sum(one.dead for one in every),
    )


def past(parts: Iterable[Component]) -> list[Component]:
    """What a process had counted since its start, which is all that dies with it."""
    return [
        replace(one, type="", state=REMOVED, detail="", since=0.0, balance=None, dead=0)
        for one in parts
        if one.counts or one.deviations
    ]


def balance(
    parts: Sequence[InputBalance | OutputBalance],
) -> InputBalance | OutputBalance | None:
    """The accounts of one component, added up."""
    inputs = [one for one in parts if isinstance(one, InputBalance)]
    outputs = [one for one in parts if isinstance(one, OutputBalance)]
    if inputs:
        return InputBalance(
            received=sum(one.received for one in inputs),
            accepted=sum(one.accepted for one in inputs),
            repeated=sum(one.repeated for one in inputs),
            in_flight=sum(one.in_flight for one in inputs),
        )
    if outputs:
        return OutputBalance(
            accepted=sum(one.accepted for one in outputs),
            delivered=sum(one.delivered for one in outputs),
            spooled=sum(one.spooled for one in outputs),
            buried=sum(one.buried for one in outputs),
            filtered=sum(one.filtered for one in outputs),
            dropped=sum(one.dropped for one in outputs),
            forgotten=sum(one.forgotten for one in outputs),
            oldest=_earliest(one.oldest for one in outputs),
        )
    return None


def accounts(snapshot: Snapshot) -> Balance:
    """The balance of a whole snapshot."""
    every = {one.id: one.balance for one in snapshot.components}
    return Balance(
        inputs={name: one for name, one in every.items() if isinstance(one, InputBalance)},
        outputs={name: one for name, one in every.items() if isinstance(one, OutputBalance)},
        bytes=snapshot.spool.bytes,
        oldest=snapshot.spool.oldest,
    )


def _badness(one: Component) -> int:
    return WORST_FIRST.index(State(one.state)) if one.state != REMOVED else len(WORST_FIRST)


def _counts(parts: Iterable[Component]) -> list[Count]:
    total = Counter[tuple[str, str]]()
    for one in parts:
        for count in one.counts:
            total[count.name, count.label] += count.count
    return [Count(name, label, number) for (name, label), number in total.items()]


def _deviations(parts: Iterable[Component]) -> list[Deviation]:
    """The most frequent first."""
    total = Counter[tuple[str, str, str]]()
    for one in parts:
        for each in one.deviations:
            total[each.sender, each.name, each.words] += each.count
    return [Deviation(*which, number) for which, number in total.most_common()]


def _earliest(moments: Iterable[float | None]) -> float | None:
    return min((one for one in moments if one is not None), default=None)


def _told(sentences: Mapping[int, str]) -> str:
    return "; ".join(f"worker {worker}: {text}" for worker, text in sentences.items() if text)
