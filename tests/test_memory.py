"""The heap of the process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.service import service
from tests.bridges import CONFIG, running

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


HOLES = """
import os
from bridge.memory import give_back, share_heap

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")

def fill():
    # Behind each large block a small one stays.
    large = []
    for _ in range(300):
        large.append(b"x" * 200_000)
        small.append(b"x" * 2_000)

share_heap()
small = []
bytes(20_000_000)  # From now on glibc takes blocks of up to so much from the heap.
fill()
before = resident()
give_back()
print(before, resident())
"""


def test_what_was_freed_inside_the_heap_is_given_back() -> None:
    """60 MB are freed; glibc would keep them because of the 600 KB between them."""
    command = [sys.executable, "-c", HOLES]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    before, after = map(int, done.stdout.split())
    assert before > 60_000_000
    assert after < before - 50_000_000


async def test_a_running_bridge_gives_memory_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From time to time, not at each look."""
    times: list[float] = []
    monkeypatch.setattr(service, "WATCH_SECONDS", 0.01)
    monkeypatch.setattr(service, "GIVE_BACK_SECONDS", 0.1)
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(service, "give_back", lambda: times.append(loop.time()))
    async with running(tmp_path, CONFIG % 1), asyncio.timeout(10):
        while len(times) < 3:
            await asyncio.sleep(0.01)
    assert times[2] - times[0] >= 0.2
