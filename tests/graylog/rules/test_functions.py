"""The table of functions says what the real servers say."""

from __future__ import annotations

from bridge.graylog.judge import Judge
from bridge.graylog.rules.functions import functions, version


def test_versions_compare_as_numbers() -> None:
    assert version("6.10") > version("6.9.3+abc")


def test_the_table_is_what_the_judge_has(judge: Judge) -> None:
    """All of its functions with all parameters of that line, in order; none that is newer."""
    line = version(judge.version)
    table = functions()
    for name, parameters in judge.functions().items():
        known = [each for each in table[name].parameters if each.since <= line]
        assert [each.name + "?" * each.optional for each in known] == parameters, name
        assert table[name].since <= line, name


def test_what_the_judge_lacks_is_newer_or_of_a_plug_in(judge: Judge) -> None:
    line = version(judge.version)
    missing = {name for name, each in functions().items() if each.since <= line}
    missing -= judge.functions().keys()
    assert all("lookup" in name or name == "in_private_net" for name in missing)
