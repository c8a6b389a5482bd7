"""The samples of the demo are what the real engine makes of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import bridge.testing
from bridge import cef, gelf
from bridge.graylog.judge import Judge
from bridge.inputs.cef.normalize import normalize
from bridge.testing import samples
from tests.graylog.samples import (
    Sample,
    after_rules,
    cylance,
    documented,
    load,
    rule_set,
    settled,
    stored,
)

FOLDER = Path(bridge.testing.__file__).parent / "samples"
ORIGINALS = {
    "cybereason": [sample for sample, _ in documented()],
    "cylance": [sample for sample in cylance() if sample.name in ("threat", "detection")],
}


@pytest.mark.parametrize(
    ("source", "schema", "name"),
    [
        ("cybereason", "ecs", "cybereason.json"),
        ("cybereason", "gim", "cybereason_gim.json"),
        ("cylance", "ecs", "cylance.json"),
    ],
)
def test_a_file_holds_what_the_judge_says(
    source: str, schema: str, name: str, judge: Judge, generated: Callable[[Path, str], None]
) -> None:
    load(judge, rule_set(source, schema))
    found = [result(judge, sample) for sample in ORIGINALS[source]]
    text = json.dumps(found, indent=2, ensure_ascii=False, sort_keys=True)
    generated(FOLDER / name, f"{text}\n")


def result(judge: Judge, sample: Sample) -> dict[str, object]:
    return {
        "original": sample.original,
        "sent": stored(judge.decode(sample.document)),
        "stored": stored(after_rules(judge, sample.document)),
    }


def test_what_is_received_now_is_told_as_the_rules_would_leave_it(judge: Judge) -> None:
    """Moved times, other ids and constant fields come out where the real rules put them."""
    load(judge, rule_set("cybereason", "ecs"))
    for sample in samples.cybereason(now=time.time()):
        event = normalize(cef.parse(sample.original), sample.original, now=time.time())
        event |= {"bridge_input": "malops", "bridge_demo": "true", "event_uid": "x-1"}
        event |= {"bridge_received_at": "2026-01-01T00:00:00.000000Z"}
        event |= {"bridge_sender": "127.0.0.1", "host": "127.0.0.1"}
        document = gelf.encode(settled(event))
        assert sample.held(gelf.decode(document).fields) == stored(after_rules(judge, document))


def test_moved_samples_carry_the_new_time() -> None:
    now = time.time()
    for before, after in zip(samples.cybereason(), samples.cybereason(now), strict=True):
        assert (f"rt={round(now * 1000)}" in after.original) == ("rt=" in before.original)
