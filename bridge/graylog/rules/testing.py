"""Tests of rules as files, run on the judge.

A file `*.test.yaml` beside the rules and pipelines that it tests::

    tests:
      - name: what this shows
        input: {message: "…", source: "…", vendor: Example}
        expect: {observer_vendor: Example, vendor: null}

`input` are the fields of a message before the pipelines; `message`, `source` and `timestamp` may
be left out. Each field of `expect` must come out with just that value and type (`1`, `1.0` and
`"1"` are three different things, a time is written as ISO 8601 text), and null says that it must
not be there. `dropped: true` instead of `expect` says that the rules drop the message. A processing
error always fails. `lookups` (table → key → value) beside `tests` gives rules their look-up tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from bridge.errors import BridgeError
from bridge.graylog.judge import Judge, Verdict
from bridge.graylog.rules.source import RuleSet

_ALWAYS: Final = {"message": "message", "source": "source"}
_NOTHING: Final = object()


class TestFileError(BridgeError):
    """A test file cannot be used; says where and why."""

    __test__ = False


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Case(_Strict):
    """One message, and what the rules make of it."""

    name: str
    input: dict[str, Any]
    expect: dict[str, Any] = {}
    dropped: bool = False


class TestFile(_Strict):
    """What stands in a file."""

    __test__ = False

    tests: list[Case]
    lookups: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Result:
    """How one case went; it passed when nothing failed."""

    file: Path
    case: str
    failures: tuple[str, ...]


class _Texts(yaml.SafeLoader):
    """YAML in which a time is the text that it looks like."""


_Texts.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path) -> TestFile:
    """A test file; raises TestFileError."""
    try:
        # A SafeLoader with fewer types than SafeLoader itself.
        content = yaml.load(path.read_text(encoding="utf-8"), _Texts)  # noqa: S506
        return TestFile.model_validate(content)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TestFileError(f"{path}: not readable as YAML: {error}") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}"
            for fault in error.errors()
        )
        raise TestFileError(f"{path}: {faults}") from error


def run(rule_set: RuleSet, judge: Judge) -> Iterator[Result]:
    """Run the test files of a set on its rules; raises JudgeError where a rule does not parse."""
    sources = [rule.text for rule in rule_set.rules]
    pipelines = [pipeline.text for pipeline in rule_set.pipelines] or [_all_in_one(rule_set)]
    for path in rule_set.tests:
        file = read(path)
        judge.load(sources, pipelines, lookups=file.lookups)
        for case in file.tests:
            yield Result(path, case.name, tuple(_failures(case, judge)))


def _all_in_one(rule_set: RuleSet) -> str:
    """Stands in where a folder has no pipeline: all rules in one stage."""
    rules = "\n".join(f'rule "{rule.name}"' for rule in rule_set.rules)
    return f'pipeline "all rules of this folder"\nstage 0 match either\n{rules}\nend'


def _failures(case: Case, judge: Judge) -> Iterator[str]:
    outcome = judge.run(_ALWAYS | case.input)
    if case.dropped or not outcome.messages:
        if bool(outcome.messages) == case.dropped:
            yield "the message was not dropped" if case.dropped else "the message was dropped"
        return
    verdict = outcome.messages[0]
    yield from (f"processing error: {error}" for error in verdict.errors)
    for name, expected in case.expect.items():
        if complaint := _difference(name, expected, verdict):
            yield complaint


def _difference(name: str, expected: Any, verdict: Verdict) -> str | None:
    found = verdict.fields.get(name, _NOTHING)
    if found is _NOTHING:
        return None if expected is None else f"{name}: is missing, expected {expected!r}"
    if same(expected, found, verdict.types[name]):
        return None
    wanted = "nothing" if expected is None else repr(expected)
    return f"{name}: is {found!r} ({verdict.types[name]}), expected {wanted}"


def same(expected: Any, found: Any, java_type: str) -> bool:
    """Equal in value and in type; times are compared as moments."""
    if java_type == "DateTime" and isinstance(expected, str):
        try:
            return datetime.fromisoformat(expected) == datetime.fromisoformat(found)
        except (ValueError, TypeError):  # no time, or one without a zone
            return False
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(_alike, expected, found))
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        return expected.keys() == found.keys() and all(
            _alike(value, found[key]) for key, value in expected.items()
        )
    return type(expected) is type(found) and bool(expected == found)


def _alike(expected: Any, found: Any) -> bool:
    return same(expected, found, "")
