"""gelf-bridge: a durable bridge between security products and Graylog.

The names that a plugin author needs are reachable from here; they are loaded at first use, so that
`import bridge.cef` costs nothing but the parser.
"""

from __future__ import annotations

import importlib
from typing import Any

from bridge.version import VERSION

__version__ = VERSION

_PUBLIC = {
    "Batch": "bridge.spool",
    "Context": "bridge.inputs",
    "Emit": "bridge.inputs",
    "Event": "bridge.event",
    "Input": "bridge.inputs",
    "InputConfig": "bridge.inputs",
    "Output": "bridge.outputs",
    "OutputConfig": "bridge.outputs",
    "Rejected": "bridge.errors",
    "Retryable": "bridge.errors",
    "State": "bridge.health",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(importlib.import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'bridge' has no attribute {name!r}")
