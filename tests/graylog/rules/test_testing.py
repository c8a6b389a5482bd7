"""Rules are tested by files that an operator writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.graylog.judge import Judge, JudgeError
from bridge.graylog.rules.testing import TestFileError, read, run, same
from tests.graylog.rules.writing import PIPELINE, rule, written


def results(folder: Path, judge: Judge, cases: str, body: str, **files: str) -> list[list[str]]:
    """What failed, case by case."""
    files = {"shout__rule": rule(body), "example__pipeline": PIPELINE} | files
    rule_set = written(folder, any__test__yaml=cases, **files)
    return [list(result.failures) for result in run(rule_set, judge)]


CASES = """
tests:
  - name: a word is shouted
    input: {word: hey}
    expect: {loud: HEY, word: hey, other: null}
  - name: this one is wrong
    input: {word: hey}
    expect: {loud: hey, missing: 1, word: null}
"""


def test_each_case_passes_or_says_what_differs(tmp_path: Path, judge: Judge) -> None:
    body = 'set_field("loud", uppercase(to_string($message.word)));'
    good, bad = results(tmp_path, judge, CASES, body)
    assert good == []
    assert bad == [
        "loud: is 'HEY' (String), expected 'hey'",
        "missing: is missing, expected 1",
        "word: is 'hey' (String), expected nothing",
    ]


TYPES = """
tests:
  - name: types
    input: {word: a, long: 1, double: 1.0, truth: true, list: [a, 1], when: 2026-01-02T03:04:05Z}
    expect: {long: 1, double: 1.0, truth: true, list: [a, 1], when: 2026-01-02T03:04:05Z}
  - name: other types
    input: {word: a, long: 1, double: 1.0, truth: true}
    expect: {long: 1.0, double: 1, truth: "true"}
"""


def test_a_value_has_to_have_its_type(tmp_path: Path, judge: Judge) -> None:
    same, different = results(tmp_path, judge, TYPES, "let a = 1;")
    assert same == []
    assert different == [
        "long: is 1 (Long), expected 1.0",
        "double: is 1.0 (Double), expected 1",
        "truth: is True (Boolean), expected 'true'",
    ]


def test_times_are_compared_as_moments() -> None:
    assert same("2026-01-02T03:04:05Z", "2026-01-02T04:04:05.000+01:00", "DateTime")
    assert not same("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.001Z", "DateTime")
    assert not same("never", "2026-01-02T03:04:05.001Z", "DateTime")
    assert not same("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z", "String")


DROPPED = """
tests:
  - {name: dropped, input: {word: a}, dropped: true}
  - {name: kept, input: {}, dropped: true}
  - {name: lost, input: {word: a}, expect: {word: a}}
"""


def test_a_message_may_be_expected_to_be_dropped(tmp_path: Path, judge: Judge) -> None:
    assert results(tmp_path, judge, DROPPED, "drop_message();") == [
        [],
        ["the message was not dropped"],
        ["the message was dropped"],
    ]


def test_a_processing_error_fails(tmp_path: Path, judge: Judge) -> None:
    cases = "tests: [{name: error, input: {word: a}}]"
    [[failure]] = results(tmp_path, judge, cases, 'set_field("x", parse_date("no", "yyyy"));')
    assert failure.startswith("processing error: ")


def test_look_up_tables_can_be_given(tmp_path: Path, judge: Judge) -> None:
    cases = """
lookups: {owners: {pc-1: Ann}}
tests: [{name: owner, input: {word: pc-1}, expect: {owner: Ann}}]
"""
    body = 'set_field("owner", lookup_value("owners", $message.word));'
    assert results(tmp_path, judge, cases, body) == [[]]


def test_rules_without_a_pipeline_run_in_one_stage(tmp_path: Path, judge: Judge) -> None:
    cases = "tests: [{name: it runs, input: {word: a}, expect: {loud: 'yes'}}]"
    rule_set = written(tmp_path, any__test__yaml=cases, shout__rule=rule())
    assert [result.failures for result in run(rule_set, judge)] == [()]


def test_a_rule_that_does_not_parse_is_an_error(tmp_path: Path, judge: Judge) -> None:
    with pytest.raises(JudgeError, match="nosuch"):
        results(tmp_path, judge, "tests: [{name: a, input: {}}]", "nosuch();")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("tests: [", "not readable as YAML"),
        ("tests: [{nam: a, input: {}}]", "tests.0.nam"),
        ("[]", "file"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "bad.test.yaml"
    path.write_text(text)
    with pytest.raises(TestFileError, match=reason):
        read(path)
