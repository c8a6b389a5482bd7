"""Components with every kind of option, and a registry that knows them."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from bridge.config import (
    Address,
    ByteSize,
    ComponentConfig,
    Endpoint,
    InputId,
    LocalPath,
    Regex,
    Secret,
    Section,
)
from bridge.errors import PluginError


class Tls(Section):
    """A section within a component."""

    certificate: LocalPath
    minimum: Literal["1.2", "1.3"] = "1.2"


class ListenerConfig(ComponentConfig):
    """What a listener may be told."""

    address: Address
    transport: Literal["tcp", "udp", "both"] = "tcp"
    allow_from: list[IPv4Network | IPv6Network] = []
    max_frame_bytes: ByteSize = Field(default=2**20, ge=1024)
    idle_seconds: float = Field(default=60, gt=0)
    connections: int = Field(default=500, ge=1, le=10_000)
    full_message: bool = True
    fields: dict[str, str | int | float] = {}
    redact: dict[str, Regex] = {}
    tls: bool | Tls = False


class PollerConfig(ComponentConfig):
    """What a poller may be told."""

    region: str = "euc1"
    tenant_id: str = Field(default="none", min_length=1)
    app_secret: Secret = Secret("none")
    proxy: Endpoint | None = None
    streams: list[Literal["threats", "detections"]] = Field(default=["threats"], min_length=1)
    start: str = "now"
    end: str = "never"

    @field_validator("region")
    @classmethod
    def _known(cls, region: str) -> str:
        if region not in ("euc1", "au"):
            raise ValueError(f"no such region: {region}")
        return region

    @model_validator(mode="after")
    def _one_way(self) -> PollerConfig:
        if self.start == self.end:
            raise ValueError(f"start and end are both {self.start}")
        return self


class SenderConfig(ComponentConfig):
    """What a sender may be told."""

    endpoint: Endpoint
    only: list[InputId] = []
    exclude: list[InputId] = Field(default=[], alias="except")


class Listener:
    Config = ListenerConfig


class Poller:
    Config = PollerConfig


class Sender:
    Config = SenderConfig


class Components:
    """A registry; the type `broken` cannot be imported."""

    _all: dict[str, dict[str, Any]] = {
        "input": {"broken": None, "cef": Listener, "cylance": Poller},
        "output": {"gelf_tcp": Sender},
    }

    def types(self, kind: str) -> list[str]:
        return sorted(self._all[kind])

    def component(self, kind: str, name: str) -> Any:
        if self._all[kind][name] is None:
            raise PluginError("acme.feed:Feed of acme 1.0 cannot be imported: no module kafka")
        return self._all[kind][name]
