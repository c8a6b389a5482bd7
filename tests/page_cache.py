"""What the system keeps of a file in memory."""

from __future__ import annotations

import os
from pathlib import Path


def is_cached(path: Path, start: int) -> bool:
    """Whether what a file has at a place can be read without the disk."""
    with path.open("rb") as file:
        try:
            return os.preadv(file.fileno(), [bytearray(512)], start, os.RWF_NOWAIT) > 0
        except BlockingIOError:
            return False
