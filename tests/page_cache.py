"""What the system keeps of a file in memory."""

from __future__ import annotations

import ctypes
from mmap import MAP_PRIVATE, PAGESIZE, mmap
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
IS_RESIDENT = 1


def is_cached(path: Path, start: int) -> bool:
    """Whether the page at a place of a file is in the page cache (mincore(2), which reads nothing).

    A read with RWF_NOWAIT would not do: newer kernels begin to read ahead for it, and find what a
    quick disk has brought by then.
    """
    with path.open("rb") as file:
        pages = mmap(file.fileno(), 0, MAP_PRIVATE)  # which ctypes takes only if it may be written
    address = ctypes.addressof(ctypes.c_char.from_buffer(pages)) + start // PAGESIZE * PAGESIZE
    answer = ctypes.c_ubyte()
    if LIBC.mincore(ctypes.c_void_p(address), ctypes.c_size_t(1), ctypes.byref(answer)):
        raise OSError(ctypes.get_errno(), "mincore", str(path))
    return bool(answer.value & IS_RESIDENT)
