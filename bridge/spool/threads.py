"""Jobs in other threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import TypeVar

T = TypeVar("T")


def start_thread(name: str, ends: AsyncExitStack) -> Executor:
    """One thread for jobs, which ends with `ends`."""
    thread = ThreadPoolExecutor(1, thread_name_prefix=name)
    ends.callback(thread.shutdown, wait=False)
    return thread


async def run(thread: Executor, job: Callable[[], T]) -> T:
    """The result of a job, done in another thread."""
    return await asyncio.get_running_loop().run_in_executor(thread, job)
