"""What goes into the spool and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bridge.native import core

Json = Any
"""Whatever JSON can hold; checkpoints and notes are such values."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One row: GELF documents of one input, none of them empty, joined by NUL.

    `id` is the position of the row. `data` is at most 768 KiB, unless it is one larger document.
    """

    id: int
    input: str
    count: int
    data: bytes

    def messages(self) -> list[bytes]:
        """The documents, in spool order."""
        return self.data.split(b"\0")


def joined(data: bytes) -> int:
    """How many documents are joined by NUL; raises ValueError when one of them is empty.

    `bytes.count` takes as long as pressing them does.
    """
    count = int(core.joined(data)) if core else joined_in_python(data)
    if count < 0:
        raise ValueError("a document is empty")
    return count


def joined_in_python(data: bytes) -> int:
    """The same without the compiled part; negative when a document is empty."""
    count = data.count(0) + 1
    has_empty = not data or not (data[0] and data[-1]) or b"\0\0" in data
    return -count if has_empty else count


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one append: events accepted, and events dropped because they were repeated."""

    accepted: int
    repeated: int


@dataclass(frozen=True, slots=True)
class Buried:
    """A document that an output will never take, why, and the input that it came from."""

    document: bytes
    reason: str
    input: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an output got: every row up to `position`, and what became of their events."""

    position: int
    delivered: int = 0
    filtered: int = 0
    buried: tuple[Buried, ...] = ()


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A buried document as it is kept; `created` is in seconds since the epoch.

    The document itself (`bytes` long) is asked for with `Spool.document`.
    """

    id: int
    output: str
    input: str
    reason: str
    created: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where one stream of an input goes on; `updated` is in seconds since the epoch."""

    input: str
    stream: str
    value: Json
    updated: float


@dataclass(frozen=True, slots=True)
class InputBalance:
    """What became of the events of one input; in flight are those not committed yet."""

    received: int
    accepted: int
    repeated: int
    in_flight: int

    @property
    def holds(self) -> bool:
        """Whether every event is accounted for."""
        return self.received == self.accepted + self.repeated + self.in_flight


@dataclass(frozen=True, slots=True)
class OutputBalance:
    """What became of the events accepted since an output exists.

    `spooled` is counted from the rows. `forgotten` are those of `buried` whose documents had to go
    because the dead letters were full. `oldest` is when the oldest event still spooled was
    accepted, in seconds since the epoch.
    """

    accepted: int
    delivered: int
    spooled: int
    buried: int
    filtered: int
    dropped: int
    forgotten: int
    oldest: float | None

    @property
    def holds(self) -> bool:
        """Whether every event is accounted for."""
        parts = self.delivered + self.spooled + self.buried + self.filtered + self.dropped
        return self.accepted == parts


@dataclass(frozen=True, slots=True)
class Balance:
    """The accounts of all inputs and outputs at one moment.

    `bytes` is the live payload, the number that `max_bytes` bounds. `oldest` is when the oldest row
    was accepted, in seconds since the epoch.
    """

    inputs: dict[str, InputBalance]
    outputs: dict[str, OutputBalance]
    bytes: int
    oldest: float | None

    @property
    def holds(self) -> bool:
        """Whether every event of every component is accounted for."""
        inputs = all(one.holds for one in self.inputs.values())
        return inputs and all(one.holds for one in self.outputs.values())
