"""The second rule set: every event of both sources in Graylog's own names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.graylog.files import pipelines_folder
from bridge.graylog.judge import Judge
from bridge.graylog.rules import RuleSet, check_set
from bridge.graylog.schema import GIM
from tests.graylog.samples import (
    DATA,
    Sample,
    after_rules,
    cybereason,
    cylance,
    documented,
    load,
    of_cef,
    of_cylance,
    rule_set,
    stored,
)

DOCUMENTED = {f"document_{sample.name}": sample for sample, _ in documented()}
FILES = {sample.name: sample for sample in (*cybereason()[len(DOCUMENTED) :], *cylance())}
SAMPLES = DOCUMENTED | FILES
JAVA_TYPES = {
    "ip": {"String"},
    "date": {"String", "DateTime"},
    "long": {"Long"},
    "double": {"Double"},
    "boolean": {"Boolean"},
    "string": {"String"},
    "string_fts": {"String"},
}
ECS_NAMES = ("event_kind", "event_action", "event_reason", "file_hash_", "host_os_", "rule_name")


@pytest.fixture(scope="module", autouse=True)
def rules(judge: Judge) -> list[RuleSet]:
    sets = [rule_set("cybereason", "gim"), rule_set("cylance", "gim")]
    load(judge, *sets)
    return sets


def test_the_rules_are_without_fault(rules: list[RuleSet]) -> None:
    assert [problem for each in rules for problem in check_set(each)] == []


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_each_field_has_the_type_that_the_index_gives_it(sample: Sample, judge: Judge) -> None:
    """What has no type there begins with the vendor's name, and is text or a kind of its own."""
    verdict = after_rules(judge, sample.document)
    fields = stored(verdict)
    assert fields["event_source_product"] in ("cybereason_edr", "cylance_protect")
    for name in fields.keys() & GIM.types.keys():
        assert verdict.types[name] in JAVA_TYPES[GIM.types[name]], name
    rest = fields.keys() - GIM.types.keys() - {"message", "source", "timestamp", "level"}
    own = ("bridge_", "syslog_", "cef_", "cybereason_", "cylance_", "full_message")
    assert {name for name in rest if not name.startswith(own)} == set()
    assert {name for name in fields if name.startswith(ECS_NAMES)} == set()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_ends_in_exactly_these_fields(
    name: str, judge: Judge, generated: Callable[[Path, str], None]
) -> None:
    fields = stored(after_rules(judge, SAMPLES[name].document))
    text = json.dumps(fields, indent=2, sort_keys=True, ensure_ascii=False)
    generated(DATA / "gim" / f"{name}.json", f"{text}\n")


def test_one_search_finds_a_hash_in_both_sources(judge: Judge) -> None:
    digest = "bf17366ee3bb8068a9ad70fc9e68496e7e311a055bf4ffeeff53cc5d29ccce52"
    line = f"CEF:0|Cybereason|Cybereason|1.0|9|Malware Created|8|fileHash={digest.upper()}"
    threat = of_cylance("threat", {"sha256": digest.upper(), "name": "a.exe"})
    for sample in (of_cef("", line), threat):
        assert stored(after_rules(judge, sample.document))["hash_sha256"] == digest


def test_files_of_json_are_read_by_the_same_rule_in_both_sets() -> None:
    """It makes the fields of the bridge, from which each schema goes on."""
    folder = pipelines_folder() / "cylance"
    files = [folder / schema / "read_cylance_json.rule" for schema in ("ecs", "gim")]
    assert files[0].read_text() == files[1].read_text()
