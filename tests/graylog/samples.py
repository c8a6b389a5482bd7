"""Samples of both sources as the bridge sends them, and what the shipped rules make of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bridge import cef, gelf
from bridge.emit import FIXED_KINDS as EMITTED
from bridge.emit import fit, kind_of
from bridge.event import RESERVED, Event
from bridge.graylog.files import pipelines_folder
from bridge.graylog.judge import Judge, Verdict
from bridge.graylog.rules import RuleSet, rule_sets
from bridge.inputs.cef.keys import FIXED_KINDS as CEF
from bridge.inputs.cef.normalize import normalize as cef_event
from bridge.inputs.cylance.kinds import KINDS as CYLANCE
from bridge.inputs.cylance.normalize import normalize as cylance_event

DATA: Final = Path(__file__).parent.parent / "data"
NOW: Final = 1_759_500_000.0
"""Early October 2025: what the samples without a year belong to."""
STAMPS: Final[Event] = {
    "bridge_input": "sample",
    "bridge_received_at": "2025-10-03T14:00:00.000000Z",
    "event_uid": "0-1",
}
OWN: Final = ("_id", "gl2_")
"""Fields that Graylog sets itself."""


@dataclass(frozen=True)
class Sample:
    """One original and the event of the bridge."""

    name: str
    original: str
    event: Event

    @property
    def document(self) -> bytes:
        return gelf.encode(settled(self.event))


KINDS: Final = EMITTED | CEF | CYLANCE


def settled(event: Event, learned: dict[str, str] | None = None) -> Event:
    """The event with each field in its kind, as the emitter of an input settles it."""
    learned = {} if learned is None else learned
    fields: Event = {}
    for name, value in event.items():
        if value is None or name in RESERVED:
            fields[name] = value
            continue
        kind = KINDS.get(name) or learned.setdefault(name, kind_of(value))
        place, fitted = fit(name, value, kind)
        fields[place] = fitted
    return fields


def of_cef(name: str, line: str) -> Sample:
    event = cef_event(cef.parse(line), line, now=NOW, sender="192.0.2.7")
    return Sample(name, line, STAMPS | event)


def of_cylance(kind: str, item: dict[str, Any], name: str = "") -> Sample:
    event = cylance_event(kind, item, now=NOW, sender="protectapi.example.org")
    original = json.dumps(item, ensure_ascii=False, indent=2)
    return Sample(name or kind, original, STAMPS | event)


def documented() -> Iterator[tuple[Sample, dict[str, Any]]]:
    """The events of the vendor's document, each with the fields that it shows for them."""
    for path in sorted((DATA / "oracle").glob("*.json")):
        shown = json.loads(path.read_text())
        yield of_cef(path.stem, shown["message"]), flat(shown)


def cybereason() -> list[Sample]:
    platform = sorted((DATA / "cybereason-platform").glob("*.in"))
    return [
        *(sample for sample, _ in documented()),
        *(of_cef(path.stem, path.read_text().rstrip("\n")) for path in platform),
    ]


def cylance() -> list[Sample]:
    return [
        of_cylance(path.stem.removesuffix("_with_details"), json.loads(path.read_text()), path.stem)
        for path in sorted((DATA / "cylance").glob("*.in"))
    ]


def flat(shown: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """ECS with dots as names with underscores; what Graylog has other names for gets those."""
    fields: dict[str, Any] = {}
    for key, value in shown.items():
        name = f"{prefix}{key}"
        fields |= flat(value, f"{name}_") if isinstance(value, dict) else {name: value}
    if prefix:
        return fields
    renamed = {"@timestamp": "timestamp", "message": "full_message", "event_type": "ecs_event_type"}
    return {renamed.get(name, name): value for name, value in fields.items()}


def rule_set(*path: str) -> RuleSet:
    """A set that comes with the bridge, by its folder."""
    [found] = rule_sets(pipelines_folder().joinpath(*path))
    return found


def load(judge: Judge, *sets: RuleSet) -> None:
    judge.load(
        [rule.text for each in sets for rule in each.rules],
        [pipeline.text for each in sets for pipeline in each.pipelines],
    )


def after_rules(judge: Judge, document: bytes) -> Verdict:
    """The one message that comes out, without a processing error."""
    [verdict] = judge.run(document).messages
    assert verdict.errors == ()
    return verdict


def stored(verdict: Verdict) -> dict[str, Any]:
    """Its fields without those that Graylog sets itself."""
    return {name: value for name, value in verdict.fields.items() if not name.startswith(OWN)}
