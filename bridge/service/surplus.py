"""The files of workers that there are no more, after `workers` was made smaller."""

from __future__ import annotations

from bridge.config import Config
from bridge.spool import Spool
from bridge.spool.absorb import absorb
from bridge.spool.lock import Lock, databases


async def surplus(config: Config) -> list[int]:
    """The workers beyond `workers` whose files are not delivered yet; those that are, are absorbed.

    Raises SpoolLocked or SpoolError.
    """
    directory = config.spool.directory
    if all(worker < config.workers for worker in databases(directory)):
        return []
    lock = await Lock.wait(directory)
    try:
        return absorb(directory, config.workers, Spool.max_dead_bytes)
    finally:
        lock.release()
