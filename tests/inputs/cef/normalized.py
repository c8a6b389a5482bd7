"""Normalized events of small records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bridge.cef import parse
from bridge.event import Event
from bridge.inputs.cef.normalize import Options, normalize

DATA = Path(__file__).parents[2] / "data" / "cybereason"


NOW = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()


OPTIONS = Options()


def event_of(frame: str, options: Options = OPTIONS, **more: Any) -> Event:
    return normalize(parse(frame), frame, now=NOW, sender="192.0.2.7", options=options, **more)


def acme(extension: str, options: Options = OPTIONS) -> Event:
    """The event of a record of a vendor without a table."""
    return event_of(f"CEF:0|Acme|Gate|1.0|7|Login|5|{extension}", options)


def vendor_fields(event: Event, prefix: str = "acme_") -> Event:
    return {name: value for name, value in event.items() if name.startswith(prefix)}


def exact(event: Mapping[str, Any]) -> dict[str, tuple[type, Any]]:
    """With types, because `1 == 1.0 == True`."""
    return {name: (type(value), value) for name, value in event.items()}
