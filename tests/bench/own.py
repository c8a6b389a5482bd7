"""The bridge's own way from frames to GELF documents, without sockets and spool."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any, Final

from bridge.clock import Clock, SystemClock
from bridge.emit import Emitter
from bridge.inputs.cef import CefConfig, CefInput

READ: Final = 140
"""So many lines come in one read of 64 KiB."""


def reads_of(frames: list[bytes]) -> list[list[bytes]]:
    """Frames as they come from a socket."""
    return [frames[start : start + READ] for start in range(0, len(frames), READ)]


class Path:
    """The bridge's own way from frames to GELF documents, without sockets and spool."""

    def __init__(self, clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        context: Any = SimpleNamespace(
            id="edr", kinds={}, clock=clock, count=_ignore, log=logging.getLogger("bench")
        )
        config = CefConfig(type="cef", address="127.0.0.1:0")  # type: ignore[arg-type]
        source = CefInput(config, context)
        collected: Any = _Collected(context.kinds)
        self._emit = Emitter(source, collected, clock, _ignore)
        self._read = source.reading(self._emit)

    def documents(self, frames: list[bytes]) -> list[bytes]:
        """The documents of the frames, many of them joined by NUL."""
        return self._emit(self._read(frames, {}, "192.0.2.7"))  # type: ignore[return-value]

    def meet(self, reads: list[list[bytes]]) -> None:
        """As a running bridge, it has met such records before."""
        for read in 3 * reads:
            self.documents(read)


class _Collected:
    """In place of the spool: gives back what it is given."""

    def __init__(self, kinds: dict[str, str]) -> None:
        self.kinds = kinds

    def append(self, owner: str, documents: list[bytes], **more: Any) -> list[bytes]:
        self.kinds.update(more["kinds"] or {})
        return documents


def _ignore(*counted: object) -> None:
    pass
