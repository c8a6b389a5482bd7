"""`gelf-bridge check --connect`: every component tries what it needs, nothing is started."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bridge.clock import SystemClock
from bridge.config import ComponentConfig, Config, Kind, Registry
from bridge.errors import BridgeError
from bridge.inputs import Context
from bridge.net.reasons import reason


class Tried(NamedTuple):
    """What came of trying something, such as `input protect (cylance)`."""

    name: str
    problem: str = ""
    """What is wrong; empty when it works."""
    words: str = ""
    """What else there is to say of what works."""


def try_all(config: Config, registry: Registry) -> list[Tried]:
    """What is wrong with each component, and what it is like.

    An input that would listen where a running bridge listens already says so.
    """
    return asyncio.run(_try_all(config, registry))


async def _try_all(config: Config, registry: Registry) -> list[Tried]:
    tried: list[Tried] = []
    kinds: tuple[tuple[Kind, Mapping[str, ComponentConfig]], ...] = (
        ("input", config.inputs),
        ("output", config.outputs),
    )
    for kind, components in kinds:
        for name, own in components.items():
            problem, words = await _try(kind, name, own, registry)
            tried.append(Tried(f"{kind} {name} ({own.type})", problem, words))
    return tried


async def _try(
    kind: Kind, name: str, config: ComponentConfig, registry: Registry
) -> tuple[str, str]:
    try:
        component = registry.component(kind, config.type)(config, lone_context(kind, name))
        words = await component.check()
    except BridgeError as error:
        return str(error), ""
    except OSError as error:
        return reason(error), ""
    return "", words or ""


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
