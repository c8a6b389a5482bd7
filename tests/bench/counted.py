"""What `instructions` counts: `python -m tests.bench.counted COUNT`, under callgrind.

Between the parts it asks for a process group, which nothing else does here: callgrind writes its
counts down at each call of that function of the C library.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from typing import Any, Final

from bridge import cef, gelf
from tests.bench.events import records
from tests.bench.own import Path, reads_of

MARK: Final = "getpgid"
PARTS: Final = ("parse", "line to GELF bytes", "encode")


class Still:
    """A clock that stands, so that every number has as many digits each time."""

    def now(self) -> float:
        return 1_767_323_045.25


def main(count: int) -> None:
    """Run each part, with a mark before and behind it."""
    every = records(count)
    frames = [record.line.rstrip(b"\n") for record in every]
    events: list[Any] = [{"event_type": "bench", **record.pairs} for record in every]
    clock: Any = Still()
    path = Path(clock)
    reads = reads_of(frames)
    path.meet(reads)
    parts: list[tuple[Callable[[Any], object], list[Any]]] = [
        (cef.parse, frames),
        (path.documents, reads),
        (gelf.encode, events),
    ]
    gc.collect()
    gc.disable()
    for function, items in parts:
        function(items[0])
        os.getpgid(0)
        for item in items:
            function(item)
        os.getpgid(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
