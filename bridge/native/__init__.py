"""The compiled parts, where they could be built: the same as Python's, only faster.

What they do is written down in Python, and they leave everything that is not ordinary to it.
`core` is None on an installation without a compiler, or when `GELF_BRIDGE_PURE=1` is set.
"""

from __future__ import annotations

import importlib
import os
from typing import Any, Final

PURE: Final = os.environ.get("GELF_BRIDGE_PURE", "") not in ("", "0")


def _load() -> Any:
    try:
        return None if PURE else importlib.import_module("bridge.native._core")
    except ImportError:
        return None


core: Final = _load()
