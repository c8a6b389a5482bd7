"""What `only` and `except` leave for an output."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from bridge.outputs import OutputConfig, Selection
from bridge.spool import Batch


def selector(config: OutputConfig) -> Callable[[Batch], Batch | None]:
    """What `only` and `except` leave of a batch: all, fewer messages, or None."""
    only, exclude = config.only, config.exclude
    if only is None and exclude is None:
        return lambda batch: batch

    def wanted(message: bytes, source: str) -> bool:
        event_type = orjson.loads(message).get("_event_type", "")
        if only is not None and not _selects(only, source, event_type):
            return False
        return exclude is None or not _selects(exclude, source, event_type)

    def select(batch: Batch) -> Batch | None:
        messages = [message for message in batch.messages() if wanted(message, batch.input)]
        if not messages:
            return None
        return Batch(batch.id, batch.input, len(messages), b"\0".join(messages))

    return select


def _selects(selection: Selection, source: str, event_type: str) -> bool:
    return source in selection.inputs or event_type in selection.event_types
