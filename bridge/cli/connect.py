"""`gelf-bridge check --connect`: every component tries what it needs, nothing is started."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bridge.cli.client import SOCKET, Client
from bridge.cli.words import size
from bridge.clock import SystemClock
from bridge.config import ComponentConfig, Config, Kind, Registry, SpoolConfig
from bridge.errors import BridgeError
from bridge.inputs import Context
from bridge.net.reasons import reason
from bridge.spool.waiting import Limits

HOLDER_SECONDS = 2.0


class Tried(NamedTuple):
    """What came of trying something, such as `input protect (cylance)`."""

    name: str
    problem: str = ""
    """What is wrong; empty when it works."""
    words: str = ""
    """What else there is to say of what works."""


def try_all(config: Config, registry: Registry) -> list[Tried]:
    """What is wrong with each component, and what it is like.

    A port that a running bridge with this spool has for this input is no problem.
    """
    return [try_spool(config.spool), *asyncio.run(_try_all(config, registry))]


def try_spool(config: SpoolConfig) -> Tried:
    """Whether this user could write there, and whether there is room; nothing is created."""
    place = config.directory
    while not place.exists() and place != place.parent:
        place = place.parent
    name = f"spool {config.directory}"
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return Tried(name, f"this user (uid {os.geteuid()}) can write nothing into {place}")
    free = Limits(place, int(config.max_bytes), int(config.min_free_bytes), False).free()
    if free <= 0:
        return Tried(
            name, f"{size(-free)} too little is free for min_free_bytes: inputs would wait"
        )
    return Tried(name, "", f"ok, room for {size(min(free, int(config.max_bytes)))}")


async def _try_all(config: Config, registry: Registry) -> list[Tried]:
    tried: list[Tried] = []
    kinds: tuple[tuple[Kind, Mapping[str, ComponentConfig]], ...] = (
        ("input", config.inputs),
        ("output", config.outputs),
    )
    for kind, components in kinds:
        for name, own in components.items():
            try:
                component = registry.component(kind, own.type)(own, lone_context(kind, name))
                problem, words = "", await component.check()
            except (BridgeError, OSError) as error:
                problem, words = await _failed(error, config.spool.directory, name)
            tried.append(Tried(f"{kind} {name} ({own.type})", problem, words or ""))
    return tried


async def _failed(error: BridgeError | OSError, spool: Path, name: str) -> tuple[str, str]:
    """What to say of a component that could not do its work."""
    if isinstance(error, OSError):
        return reason(error), ""
    is_taken = getattr(error.__cause__, "errno", None) == errno.EADDRINUSE
    if is_taken and (process := await asyncio.to_thread(_holder, spool, name)):
        return "", f"ok: the running bridge, process {process}, listens there"
    return str(error), ""


def _holder(spool: Path, name: str) -> int:
    """The process of the bridge that runs with this spool and whose component is well, or 0."""
    try:
        status = Client(spool / SOCKET, timeout=HOLDER_SECONDS).get("/status")
    except BridgeError:
        return 0
    is_well = any(one["id"] == name and one["state"] == "ok" for one in status["components"])
    return int(status["pid"]) if is_well else 0


def lone_context(kind: Kind, name: str) -> Context:
    """What a component is given that is only tried: no spool, nothing remembered."""

    async def no_checkpoint(stream: str) -> None:
        """There is none."""

    async def all_unseen(uids: Sequence[str]) -> set[str]:
        return set(uids)

    return Context(
        id=name,
        log=logging.getLogger(f"bridge.{kind}.{name}"),
        clock=SystemClock(),
        report=lambda state, detail: None,
        count=lambda name, n=1, label="": None,
        checkpoint=no_checkpoint,
        unseen=all_unseen,
        kinds={},
    )
