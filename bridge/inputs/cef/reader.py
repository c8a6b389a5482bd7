"""From frames to events, counting what senders do wrong."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from bridge import cef, times
from bridge.cef import CefRecord
from bridge.inputs import Context, Event
from bridge.inputs.cef import tables
from bridge.inputs.cef.names import Names
from bridge.inputs.cef.normalize import Options, normalize
from bridge.inputs.cef.options import CefConfig
from bridge.inputs.cef.plan import Planner

MAX_SENDERS: Final = 256
"""So many senders are counted by address, all further ones together."""
OTHERS: Final = "others"

_NO_FLAGS: Final[frozenset[str]] = frozenset()


class Reader:
    """Parses and normalizes frames; counts every flag by name and sender."""

    def __init__(self, context: Context, config: CefConfig) -> None:
        self.log = context.log
        self._context = context
        self._config = config
        known = {**tables.builtin(), **tables.by_slug(map(tables.load, config.vendor_tables))}
        self.options = Options(
            timezone=times.zone(config.timezone) if config.timezone else None,
            tables=known,
            planner=Planner(known, Names(context.kinds), keep_short_keys=config.keep_short_keys),
        )
        self._senders: set[str] = set()

    def read(
        self, frames: Sequence[bytes], repairs: Mapping[int, frozenset[str]], sender: str
    ) -> list[Event]:
        """One event a frame; `repairs` are the framer's flags by index. Never raises."""
        now = self.now()
        flags: Counter[str] = Counter()
        events = []
        for index, frame in enumerate(frames):
            event = self._event(frame, now, sender, repairs.get(index, _NO_FLAGS))
            if found := event.get("bridge_flags"):
                flags.update(str(found).split(","))
            events.append(event)
        for flag, number in flags.items():
            self._context.count(flag, number, self._label(sender))
        return events

    def now(self) -> float:
        """The time of arrival of what is read now, in seconds since the epoch."""
        return self._context.clock.now()

    def record(self, text: str) -> CefRecord:
        """The record of a frame."""
        return cef.parse(text, escapes=self._config.escapes, quotes=self._config.quotes)

    def _event(self, frame: bytes, now: float, sender: str, repairs: frozenset[str]) -> Event:
        config = self._config
        text, is_clean = decode(frame, config.fallback_encoding or "utf-8")
        if not is_clean:
            repairs |= {"invalid_utf8"}
        try:
            record = self.record(text)
            event = normalize(
                record, text, now=now, sender=sender, flags=repairs, options=self.options
            )
        except Exception:
            self._context.log.exception("a frame from %s could not be read", sender)
            event = unread(text, now, sender, repairs)
        if not is_clean:
            event["bridge_raw_base64"] = base64.b64encode(frame).decode("ascii")
        return event

    def _label(self, sender: str) -> str:
        if sender in self._senders or len(self._senders) < MAX_SENDERS:
            self._senders.add(sender)
            return sender
        return OTHERS


def decode(frame: bytes, fallback: str) -> tuple[str, bool]:
    """The frame as text, and whether it was UTF-8; if not, it is read by the fallback."""
    try:
        return frame.decode(), True
    except UnicodeDecodeError:
        return frame.decode(fallback, "replace"), False


def unread(frame: str, now: float, sender: str, repairs: frozenset[str]) -> Event:
    """The event of a frame on which the bridge itself failed."""
    return {
        "event_type": "vendor_unknown",
        "timestamp": now,
        "bridge_timestamp_from": "arrival",
        "host": sender or "unknown",
        "level": 5,
        "message": frame,
        "full_message": frame,
        "bridge_sender": sender,
        "bridge_flags": ",".join(sorted({"unread", *repairs})),
    }
