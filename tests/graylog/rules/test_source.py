"""Rule and pipeline files are read as far as it takes to know what belongs together."""

from __future__ import annotations

from pathlib import Path

from bridge.graylog.rules import rule_sets
from bridge.graylog.rules.source import Call, Header, Rule, read_pipeline, read_rule
from tests.graylog.rules.writing import PIPELINE, rule

HEADER = '// gelf-bridge rules 3; Graylog 6.1 or newer; pipeline "my own", stage 4\n'


def read(folder: Path, text: str) -> Rule:
    path = folder / "shout.rule"
    path.write_text(text)
    return read_rule(path)


def described(call: Call) -> tuple[str, list[str | None]]:
    names = [argument.name.value if argument.name else None for argument in call.arguments]
    return call.function.value, names


def test_a_rule_has_its_name_and_what_its_first_line_promises(tmp_path: Path) -> None:
    found = read(tmp_path, rule(header=HEADER))
    assert found.name == "shout"
    assert found.header == Header(3, (6, 1), "my own", 4)
    assert found.problems == ()


def test_a_rule_needs_no_first_line(tmp_path: Path) -> None:
    assert read(tmp_path, rule()).header is None


def test_calls_are_found_with_their_arguments(tmp_path: Path) -> None:
    body = 'let m = {a: 1, b: [f(), 2]}; set_field(field: "x", value: g(1, "a,b", {c: 2})["k"]);'
    calls = read(tmp_path, rule(body)).calls
    assert list(map(described, calls)) == [
        ("has_field", [None]),
        ("f", []),
        ("set_field", ["field", "value"]),
        ("g", [None, None, None]),
    ]


def test_a_pipeline_has_stages_with_rules(tmp_path: Path) -> None:
    path = tmp_path / "example.pipeline"
    path.write_text(
        'pipeline "example" stage 1 match pass rule "a"; rule "b" stage -1 match all\nend'
    )
    found = read_pipeline(path)
    assert found.name == "example"
    assert [token.value for token in found.stages[0].rules] == ["a", "b"]


def test_each_folder_is_a_set(tmp_path: Path) -> None:
    for folder in ("b", "a/deep"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "shout.rule").write_text(rule())
    (tmp_path / "b" / "example.pipeline").write_text(PIPELINE)
    (tmp_path / "b" / "any.test.yaml").write_text("tests: []")
    (tmp_path / "README.md").write_text("not of a set")
    first, second = rule_sets(tmp_path)
    assert first.folder == tmp_path / "a" / "deep"
    assert [rule.name for rule in second.rules] == ["shout"]
    assert [pipeline.name for pipeline in second.pipelines] == ["example"]
    assert [path.name for path in second.tests] == ["any.test.yaml"]
