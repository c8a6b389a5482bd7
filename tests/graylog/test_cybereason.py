"""Cybereason's events end in the fields that the vendor's document shows, in both dialects."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.graylog.judge import Judge, Verdict
from bridge.graylog.rules import RuleSet
from tests.graylog.samples import (
    DATA,
    NOW,
    Sample,
    after_rules,
    cybereason,
    documented,
    load,
    of_cef,
    rule_set,
    stored,
)
from tests.graylog.way import delivered

DOCUMENTED = list(documented())
PLATFORM = sorted((DATA / "cybereason-platform").glob("*.in"))
JAVA_TYPES = {
    "keyword": {"String", "List"},
    "wildcard": {"String"},
    "text": {"String"},
    "ip": {"String", "List"},
    "date": {"String", "DateTime"},
    "long": {"Long"},
    "float": {"Double"},
    "boolean": {"Boolean"},
}
OTHER_NAMES = {"@timestamp": "timestamp", "event.type": "ecs_event_type"}
NOT_OF_THE_DOCUMENT = {
    "malop_connection_added": set[str](),
    "malop_created": {"cef_device_custom_number3_label"},
    "malop_machine_added": {"cef_destination_dns_domain"},
    "malop_process_added": {"cef_reason"},
    "malop_user_added": {"cef_destination_user_privileges"},
}
"""What of each record the document says nothing of: it stays under its own name."""


@pytest.fixture(scope="module")
def rules(judge: Judge) -> RuleSet:
    found = rule_set("cybereason", "ecs")
    load(judge, found)
    return found


def equal(expected: Any, verdict: Verdict, name: str) -> bool:
    """A time of the document has six decimals, one of Graylog three."""
    found = verdict.fields.get(name)
    if verdict.types.get(name) == "DateTime":
        return datetime.fromisoformat(found) == datetime.fromisoformat(expected)
    return bool(found == expected)


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize(
    ("sample", "shown"), DOCUMENTED, ids=lambda each: getattr(each, "name", "")
)
def test_an_event_of_the_document_has_all_its_fields(
    sample: Sample, shown: dict[str, Any], judge: Judge
) -> None:
    """Value for value; what else there is belongs to the bridge or is not in the document."""
    verdict = after_rules(judge, sample.document)
    assert {
        name: verdict.fields.get(name) for name in shown if not equal(shown[name], verdict, name)
    } == {}
    more = {
        name for name in stored(verdict).keys() - shown.keys() if not name.startswith("bridge_")
    }
    own = {"event_type", "event_source_product", "event_uid"}
    own |= {"source", "message", "level", "timestamp"}
    assert more - own == NOT_OF_THE_DOCUMENT[sample.name]


def test_the_same_holds_on_the_whole_way(rules: RuleSet, judge: Judge) -> None:
    """Socket, spool, delivery, Graylog's own TCP input, decoder and rules."""
    lines = [sample.original for sample, _ in DOCUMENTED]
    for document, (_, shown) in zip(asyncio.run(delivered(lines, judge)), DOCUMENTED, strict=True):
        verdict = after_rules(judge, document)
        assert all(equal(value, verdict, name) for name, value in shown.items())


@pytest.mark.usefixtures("rules")
def test_all_fields_of_the_document_exist_with_their_types(judge: Judge) -> None:
    """39 fields; two of them are in none of its samples."""
    lines = (DATA / "oracle" / "fields.txt").read_text().splitlines()
    wanted = dict(line.split() for line in lines)
    assert len(wanted) == 39
    types: dict[str, set[str]] = {}
    for sample in cybereason():
        verdict = after_rules(judge, sample.document)
        for name in stored(verdict):
            types.setdefault(name, set()).add(verdict.types[name])
    for name, kind in wanted.items():
        assert types[OTHER_NAMES.get(name, name.replace(".", "_"))] <= JAVA_TYPES[kind], name


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize("path", PLATFORM, ids=lambda path: path.stem)
def test_a_sample_ends_in_exactly_these_fields(
    path: Path, judge: Judge, generated: Callable[[Path, str], None]
) -> None:
    sample = of_cef(path.stem, path.read_text().rstrip("\n"))
    fields = stored(after_rules(judge, sample.document))
    text = json.dumps(fields, indent=2, sort_keys=True, ensure_ascii=False)
    generated(path.with_suffix(".json"), f"{text}\n")


