"""What differs between two configurations, component by component."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.config import ComponentConfig


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
