"""What a configuration holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bridge.config.types import Address, ByteSize, Endpoint, LocalPath, Secret, refusal

MIN_TOKEN: Final = 16
MAX_WORKERS: Final = 64


class Section(BaseModel):
    """Options that belong together: a base for nested sections such as `tls:`.

    Unknown options are refused, nothing changes after loading, and `repr` shows no values, because
    any of them may come from a reference. The docstring under an option becomes its description
    by `bridge.config.docstrings`.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return ()


class ComponentConfig(Section):
    """The options that every component has; each component derives its own `Config` from it."""

    type: str
    """Which component this is: the name of its entry point."""

    def claims(self) -> list[str]:
        """What no other component of this bridge can have, such as `tcp 0.0.0.0:5514`."""
        return []

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


class AdminConfig(Section):
    """Where the admin server listens beside its socket in the spool directory.

    Over this address anybody gets health, metrics and counts; events, and whatever changes
    something, only with the token.
    """

    address: Address
    """Plain HTTP: choose a loopback address, or put a proxy with TLS in front of it."""
    token: Secret | None = None
    """What `Authorization: Bearer …` must hold, 16 characters or more; default: nothing does."""
    hosts: list[str] = []
    """Further names in the `Host` header to answer to, such as that of a proxy in front."""

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        if self.token is not None and len(self.token.reveal()) < MIN_TOKEN:
            raise refusal(f"the token is too short: it must have {MIN_TOKEN} or more characters")
        return self


Level = Literal["debug", "info", "warning", "error"]


class GraylogLogs(Section):
    """The bridge's own logs as GELF; best effort, and never in the way of events."""

    endpoint: Endpoint
    """A GELF input."""
    transport: Literal["udp", "tcp"] = "udp"
    """What kind of input it is."""
    level: Level = "info"
    """What is less important stays away."""


class LogsConfig(Section):
    """The bridge's own logs, on standard error."""

    level: Level = "info"
    """What is less important is not written."""
    format: Literal["text", "json"] = "text"
    """`text`: a line for people; `json`: an object a line."""
    graylog: GraylogLogs | None = None
    """Send them to Graylog, too."""


class HeartbeatConfig(Section):
    """Events about the bridge itself, of the `event_type` gelf_bridge, for alerts and dashboards.

    One for each component, and one more at every change of a state.
    """

    interval_seconds: float = Field(default=60.0, ge=1)
    """How often."""


class Config(Section):
    """The whole configuration; components by their id."""

    inputs: dict[str, ComponentConfig]
    """Where events come from."""
    outputs: dict[str, ComponentConfig]
    """Where they go."""
    spool: SpoolConfig
    """Where they wait."""
    workers: int = Field(default=1, ge=1, le=MAX_WORKERS)
    """How many processes share the work of the inputs that listen, one for each core at most; the
    others run in the first one. Each has its part of `spool.max_bytes`."""
    stop_timeout_seconds: float = Field(default=8.0, ge=0)
    """How long an orderly stop may take; below supervisord's `stopwaitsecs` (10)."""
    admin: AdminConfig | None = None
    """An address for health, metrics and the status page; default: only the socket."""
    logs: LogsConfig = LogsConfig()
    """The bridge's own logs."""
    heartbeat: HeartbeatConfig | None = None
    """Say regularly that the bridge lives, and how; default: it does not."""
