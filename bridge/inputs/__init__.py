"""What an input is: one method that runs until it is cancelled and hands events to `emit`.

`await emit(events)` returns when the events are durable. Awaiting it is the back-pressure,
returning is the acknowledgement; there is nothing else to confirm.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

from bridge.clock import Clock
from bridge.config import ComponentConfig, Regex
from bridge.errors import BridgeError
from bridge.event import Event, Value
from bridge.health import State
from bridge.net.sockets import Listening

Json = Any
"""Whatever JSON can hold; checkpoints are such values."""


class InputConfig(ComponentConfig):
    """The options that every input has."""

    event_type: str | None = None
    """The operator's label of the source, in `event_type`; default: the vendor's slug."""
    fields: dict[str, str | int | float] = {}
    """Constant fields added to every event of this input."""
    message: Literal["line", "raw"] = "line"
    """`line`: one human sentence; `raw`: the source's own text."""
    full_message: bool = True
    """Keep the original record in `full_message`."""
    drop_fields: list[str] = []
    """Fields that must not leave this machine."""
    redact: dict[str, Regex] = {}
    """Field name → regular expression; what it matches becomes `***`, in `full_message` too."""


class Emit(Protocol):
    """Hands events over; see the module."""

    def __call__(
        self,
        events: Iterable[Event | bytes],
        checkpoint: Mapping[str, Json] | None = None,
        once: bool = False,
    ) -> Awaitable[object]:
        """Encode and enqueue at the call (call order is spool order); the awaitable ends when
        events and checkpoint (stream → value) are committed in one transaction.

        Documents, also several joined by NUL, may stand among the events if it is `Express` and
        open.
        With `once=True` events whose `event_uid` was taken from this input before are dropped.
        Cancelling the await withdraws nothing.
        """
        ...


class Member(NamedTuple):
    """One member of a document that `Express.members` describes."""

    key: str
    """Its key in the document."""
    field: str
    """The field of the event from which it is made; empty when it is always the same."""
    value: bytes
    """Its value as JSON, as the example had it."""
    is_known: bool
    """Whether the kind of the field is settled; if not, only blank values are certain."""


@runtime_checkable
class Express(Protocol):
    """An `Emit` that also takes finished documents in place of events, and tells how to make them.

    For inputs that can write the documents of many alike events faster than events.
    """

    @property
    def is_open(self) -> bool:
        """Whether documents are taken now; if not, everything must come as events."""
        ...

    def numbers(self, count: int) -> tuple[str, int]:
        """What `event_uid` begins with, and so many numbers, of which one follows: the first."""
        ...

    def members(self, example: Event) -> list[Member] | None:
        """The members of the document of such an event, in order; None: it must stay an event.

        `example` has a value that is neither blank nor odd in every field.
        """
        ...

    def document(self, event: Event, now: float, number: int) -> bytes:
        """What would be stored of an event that is emitted `now` (seconds since the epoch) with
        this number."""
        ...


def _recall_nothing(name: str) -> None:
    """For components that run without a spool, as in tests."""


async def _forget(name: str, value: Json) -> None:
    """For components that run without a spool, as in tests."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the host gives to a component."""

    id: str
    log: logging.Logger
    clock: Clock
    report: Callable[[State, str], None]
    """`report(state, detail)`: what only the component knows about itself."""
    count: Callable[..., None]
    """`count(name, n=1, label="")`: one more of something that has a name."""
    checkpoint: Callable[[str], Awaitable[Json | None]]
    """`await checkpoint(stream)`: where to go on, or None at the first start."""
    unseen: Callable[[Sequence[str]], Awaitable[set[str]]]
    """`await unseen(uids)`: those that the spool has not taken from this input."""
    kinds: Mapping[str, str]
    """Field name → kind, as remembered in the spool; read only."""
    recall: Callable[[str], Json | None] = _recall_nothing
    """`recall(name)`: what this component remembered, in this run or an earlier one."""
    remember: Callable[[str, Json], Awaitable[None]] = _forget
    """`await remember(name, value)`: keep a value (that JSON can hold) in the spool."""


class Deviation(NamedTuple):
    """Something that senders do otherwise than their format asks for."""

    does: str
    """What it does, in words that follow its address: `writes unescaped equals`."""
    help: str
    """What becomes of such events, and what can be done about it."""


class Input(ABC):
    """A source of events."""

    Config: ClassVar[type[InputConfig]] = InputConfig
    kinds: ClassVar[Mapping[str, str]] = {}
    """Field name → kind (`text`, `long`, `double`, `time`), where a table fixes it."""
    deviations: ClassVar[Mapping[str, Deviation]] = {}
    """What is counted by `context.count(name, n, label=sender)` and is a sender's doing."""

    def __init__(self, config: Any, context: Context) -> None:
        self.config = config
        self.context = context

    @classmethod
    def listens(cls, config: Any) -> Sequence[Listening]:
        """Where an input with this configuration listens, by `bridge.net.bind`.

        An input that says so runs in every worker, on sockets that they share; any other one, such
        as a poller, runs in worker 0 alone.
        """
        return ()

    @abstractmethod
    async def run(self, emit: Emit) -> None:
        """Hand over events until cancelled."""

    async def check(self) -> None:
        """Try connections and credentials; raise with advice when something is wrong."""

    def read_again(self, lines: Sequence[bytes]) -> list[Event]:
        """The events of records from a file, one a line; raises BridgeError where that cannot be.

        For `gelf-bridge replay`; an input whose records are no lines need not have it.
        """
        raise BridgeError(f"an input of type {self.config.type} cannot read records from a file")

    def reload(self) -> None:
        """Read again what options only name, such as certificates; called on SIGHUP."""


__all__ = [
    "Context",
    "Deviation",
    "Emit",
    "Event",
    "Express",
    "Input",
    "InputConfig",
    "Json",
    "Member",
    "Value",
]
