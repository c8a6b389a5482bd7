"""The types of fields, as the index gets them and as the README tells them."""

from __future__ import annotations

import re

import pytest

from bridge.graylog.files import pipelines_folder
from bridge.graylog.judge import Judge
from bridge.graylog.schema import ECS, SCHEMAS, TYPES, Schema
from tests.graylog.samples import Sample, after_rules, cybereason, cylance, load, rule_set, stored
from tests.graylog.test_gim import JAVA_TYPES

SAMPLES = [*cybereason(), *cylance()]
TOLD = {
    "IP": "ip",
    "Number (`long`)": "long",
    "Number (`double`)": "double",
    "Date": "date",
    "Boolean": "boolean",
    "String (full-text searchable)": "string_fts",
}
RESERVED = {"message", "source", "timestamp", "streams"}
"""What no profile may name (CustomFieldMappings)."""


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_types_are_those_that_profiles_know(schema: Schema) -> None:
    assert set(schema.types.values()) <= set(TYPES)
    assert not RESERVED & schema.types.keys()
    for name in (schema.names.action, *schema.names.hash, schema.names.severity):
        assert name in schema.types


@pytest.fixture(scope="module")
def judge_with_rules(judge: Judge) -> Judge:
    load(judge, rule_set("cybereason", "ecs"), rule_set("cylance", "ecs"))
    return judge


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_each_field_has_the_type_that_the_index_gives_it(
    sample: Sample, judge_with_rules: Judge
) -> None:
    """Lists are for addresses and for the text fields that hold several."""
    verdict = after_rules(judge_with_rules, sample.document)
    for name in stored(verdict).keys() & ECS.types.keys():
        kind = ECS.types[name]
        lists = {"List"} if kind in ("ip", "string") else set()
        assert verdict.types[name] in JAVA_TYPES[kind] | lists, name


def test_the_readme_tells_the_same_types() -> None:
    text = (pipelines_folder() / "README.md").read_text()
    for told, kind in TOLD.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| {told} |"))
        for name in re.findall(r"`(\w+)`", row.split("|")[2]):
            assert ECS.types[name] == kind, name
