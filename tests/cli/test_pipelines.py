"""The commands for Graylog's rules, run as a user runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bridge.graylog.judge import Judge
from tests.graylog.rules.writing import PIPELINE, rule, written


def run(*arguments: str) -> tuple[int, str]:
    command = (sys.executable, "-m", "bridge", "pipelines", *arguments)
    done = subprocess.run(command, capture_output=True, text=True, timeout=50)
    return done.returncode, done.stdout + done.stderr


def test_list_shows_each_rule_and_its_place() -> None:
    code, output = run("list")
    assert code == 0
    assert '  normalize_cybereason: pipeline "gelf-bridge cybereason", stage 1\n' in output


def test_show_prints_what_goes_into_the_source_editor() -> None:
    code, output = run("show", "normalize_cylance")
    assert code == 0
    assert output.startswith("// gelf-bridge rules ")
    assert 'rule "normalize_cylance"' in output
    assert run("show", "gelf-bridge cylance")[1].startswith('pipeline "gelf-bridge cylance"')


def test_show_knows_what_there_is() -> None:
    code, output = run("show", "nosuch")
    assert code == 1
    assert "there is no rule or pipeline nosuch in ecs; there are: " in output
    assert "tidy_cylance" in output


def test_check_says_that_all_is_well() -> None:
    code, output = run("check")
    assert code == 0
    assert output.endswith(": all is well\n")


def test_check_says_what_is_wrong_in_a_folder(tmp_path: Path) -> None:
    written(tmp_path, shout__rule=rule("nosuch();"), example__pipeline=PIPELINE)
    code, output = run("check", str(tmp_path))
    assert code == 1
    assert f"{tmp_path}/shout.rule:5:3: there is no function nosuch\n" in output
    assert output.endswith("1 rules, 1 pipelines: 1 problem\n")


def test_check_wants_a_token_for_a_server() -> None:
    code, output = run("check", "--graylog", "https://graylog.example.org")
    assert code == 1
    assert "GRAYLOG_TOKEN" in output


def test_test_runs_the_files_of_a_folder(tmp_path: Path, judge: Judge) -> None:
    """The fixture says that a judge can run here; the command starts its own."""
    cases = """
tests:
  - {name: good, input: {word: a}, expect: {loud: 'yes'}}
  - {name: bad, input: {}, expect: {loud: 'yes'}}
"""
    written(tmp_path, shout__rule=rule(), example__pipeline=PIPELINE, any__test__yaml=cases)
    code, output = run("test", "--graylog-version", judge.version, str(tmp_path))
    assert code == 1
    assert output == (
        f"{tmp_path}/any.test.yaml: bad\n"
        "  loud: is missing, expected 'yes'\n"
        f"2 tests on Graylog {judge.version}, 1 failed\n"
    )


def test_a_folder_without_any_of_it_is_named(tmp_path: Path) -> None:
    code, output = run("list", str(tmp_path))
    assert code == 1
    assert f"no rules, pipelines or tests in {tmp_path}" in output
