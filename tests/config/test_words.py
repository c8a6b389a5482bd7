"""Errors of pydantic become sentences, also for what no shipped component asks for yet."""

from __future__ import annotations

import enum
import uuid
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, AnyHttpUrl, BaseModel, Field, ValidationError, create_model

from bridge.config import Section
from bridge.config.document import parse
from bridge.config.references import Resolver
from bridge.config.words import complain


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Inner(Section):
    name: str


def refuse(value: str) -> str:
    raise ValueError(f"{value} is not to our taste")


def disappointed(value: str) -> str:
    raise AssertionError


def messages(annotation: Any, written: str, **environ: str) -> list[str]:
    """What is said about `x: written` when x has that annotation."""
    document = parse(f"x: {written}", "x.yaml", Resolver(environ, Path()))
    model: type[BaseModel] = create_model("Model", __base__=Section, x=(annotation, ...))
    with pytest.raises(ValidationError) as caught:
        model.model_validate(document.value)
    complain(caught.value, model, document)
    return [f"{problem.path}: {problem.message}" for problem in document.problems]


@pytest.mark.parametrize(
    ("annotation", "written", "message"),
    [
        (Colour, "rde", "must be red or green, did you mean red?"),
        (AnyHttpUrl, "graylog", "must be a URL, such as https://graylog.example.org"),
        (AnyHttpUrl, "[1]", "must be a URL, such as https://graylog.example.org"),
        (uuid.UUID, "zz", "must be a valid UUID"),
        (date, "hunter2", "must be a valid date or datetime"),
        (Annotated[str, Field(pattern="^a$")], "b", "does not have the form that is asked for"),
        (Annotated[str, Field(max_length=2)], "abc", "must have 2 or fewer characters"),
        (Annotated[int, Field(multiple_of=3)], "4", "must be a multiple of 3"),
        (Annotated[int, Field(lt=3)], "4", "must be less than 3"),
        (Annotated[list[int], Field(min_length=2)], "[1]", "must have 2 or more entries"),
        (Annotated[str, AfterValidator(refuse)], "mud", "mud is not to our taste"),
        (Annotated[str, AfterValidator(disappointed)], "mud", "is not accepted"),
        (int | Literal["never"], "x", "must be a whole number or never"),
        (int | float, "x", "must be a number"),
        (
            list[int] | Inner,
            "x",
            "must be a list, such as [a, b] or a section of `key: value` lines",
        ),
    ],
)
def test_every_error_is_a_sentence(annotation: Any, written: str, message: str) -> None:
    assert messages(annotation, written) == [f"x: {message}"]


def test_a_union_is_judged_by_the_member_that_came_furthest() -> None:
    assert messages(bool | Inner, "{nam: y}") == ["x.nam: no such option, did you mean name?"]
    assert messages(str | list[Inner], "[{name: [1]}]") == ["x[0].name: must be a text"]


def test_the_own_words_of_a_validator_do_not_leak_what_came_from_a_reference() -> None:
    annotation = Annotated[str, AfterValidator(refuse)]
    assert messages(annotation, "${env:X}", X="mud") == ["x: *** is not to our taste"]
    assert messages(annotation, "a ${env:X}", X="hunter2/Mud") == ["x: *** is not to our taste"]


def test_a_list_that_is_too_short_names_the_entry() -> None:
    assert messages(tuple[int, int], "[1]") == ["x[1]: is missing"]


def test_options_within_lists_and_maps_are_known_too() -> None:
    assert messages(dict[str, list[Inner]], "{a: [{nmae: b}]}") == [
        "x.a[0].nmae: no such option, did you mean name?"
    ]
