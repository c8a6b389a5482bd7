"""Everything that the bridge raises on purpose.

::

    BridgeError
    ├── ConfigError      the configuration cannot be used; carries every problem
    ├── PluginError      a component type is unknown, broken or claimed twice
    ├── Denied           what may not be read for lack of a right, until somebody grants it
    ├── SpoolError       the spool cannot be used
    │   ├── SpoolLocked  another process owns the directory
    │   ├── SpoolDenied  its directory is not for this process
    │   └── SpoolTooNew  written by a newer version
    └── DeliveryError    what an output raises from `connect` and `send`
        ├── Retryable    try the same again after a pause (pollers raise it, too)
        └── Rejected     these messages will never be taken; bury them
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class BridgeError(Exception):
    """The root of all errors of the bridge."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a configuration, with its place.

    `line` and `column` count from 1, or are 0 when it is about the whole file; `path` is the dotted
    way to the value (`inputs.malops.address`).
    """

    source: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}:{self.column}" if self.line else self.source
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class ConfigError(BridgeError):
    """The configuration cannot be used; `problems` holds everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class PluginError(BridgeError):
    """A component type is unknown, cannot be imported, or is claimed by two distributions."""


class Denied(BridgeError):
    """The peer knows us, but does not let us read this; the sentence names the missing right."""


class SpoolError(BridgeError):
    """The spool cannot be used."""


class SpoolLocked(SpoolError):
    """Another process owns the spool directory; `holder` says which, as far as it can be known."""

    def __init__(self, directory: str, holder: str) -> None:
        self.directory = directory
        self.holder = holder
        super().__init__(
            f"the spool {directory} is in use by {holder}: "
            "stop that process, or give this one a spool directory of its own"
        )


class SpoolDenied(SpoolError):
    """The spool directory is not for this process: a right is missing, or it is no directory.

    Starting again does not help, until somebody changes that or the configuration.
    """


class SpoolTooNew(SpoolError):
    """The spool was written by a newer version of the bridge."""

    def __init__(self, path: str, found: int, known: int) -> None:
        self.path = path
        self.found = found
        self.known = known
        super().__init__(
            f"the spool {path} has format {found}, this version knows up to {known}: "
            "run the version that wrote it, or start with another spool directory"
        )


class DeliveryError(BridgeError):
    """What an output raises when a batch was not taken."""


class Retryable(DeliveryError):
    """The peer did not take the messages now; `retry_after` (seconds) is its own wish, if any."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        self.reason = reason
        self.retry_after = retry_after
        super().__init__(reason)


class Rejected(DeliveryError):
    """The peer will never take the messages at `indexes` of the batch; the others stand."""

    def __init__(self, indexes: Sequence[int], reason: str) -> None:
        self.indexes = tuple(indexes)
        self.reason = reason
        super().__init__(f"{len(self.indexes)} message(s) rejected: {reason}")
