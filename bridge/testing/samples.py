"""The five Cybereason sample records with the fields that Graylog must hold for each in the end.

The expected fields are those of the vendor integration's published samples, names flattened with
underscores (`event.type` as `ecs_event_type`, its `message` as `full_message`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

_TIME = re.compile(r"\b(?:rt|deviceCustomDate1)=(\d{13})\b")


@dataclass(frozen=True, slots=True)
class Sample:
    """A record as the sensor's forwarder sends it, and what the rules make of it."""

    line: str
    stored: dict[str, Any]


def cybereason(now: float | None = None) -> list[Sample]:
    """The samples as published, or with their times moved to `now` (seconds since the epoch)."""
    text = (files("bridge.testing") / "samples" / "cybereason.json").read_text()
    samples = [Sample(stored["full_message"], stored) for stored in json.loads(text)]
    return samples if now is None else [_moved(sample, now) for sample in samples]


def _moved(sample: Sample, now: float) -> Sample:
    fresh = round(now * 1000)
    old = {_iso(int(found)) for found in _TIME.findall(sample.line)}
    line = _TIME.sub(lambda found: found[0].replace(found[1], str(fresh)), sample.line)
    stored = {
        name: _iso(fresh) if isinstance(value, str) and value in old else value
        for name, value in sample.stored.items()
    }
    return Sample(line, stored | {"full_message": line})


def _iso(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}000Z"
