"""Sample events of both sources, and what Graylog's own engine makes of each with our rules.

The files are generated: originals from the vendors' documents, results from a real run of the
bridge, Graylog's decoder and `pipelines/`, by `pytest tests/graylog tests/testing --regenerate`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

Fields = Mapping[str, Any]

_TIME = re.compile(r"\b(rt|deviceCustomDate1)=\d{13}\b")


@dataclass(frozen=True, slots=True)
class Sample:
    """An event as its source has it, and two states of it in Graylog."""

    original: str
    """A line of CEF, or an object of Cylance's API as JSON."""
    sent: Fields
    """The fields of the message as Graylog's decoder leaves them."""
    stored: Fields
    """The fields after the rules."""

    def held(self, received: Fields) -> dict[str, Any]:
        """What Graylog would hold after the rules of this event, received again just now.

        `received` are its decoded fields. Where they differ from those of the sample (times, ids,
        constant fields), so does the result.
        """
        renewed = {
            value: received[name]
            for name, value in self.sent.items()
            if isinstance(value, str) and name in received and received[name] != value
        }
        held = {
            name: renewed.get(value, value) if isinstance(value, str) else value
            for name, value in self.stored.items()
        }
        more = {name: value for name, value in received.items() if name not in self.sent}
        return held | more | {"timestamp": _milliseconds(received["timestamp"])}


def cybereason(now: float | None = None, schema: str = "ecs") -> list[Sample]:
    """Five MalOps, as published or with their times moved to `now` (seconds since the epoch)."""
    samples = _read("cybereason.json" if schema == "ecs" else f"cybereason_{schema}.json")
    return samples if now is None else [_moved(sample, now) for sample in samples]


def cylance() -> list[Sample]:
    """A threat and a detection."""
    return _read("cylance.json")


def _read(name: str) -> list[Sample]:
    text = (files("bridge.testing") / "samples" / name).read_text(encoding="utf-8")
    return [Sample(**sample) for sample in json.loads(text)]


def _moved(sample: Sample, now: float) -> Sample:
    return replace(sample, original=_TIME.sub(rf"\1={round(now * 1000)}", sample.original))


def _milliseconds(seconds: float) -> str:
    """A time as Graylog shows it."""
    moment = datetime.fromtimestamp(round(seconds * 1000) / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{round(moment.microsecond / 1000):03}Z"
