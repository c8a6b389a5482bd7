"""The configuration: YAML in, frozen models out, or every problem at once with its line and column.

`load` reads a text, `load_file` a file. What a component may be told is declared by its `Config`,
derived from `ComponentConfig`; the option types here (`Address`, `Endpoint`, `ByteSize`, `InputId`,
`LocalPath`, `Regex`, `Secret`) say in plain words what is wrong with a value. Durations are plain
floats named `…_seconds`.
"""

from bridge.config.loading import Kind, Registry, load, load_file
from bridge.config.models import ComponentConfig, Config, Section, SpoolConfig
from bridge.config.types import Address, ByteSize, Endpoint, InputId, LocalPath, Regex, Secret

__all__ = [
    "Address",
    "ByteSize",
    "ComponentConfig",
    "Config",
    "Endpoint",
    "InputId",
    "Kind",
    "LocalPath",
    "Regex",
    "Registry",
    "Secret",
    "Section",
    "SpoolConfig",
    "load",
    "load_file",
]
