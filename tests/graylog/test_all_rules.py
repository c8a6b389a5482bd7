"""The rules together, on thousands of events: no error, and one name has one type for ever."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pytest

from bridge import gelf
from bridge.graylog.judge import Judge, Verdict
from tests.graylog.generated import events, wild
from tests.graylog.samples import load, rule_set, settled, stored

ADDRESSES = ("destination_ip", "destination_nat_ip", "host_ip")
LONGS = ("destination_port", "event_severity_level", "file_size")
DATES = ("process_start", "event_created", "event_start", "cybereason_malop_modified_at")
TERM_LIMIT = 32_766


def load_schema(judge: Judge, schema: str) -> None:
    """All rules of both sources in that schema, and those that belong to none."""
    load(judge, rule_set("cybereason", schema), rule_set("cylance", schema), rule_set("common"))


def check(judge: Judge, seed: int, count: int) -> None:
    kinds: dict[str, str] = {}
    learned: dict[str, str] = {}
    for sample in events(seed, count):
        [verdict] = judge.run(gelf.encode(settled(sample.event, learned))).messages
        assert verdict.errors == (), sample.original
        check_types(verdict, kinds, sample.original)
        check_values(stored(verdict), sample.original)


def check_types(verdict: Verdict, kinds: dict[str, str], original: str) -> None:
    """An index takes the type of the first value that it sees, and refuses others."""
    for name in stored(verdict):
        kind = verdict.types[name]
        kind = "String" if kind == "List" else kind
        assert kinds.setdefault(name, kind) == kind, (name, original)


def check_values(fields: dict[str, Any], original: str) -> None:
    for name, value in fields.items():
        for each in value if isinstance(value, list) else [value]:
            if name in ADDRESSES:
                assert "%" not in each, original
                ipaddress.ip_address(each)
            elif name in DATES:
                datetime.fromisoformat(each)
            elif name in LONGS:
                assert isinstance(each, int), (name, original)
            elif isinstance(each, str) and name not in ("message", "full_message"):
                assert len(each.encode()) <= TERM_LIMIT, (name, original)
    for name in ("host_hostname", "user_name", "file_hash_sha256", "file_hash_md5"):
        text = fields.get(name, "")
        assert text == text.lower(), original


def check_wild(judge: Judge, messages: Iterable[dict[str, Any]]) -> None:
    for fields in messages:
        for verdict in judge.run(fields).messages:
            assert verdict.errors == (), fields


@pytest.mark.parametrize(("schema", "count"), [("ecs", 1_000), ("gim", 200)])
def test_events_of_both_sources(judge: Judge, schema: str, count: int) -> None:
    load_schema(judge, schema)
    check(judge, seed=1, count=count)


@pytest.mark.parametrize(("schema", "count"), [("ecs", 200), ("gim", 100)])
def test_messages_that_no_bridge_has_sent(judge: Judge, schema: str, count: int) -> None:
    load_schema(judge, schema)
    check_wild(judge, wild(seed=1, count=count))
