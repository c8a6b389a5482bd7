"""A receiver that knows which numbered events have arrived, and can be away for a while.

`python -m tests.bench.counting` is a `sink` that answers `arrived repeated`: how many different
events have come, and how many came again. The lines `down` and `up` close it and open it again;
`missing COUNT` is answered with how many of the numbers below COUNT have never come.
"""

from __future__ import annotations

import re
from typing import Final

from tests.bench.sink import Sink

NUMBER: Final = re.compile(rb'"_cef_external_id":"(\d+)"')
ROOM: Final = 1 << 20


class Counting(Sink):
    """One octet of memory for each event."""

    def __init__(self) -> None:
        self._seen = bytearray()
        self._arrived = self._repeated = 0
        super().__init__()
        self.wants_frames = True
        self._port = self._listening.getsockname()[1]

    def take(self, frames: bytes) -> None:
        for number in map(int, NUMBER.findall(frames)):
            while number >= len(self._seen):
                self._seen += bytes(ROOM)
            if self._seen[number]:
                self._repeated += 1
            else:
                self._seen[number] = 1
                self._arrived += 1

    def answer(self, question: str) -> str:
        word, _, count = question.partition(" ")
        if word == "down":
            self.close()
        elif word == "up":
            self.open(self._port)
        elif word == "missing":
            return str(int(count) - self._seen[: int(count)].count(1))
        return f"{self._arrived} {self._repeated}"


if __name__ == "__main__":
    Counting().serve()
