"""One process's place in the bridge: alone, or as one of several workers under a parent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from bridge.admin import SOCKET
from bridge.config import Config, Registry
from bridge.service.kinds import Kinds
from bridge.service.systemd import Systemd
from bridge.spool import Balance


class Manager(Protocol):
    """Whoever wants to hear how a process goes: systemd, or the parent of a worker."""

    watchdog_seconds: float

    @property
    def ready(self) -> Callable[[str], None]: ...

    @property
    def reloading(self) -> Callable[[], None]: ...

    @property
    def stopping(self) -> Callable[[], None]: ...

    @property
    def alive(self) -> Callable[[], None]: ...


@dataclass(frozen=True, slots=True)
class Post:
    """Which worker this is, whom it tells how it goes, and what it shares with the others.

    `kinds` is None for a process that is alone. Whoever shares them has a parent, which holds the
    spool directory, and which gives the `accounts` of all.
    """

    manager: Manager
    worker: int = 0
    kinds: Kinds | None = None
    accounts: Callable[[], Awaitable[Balance | None]] | None = None

    @property
    def is_alone(self) -> bool:
        """Whether there is no parent."""
        return self.kinds is None

    @property
    def socket(self) -> str:
        """The name of its admin socket."""
        return SOCKET if self.is_alone else socket_of(self.worker)


def socket_of(worker: int) -> str:
    """Where a worker answers its parent, in the spool directory."""
    return f"worker-{worker}.sock"


def alone(worker: int = 0) -> Post:
    """The only process there is, with its own file or with that of a worker."""
    return Post(Systemd(), worker)


def share(config: Config, registry: Registry, worker: int) -> Config:
    """The part of a configuration that one of the workers has.

    Worker 0 has all inputs and the heartbeat, the others only the inputs that listen. Each may use
    the same part of `max_bytes`. A worker beyond `workers` only delivers what its file still holds.
    """
    part = max(1, int(config.spool.max_bytes) // config.workers)
    changes: dict[str, object] = {
        "admin": None,
        "spool": config.spool.model_copy(update={"max_bytes": part}),
    }
    if worker:
        everywhere = {
            name: one
            for name, one in config.inputs.items()
            if worker < config.workers and registry.component("input", one.type).listens(one)
        }
        changes |= {"heartbeat": None, "inputs": everywhere}
    return config.model_copy(update=changes)
