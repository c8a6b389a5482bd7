"""What an output is: connect, send, close. `send` returns when the batch is confirmed.

Everything difficult (order, windows, back-off, cursors, dead letters) is done by the delivery loop.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from pydantic import Field

from bridge.config import ComponentConfig, InputId, Section
from bridge.inputs import Context
from bridge.spool import Batch


class Selection(Section):
    """Events by input or by `event_type`; an event is selected when either names it."""

    inputs: list[InputId] = []
    """Ids of inputs."""
    event_types: list[str] = []
    """Values of `event_type`."""


class OutputConfig(ComponentConfig):
    """The options that every output has."""

    only: Selection | None = None
    """Send nothing else."""
    exclude: Selection | None = Field(default=None, alias="except")
    """Send everything but these."""

    @property
    def remark(self) -> str:
        """What `check` says about the promise of these options, or an empty text."""
        return ""


class Output(ABC):
    """A destination of messages."""

    Config: ClassVar[type[OutputConfig]] = OutputConfig
    window_bytes: int = 0
    """How much may be under way at once; 0 means one batch."""
    hold_back_seconds: float = 0.0
    """How long the committed cursor lags behind what is confirmed."""

    def __init__(self, config: Any, context: Context) -> None:
        self.config = config
        self.context = context

    @abstractmethod
    async def connect(self) -> None:
        """Make ready to send; raises `Retryable` or OSError. Called again after each break."""

    @abstractmethod
    async def send(self, batch: Batch) -> float | None:
        """Return when the batch is confirmed; raises `Retryable`, `Rejected` or OSError.

        What is returned is a time by `context.clock.monotonic()` at which the destination certainly
        still lived, such as when it was asked for this; None: when `send` was called.
        The loop starts sends in spool order and lets up to `window_bytes` run at once; the part of
        `send` before its first suspension runs in that order.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of the connection; safe without `connect` and safe twice."""

    def flush(self) -> None:
        """Confirm what is under way soon: no more will come before that."""

    async def broken(self) -> str:
        """Return, with the reason, when a connection has ended uncleanly.

        What was confirmed during the last `hold_back_seconds` is then sent again. It must return
        before the sends fail that run at that moment.
        """
        return str(await asyncio.get_running_loop().create_future())

    async def alive(self) -> None:
        """Return when the destination has just shown that it lives; raises `Retryable` or OSError.

        Asked before what was held back is committed, unless something was confirmed meanwhile: the
        time during which a peer is frozen does not count.
        """

    async def check(self) -> str | None:
        """Try the destination; raise with advice when something is wrong.

        What there is to say otherwise is returned: `TLSv1.3, certificate valid for 61 more days`.
        """
        return None


__all__ = ["Batch", "Context", "Output", "OutputConfig", "Selection"]
