"""What differs between two configurations, component by component."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridge.admin import Reloads
from bridge.config import ComponentConfig, Config

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Changes:
    """Ids of components of one kind; resolved secrets count, since they compare by value."""

    removed: list[str]
    changed: list[str]
    added: list[str]
    same: list[str]

    @property
    def old(self) -> list[str]:
        """Those that must stop."""
        return self.removed + self.changed

    @property
    def new(self) -> list[str]:
        """Those that must start."""
        return self.changed + self.added

    def sentences(self, kind: str) -> list[str]:
        """`input malops has changed: started again`."""
        return (
            [f"{kind} {name} is no longer configured: stopped" for name in self.removed]
            + [f"{kind} {name} has changed: started again" for name in self.changed]
            + [f"{kind} {name} is new: started" for name in self.added]
        )


def compare(before: Mapping[str, ComponentConfig], after: Mapping[str, ComponentConfig]) -> Changes:
    """What became of the components of one kind."""
    both = [name for name in after if name in before]
    return Changes(
        removed=[name for name in before if name not in after],
        changed=[name for name in both if before[name] != after[name]],
        added=[name for name in after if name not in before],
        same=[name for name in both if before[name] == after[name]],
    )


FIXED: Final = ("spool", "heartbeat", "workers")
"""What counts from the next start only."""


def sentences(before: Config, after: Config) -> list[str]:
    """Everything that a new configuration changes, a sentence each."""
    found = compare(before.inputs, after.inputs).sentences("input")
    found += compare(before.outputs, after.outputs).sentences("output")
    for name in FIXED:
        if getattr(before, name) != getattr(after, name):
            found.append(f"{name} has changed: that takes effect at the next start")
    for name in ("admin", "logs", "stop_timeout_seconds"):
        if getattr(before, name) != getattr(after, name):
            found.append(f"{name} has changed")
    return found


def pinned(config: Config, start: Config) -> Config:
    """A new configuration with what counts from the next start only as it was at the start."""
    return config.model_copy(update={name: getattr(start, name) for name in FIXED})


def tell(reloads: Reloads) -> None:
    """Log what became of the last attempt."""
    for problem in reloads.problems:
        log.error("%s", problem)
    if reloads.problems:
        log.error("the configuration in use stays in use")
    for change in reloads.changes:
        log.info("%s", change)
    if not reloads.problems:
        number = len(reloads.changes)
        log.info("the configuration was read again: %d change%s", number, "s" * (number != 1))
