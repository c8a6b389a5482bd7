"""The rules that come with the bridge are well, and their own tests pass."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.graylog.files import pipelines_folder
from bridge.graylog.judge import Judge
from bridge.graylog.rules import Rule, RuleSet, rule_sets
from bridge.graylog.rules.testing import run
from tests.graylog.samples import rule_set

SETS = rule_sets(pipelines_folder())
RULES = [rule for each in SETS for rule in each.rules]
OUR_STAGES = range(10)


def name_of(rule_set: RuleSet) -> str:
    return str(rule_set.folder.relative_to(pipelines_folder()))


@pytest.mark.parametrize("rule_set", SETS, ids=name_of)
def test_the_tests_of_a_set_pass(rule_set: RuleSet, judge: Judge) -> None:
    results = list(run(rule_set, judge))
    assert results, "a set without tests"
    assert [result for result in results if result.failures] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.path.parent.name}-{rule.name}")
def test_a_rule_says_where_it_belongs_and_parses(rule: Rule, judge: Judge) -> None:
    assert rule.header is not None
    assert rule.header.stage in OUR_STAGES
    assert rule.header.oldest == (6, 0)
    parsed = judge.parse_rule(rule.text)
    assert parsed.errors == ()
    assert parsed.names == (rule.name,)


@pytest.mark.parametrize("rule_set", SETS, ids=name_of)
def test_a_set_is_small_and_its_pipelines_parse(rule_set: RuleSet, judge: Judge) -> None:
    assert len(rule_set.rules) <= 3
    for pipeline in rule_set.pipelines:
        assert judge.parse_pipeline(pipeline.text).errors == ()
        assert "match either" not in pipeline.text, "would end where nothing matches"


def test_the_example_of_the_page_passes(tmp_path: Path, judge: Judge) -> None:
    """pipelines/README.md shows a test file; it is one."""
    page = (pipelines_folder() / "README.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    path = tmp_path / "example.test.yaml"
    path.write_text(example)
    results = list(run(replace(rule_set("cybereason", "ecs"), tests=(path,)), judge))
    assert results
    assert [result for result in results if result.failures] == []
