"""`python -m tests.lab.jumping …`: `gelf-bridge …` with a wall clock that jumps by years.

It is put forward and back several times a second; time that only passes goes on as ever.
"""

from __future__ import annotations

import time

YEAR = 365 * 24 * 3600
JUMPS = (0, YEAR, -2 * YEAR, 3600, -0.5)
PER_SECOND = 7

real = time.time


def jumping() -> float:
    """The time of a clock that somebody sets over and over."""
    now = real()
    return now + JUMPS[int(now * PER_SECOND) % len(JUMPS)]


if __name__ == "__main__":
    time.time = jumping
    from bridge.cli import main

    main()
