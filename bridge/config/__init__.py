"""The configuration: YAML in, frozen models out, or every problem at once with its line and column.

`load` reads a text, `load_file` a file. What a component may be told is declared by its `Config`,
derived from `ComponentConfig`; the option types here (`Address`, `Endpoint`, `ByteSize`, `InputId`,
`LocalPath`, `Regex`, `Secret`) say in plain words what is wrong with a value. Durations are plain
floats named `…_seconds`.

The names are loaded at first use: whoever reads only YAML (`bridge.config.document`) does not pay
for the models.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridge.config.loading import Kind, Registry, load, load_file, read_file
    from bridge.config.models import (
        AdminConfig,
        ComponentConfig,
        Config,
        GraylogLogs,
        HeartbeatConfig,
        LogsConfig,
        Section,
        SpoolConfig,
    )
    from bridge.config.types import Address, ByteSize, Endpoint, InputId, LocalPath, Regex, Secret

_NAMES = {
    "bridge.config.loading": ["Kind", "Registry", "load", "load_file", "read_file"],
    "bridge.config.models": [
        "AdminConfig",
        "ComponentConfig",
        "Config",
        "GraylogLogs",
        "HeartbeatConfig",
        "LogsConfig",
        "Section",
        "SpoolConfig",
    ],
    "bridge.config.types": [
        "Address",
        "ByteSize",
        "Endpoint",
        "InputId",
        "LocalPath",
        "Regex",
        "Secret",
    ],
}
_HOME = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "Address",
    "AdminConfig",
    "ByteSize",
    "ComponentConfig",
    "Config",
    "Endpoint",
    "GraylogLogs",
    "HeartbeatConfig",
    "InputId",
    "Kind",
    "LocalPath",
    "LogsConfig",
    "Regex",
    "Registry",
    "Secret",
    "Section",
    "SpoolConfig",
    "load",
    "load_file",
    "read_file",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'bridge.config' has no attribute {name!r}")
