"""What flows through the bridge: the normalized event.

An event is a plain flat dict. Reserved keys: `event_type` (required), `timestamp` (seconds since
the epoch), `host`, `message` (one human line), `full_message` (the original record), `level`
(syslog 0-7) and `event_uid`. Every other key is a field of the source, snake_case, under the
source's prefix.
"""

from __future__ import annotations

from typing import Final

Value = str | int | float | bool | None
Event = dict[str, Value]

RESERVED: Final = frozenset(
    {"event_type", "timestamp", "host", "message", "full_message", "level", "event_uid"}
)
