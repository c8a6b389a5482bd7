"""The rule of the Graylog and Cylance document works on what the bridge sends, word for word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge import gelf
from bridge.graylog.judge import Judge
from tests.graylog.samples import DATA, Sample, after_rules, cylance, rule_set, stored

RULE = (DATA / "document" / "normalize_cylance.rule").read_text()
SAMPLES = {sample.name: sample for sample in cylance()}


def pipeline(rule: str, stage: int, name: str) -> str:
    return f'pipeline "{name}"\nstage {stage} match pass\nrule "{rule}"\nend'


def raw(sample: Sample) -> bytes:
    """As an input with `message: raw` sends it."""
    return gelf.encode(sample.event | {"message": sample.event["full_message"]})


def fields_of(judge: Judge, document: bytes) -> dict[str, Any]:
    return stored(after_rules(judge, document))


def test_it_makes_of_a_raw_threat_what_the_document_says(judge: Judge) -> None:
    judge.load([RULE], [pipeline("normalize_cylance", 0, "own")])
    fields = fields_of(judge, raw(SAMPLES["threat"]))
    item = json.loads((DATA / "cylance" / "threat.in").read_text())
    assert fields["md5"] == item["md5"]
    assert fields["sha256"] == item["sha256"]
    assert fields["file_name"] == item["name"]
    for key, value in item.items():
        if value is not None and key not in ("md5", "sha256", "name"):
            assert fields[f"cylance_{key}"] == value, key


def test_it_makes_of_a_raw_detection_what_the_document_says(judge: Judge) -> None:
    judge.load([RULE], [pipeline("normalize_cylance", 0, "own")])
    fields = fields_of(judge, raw(SAMPLES["detection"]))
    item = json.loads((DATA / "cylance" / "detection.in").read_text())
    for key, value in item.items():
        assert fields[f"cylance_{key}"] == value, key


@pytest.mark.parametrize("stage", [0, 1, 9, 10])
@pytest.mark.parametrize("sample", ["threat", "detection"])
def test_ours_ends_in_the_same_fields_beside_it(judge: Judge, sample: str, stage: int) -> None:
    """In one Graylog two rules cannot have one name, so theirs has another here.

    On an event of the bridge theirs only renames; whether before or after ours does not matter.
    """
    ours = rule_set("cylance", "ecs")
    theirs = RULE.replace("normalize_cylance", "their_rule")
    sources = [rule.text for rule in ours.rules]
    own = [each.text for each in ours.pipelines]
    document = SAMPLES[sample].document
    judge.load(sources, own)
    expected = fields_of(judge, document)
    judge.load([*sources, theirs], [*own, pipeline("their_rule", stage, "a their pipeline")])
    assert fields_of(judge, document) == expected
