"""An event that comes late is seen by alerts all the same."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge import gelf
from bridge.graylog.judge import Judge, Verdict
from tests.graylog.samples import after_rules, load, rule_set


@pytest.fixture(scope="module", autouse=True)
def rules(judge: Judge) -> None:
    load(judge, rule_set("common"))


def arrived(judge: Judge, age: timedelta, **fields: Any) -> Verdict:
    """An event of that age, now."""
    event = {
        "event_type": "cylance",
        "message": "m",
        "host": "h",
        "timestamp": time.time() - age.total_seconds(),
        "bridge_input": "protect",
    }
    return after_rules(judge, gelf.encode(event | fields))


def moment(verdict: Verdict, name: str) -> datetime:
    return datetime.fromisoformat(verdict.fields[name])


def test_a_late_event_gets_the_time_of_its_arrival(judge: Judge) -> None:
    verdict = arrived(judge, timedelta(days=2))
    assert verdict.fields["event_late"] is True
    assert datetime.now(UTC) - moment(verdict, "timestamp") < timedelta(seconds=20)
    age = moment(verdict, "timestamp") - moment(verdict, "event_start")
    assert abs(age - timedelta(days=2)) < timedelta(seconds=20)


@pytest.mark.parametrize("minutes", [0, 14])
def test_an_event_in_time_is_left_alone(judge: Judge, minutes: int) -> None:
    verdict = arrived(judge, timedelta(minutes=minutes))
    assert "event_late" not in verdict.fields
    assert "event_start" not in verdict.fields


def test_what_a_backfill_fetched_is_left_alone(judge: Judge) -> None:
    verdict = arrived(judge, timedelta(days=2), bridge_backfill="true")
    assert "event_late" not in verdict.fields


def test_events_of_other_senders_are_left_alone(judge: Judge) -> None:
    verdict = arrived(judge, timedelta(days=2), bridge_input=None)
    assert "event_late" not in verdict.fields


def test_in_two_pipelines_it_works_once(judge: Judge) -> None:
    ours = rule_set("common")
    [pipeline] = ours.pipelines
    twice = pipeline.text.replace("gelf-bridge late", "again")
    judge.load([rule.text for rule in ours.rules], [pipeline.text, twice])
    verdict = arrived(judge, timedelta(days=2))
    load(judge, ours)
    assert moment(verdict, "timestamp") - moment(verdict, "event_start") > timedelta(days=1)