MAPPED = [path.with_suffix(".json") for path in PLATFORM]


@pytest.mark.parametrize("path", MAPPED, ids=lambda path: path.stem)
def test_both_dialects_end_in_the_same_names(path: Path) -> None:
    """After the rules no name of the one dialect's own is left for what both have."""
    fields = json.loads(path.read_text())
    assert fields["observer_vendor"] == "Cybereason"
    assert fields["event_kind"] in ("alert", "event")
    assert fields["ecs_event_type"] == "info"
    assert "event_action" in fields
    assert "event_code" in fields
    vendor = {"incident_link", "os_version", "machine_name", "machine_ip", "username"}
    assert not {f"cybereason_{name}" for name in vendor} & fields.keys()


def fields_of(judge: Judge, **extensions: str) -> dict[str, Any]:
    pairs = " ".join(f"{key}={value}" for key, value in extensions.items())
    line = f"CEF:0|Cybereason|Cybereason|1.0|3|Malop Machine Added|5|{pairs}"
    return stored(after_rules(judge, of_cef("", line).document))


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize("address", ["fe80::1%eth0", "pc-1", "192.0.2.7/24", "None", "192.0.2"])
def test_what_is_no_address_stays_where_it_is(address: str, judge: Judge) -> None:
    """An index would refuse the whole message for it."""
    fields = fields_of(judge, dst=address, dvc=address)
    assert "destination_ip" not in fields
    assert "host_ip" not in fields
    assert fields["cef_destination_address"] == address
    assert fields["cef_device_address"] == address


@pytest.mark.usefixtures("rules")
def test_of_two_sources_for_one_field_none_is_lost(judge: Judge) -> None:
    fields = fields_of(judge, dhost="PC-1", dvchost="relay", duser="ann", suser="bob")
    assert fields["host_hostname"] == "pc-1"
    assert fields["cef_device_host_name"] == "relay"
    assert fields["user_name"] == "ann"
    assert fields["cef_source_user_name"] == "bob"
    assert "cef_destination_host_name" not in fields


def test_whoever_leaves_tidy_out_has_both(rules: RuleSet, judge: Judge) -> None:
    rest = [rule for rule in rules.rules if rule.name != "tidy_cybereason"]
    judge.load([rule.text for rule in rest], [each.text for each in rules.pipelines])
    sample = DOCUMENTED[0][0]
    fields = stored(after_rules(judge, sample.document))
    sent = {name for name in sample.event if name.startswith(("cef_", "cybereason_"))}
    assert sent <= fields.keys()
    assert fields["event_action"] == fields["cef_name"]
    load(judge, rules)


@pytest.mark.usefixtures("rules")
def test_events_of_other_vendors_are_left_alone(judge: Judge) -> None:
    line = "CEF:0|Example|Cybereason|1.0|1|Malop Created|5|dst=192.0.2.7 duser=Ann"
    event = of_cef("", line)
    fields = stored(after_rules(judge, event.document))
    assert fields["cef_destination_user_name"] == "Ann"
    assert "observer_vendor" not in fields


@pytest.mark.usefixtures("rules")
def test_the_vendor_counts_in_any_case(judge: Judge) -> None:
    line = "CEF:0|CYBEREASON|Cybereason|1.0|6|Malop User Added|5|duser=Ann"
    assert stored(after_rules(judge, of_cef("", line).document))["user_name"] == "ann"


def test_the_samples_without_a_year_are_of_this_time() -> None:
    assert datetime.fromtimestamp(NOW).year == 2025
