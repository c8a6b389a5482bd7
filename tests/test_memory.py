"""The heap of the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

THREADS = """
import ctypes
from threading import Thread
from bridge.memory import share_heap

if {shared}:
    share_heap()
kept = []
threads = [Thread(target=lambda: kept.append(bytes(5000))) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
ctypes.CDLL(None).malloc_stats()
"""


@pytest.mark.parametrize("shared", [True, False])
def test_threads_share_one_heap_when_asked_to(shared: bool) -> None:
    """glibc counts its heaps on the standard error."""
    command = [sys.executable, "-c", THREADS.format(shared=shared)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    assert (done.stderr.count("Arena ") == 1) is shared
