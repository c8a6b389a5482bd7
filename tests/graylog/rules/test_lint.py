"""What can go wrong without a word in Graylog is said before, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.graylog.files import pipelines_folder
from bridge.graylog.rules import check, rule_sets
from tests.graylog.rules.writing import PIPELINE, complaints, rule

HEADER = '// gelf-bridge rules 1; Graylog 6.0 or newer; pipeline "example", stage 1\n'


def of_rule(folder: Path, text: str) -> list[str]:
    return complaints(folder, shout__rule=text, example__pipeline=PIPELINE)


def of_body(folder: Path, body: str) -> list[str]:
    return of_rule(folder, rule(body, header=HEADER))


def test_the_rules_that_come_with_the_bridge_are_well() -> None:
    assert check(rule_sets(pipelines_folder())) == []


def test_a_good_set_has_no_problem(tmp_path: Path) -> None:
    assert of_rule(tmp_path, rule(header=HEADER)) == []


def test_text_after_end_is_found(tmp_path: Path) -> None:
    assert of_rule(tmp_path, rule() + "more") == [
        "shout.rule:7:1: text after `end`, which Graylog ignores without a word"
    ]


def test_a_second_rule_is_found(tmp_path: Path) -> None:
    [complaint] = of_rule(tmp_path, rule() + rule(name="whisper"))
    assert complaint.startswith("shout.rule:7:1: a second rule after `end`")


def test_a_rule_that_no_pipeline_names_is_found(tmp_path: Path) -> None:
    found = complaints(
        tmp_path, shout__rule=rule(), other__rule=rule(name="other"), example__pipeline=PIPELINE
    )
    assert found == ['other.rule: no pipeline names the rule "other"']


def test_a_pipeline_that_names_a_missing_rule_is_found(tmp_path: Path) -> None:
    found = complaints(tmp_path, shouts__rule=rule(name="shouts"), example__pipeline=PIPELINE)
    assert 'example.pipeline:3:8: there is no rule "shout" (is it shouts?)' in found


def test_rules_need_no_pipeline(tmp_path: Path) -> None:
    assert complaints(tmp_path, shout__rule=rule()) == []


def test_a_name_that_differs_from_the_file_name_is_found(tmp_path: Path) -> None:
    found = complaints(tmp_path, other__rule=rule(), example__pipeline=PIPELINE)
    assert found == ['other.rule: holds "shout", so it has to be called that']


def test_blanks_of_a_name_may_be_dashes_in_the_file_name(tmp_path: Path) -> None:
    assert complaints(tmp_path, **{"my-own_rule__rule": rule(name="my own rule")}) == []


def test_two_rules_of_one_name_are_found(tmp_path: Path) -> None:
    found = complaints(tmp_path, **{"a-b__rule": rule(name="a b"), "a_b__rule": rule(name="a b")})
    assert found == [f'a{each}b.rule: there are 2 rules "a b"' for each in "-_"]


def test_another_place_than_the_first_line_says_is_found(tmp_path: Path) -> None:
    assert of_rule(tmp_path, rule(header=HEADER.replace("stage 1", "stage 2"))) == [
        'shout.rule: its first line says another place than pipeline "example", stage 1'
    ]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("set_feld(1, 2);", "there is no function set_feld (is it set_field?)"),
        (
            'set_field(field: "a", valu: 1);',
            "set_field has no argument valu (is it value?), and Graylog may ignore it without a "
            "word",
        ),
        ('set_field("a");', "set_field needs its argument value"),
        ("now(1, 2, 3);", "now takes at most 1 argument(s)"),
        ('set_field("a", value: 1);', "set_field: either all arguments have names or none"),
        (
            "let a = to_list($message.x);",
            "to_list came with Graylog 7.0, and the first line promises 6.0 or newer",
        ),
        (
            "let a = to_long(value: 1, defaultToNull: true);",
            "the argument defaultToNull of to_long came with Graylog 6.3, and the first line "
            "promises 6.0 or newer",
        ),
        (
            "let a = to_long(1, 2, true);",
            "the argument defaultToNull of to_long came with Graylog 6.3, and the first line "
            "promises 6.0 or newer",
        ),
        ("let a = [1, 2);", "`)` closes nothing that is open here"),
        ("let a = f(1;", "`(` is never closed"),
        ("let a = 1; # why", "`#` begins no comment here, `//` does"),
    ],
)
def test_what_a_body_can_have_wrong_is_told(tmp_path: Path, body: str, complaint: str) -> None:
    assert any(found.endswith(f": {complaint}") for found in of_body(tmp_path, body))


def test_ages_do_not_count_where_nothing_is_promised(tmp_path: Path) -> None:
    assert of_rule(tmp_path, rule("let a = to_list($message.x);")) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", 'has to begin with rule "…"'),
        ('pipeline "a" end', 'has to begin with rule "…"'),
        ("rule shout when true end", "has to stand in double quotes"),
        ('rule "shout" when true then', "`end` is missing"),
    ],
)
def test_what_is_no_rule_is_told(tmp_path: Path, text: str, complaint: str) -> None:
    found = complaints(tmp_path, shout__rule=text)
    assert any(complaint in each for each in found)
