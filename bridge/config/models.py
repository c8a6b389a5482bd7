"""What a configuration holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bridge.config.types import ByteSize, LocalPath


class Section(BaseModel):
    """Options that belong together: a base for nested sections such as `tls:`.

    Unknown options are refused, nothing changes after loading, and `repr` shows no values, because
    any of them may come from a reference. The docstring under an option is its description.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return ()


class ComponentConfig(Section):
    """The options that every component has; each component derives its own `Config` from it."""

    type: str
    """Which component this is: the name of its entry point."""

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return (("type", self.type),)


class SpoolConfig(Section):
    """Where events are kept until they are delivered."""

    directory: LocalPath
    """A folder of its own on a local disk; it is made with mode 0700."""
    max_bytes: ByteSize = Field(default=1024**3, gt=0)
    """How much undelivered data is kept at most."""
    min_free_bytes: ByteSize = Field(default=256 * 1024**2, ge=0)
    """How much of the disk stays free for others; the spool counts as full below it."""
    on_full: Literal["block", "drop_oldest"] = "block"
    """`block`: inputs wait; `drop_oldest`: the oldest events go, and are counted."""


class Config(Section):
    """The whole configuration; components by their id."""

    inputs: dict[str, ComponentConfig]
    """Where events come from."""
    outputs: dict[str, ComponentConfig]
    """Where they go."""
    spool: SpoolConfig
    """Where they wait."""
    stop_timeout_seconds: float = Field(default=8.0, ge=0)
    """How long an orderly stop may take; below supervisord's `stopwaitsecs` (10)."""
