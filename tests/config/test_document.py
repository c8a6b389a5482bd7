"""YAML becomes plain values, each with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.config.document import Document, Place, dotted, parse
from bridge.config.references import Resolver
from bridge.errors import ConfigError


def read(text: str, **environ: str) -> Document:
    return parse(text, "bridge.yaml", Resolver(environ, Path()))


def value(text: str) -> Any:
    document = read(text)
    assert not document.problems
    return document.value


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("7", 7),
        ("-7", -7),
        ("0", 0),
        ("1_000_000", 1_000_000),
        ("1.5", 1.5),
        (".5", 0.5),
        ("2.5e+3", 2500.0),
        ("~", None),
        ("null", None),
        ("text", "text"),
        ("'7'", "7"),
        ("!!str 7", "7"),
        ("!!float 7", 7.0),
        ("!!int seven", "seven"),
    ],
)
def test_scalars_are_what_they_look_like(written: str, expected: object) -> None:
    found = value(f"x: {written}")["x"]
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "written",
    [
        *("yes", "No", "on", "off", "true", "0755", "0x1F", "12:30", "12:30:00", "2026-01-01"),
        *("1e3", ".inf", ".nan", "2026-01-01 10:00:00", "=", "9" * 5000),
    ],
)
def test_what_may_mean_something_else_stays_text(written: str) -> None:
    assert value(f"x: {written}") == {"x": written}


def test_keys_are_always_text() -> None:
    assert value("{1: a, no: b, 0x1: c, 2026-01-01: d}") == {
        "1": "a",
        "no": "b",
        "0x1": "c",
        "2026-01-01": "d",
    }


def test_every_key_and_value_has_its_place() -> None:
    document = read("a:\n  b: [x,  y]\n  c: ü z\n")
    assert document.keys["a", "b"] == Place(2, 3)
    assert document.values["a", "b"] == Place(2, 6)
    assert document.values["a", "b", 1] == Place(2, 11)
    assert document.keys["a", "c"] == Place(3, 3)
    assert document.nearest_key(("a", "nothing", "below")) == Place(1, 1)


def test_an_alias_has_the_place_of_what_it_repeats() -> None:
    document = read("a: &x\n  k: v\nb: *x\n")
    assert document.value == {"a": {"k": "v"}, "b": {"k": "v"}}
    assert document.values["b", "k"] == Place(2, 6)


def test_own_keys_win_over_merged_ones_and_earlier_over_later() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {z: 3, <<: [*a, *b]}\n"
    assert value(text)["c"] == {"x": 1, "y": 1, "z": 3}


def test_duplicate_keys_keep_the_first_value_and_are_a_problem_each() -> None:
    document = read("a: 1\na: 2\nb: {c: 3, c: 4}\n")
    assert document.value == {"a": 1, "b": {"c": 3}}
    assert [(problem.line, problem.path) for problem in document.problems] == [(2, "a"), (3, "b.c")]


def test_texts_from_references_are_resolved_wherever_they_stand() -> None:
    document = read("a: ${env:X}\nb: ['${env:X}', plain]\n${env:X}: c\n", X="a: [1]")
    assert document.value == {"a": "a: [1]", "b": ["a: [1]", "plain"], "${env:X}": "c"}
    assert document.referenced == {("a",), ("b", 0)}


def test_a_reference_that_cannot_be_resolved_is_a_problem_at_its_place() -> None:
    document = read("a:\n  b: x${env:X}\n")
    assert document.value == {"a": {"b": None}}
    assert document.broken == {("a", "b")}
    assert [(problem.line, problem.column) for problem in document.problems] == [(2, 6)]


def test_a_text_that_nothing_could_store_is_a_problem() -> None:
    document = read("a: ${env:X}", X="\udcff")
    assert document.value == {"a": None}
    assert document.problems[0].message == "is not a text: it has half of a surrogate pair"


def test_paths_are_written_as_people_write_them() -> None:
    assert dotted(("inputs", "malops", "allow_from", 0, "x")) == "inputs.malops.allow_from[0].x"
    assert dotted(("a b", "c\n")) == r'"a b"."c\n"'
    assert dotted(()) == ""


def test_aliases_cannot_multiply_without_end() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ConfigError, match="aliases multiply it"):
        read("\n".join(lines))


TEXTS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])
KEYS = st.text(TEXTS, min_size=1, max_size=6)
PLAIN = st.recursive(
    st.text(TEXTS, max_size=8)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: "." in repr(number)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
)


@given(st.dictionaries(KEYS, PLAIN, max_size=5))
def test_what_is_written_as_yaml_is_read_again(values: dict[str, Any]) -> None:
    """Whatever style PyYAML chooses; `${` would be a reference."""
    text = yaml.safe_dump(values, allow_unicode=True)
    assume("${" not in text)
    assert value(text) == values
