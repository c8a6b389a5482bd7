from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, Field

from bridge.config import Section
from bridge.config.docstrings import describe


class Tyre(Section):
    """Only seen from within."""

    bar: float = 2.5
    """The pressure."""


class Vehicle(Section):
    """A base."""

    wheels: int = 4
    """How many touch the road.

    Spare ones do not count.
    """
    name: str
    """Replaced below."""


class Car(Vehicle):
    """Two lists and an option of its own."""

    name: str
    """What its owner calls it."""
    tyres: list[Tyre] | None = None
    """All of them."""
    said: int = Field(default=0, description="Said already.")
    """Said again."""
    untold: int = 0
    kinds: ClassVar[str] = "no option"
    """No description of one."""


def test_the_docstring_under_an_option_is_its_description() -> None:
    describe(Car)
    assert {name: info.description for name, info in Car.model_fields.items()} == {
        "wheels": "How many touch the road.\n\nSpare ones do not count.",
        "name": "What its owner calls it.",
        "tyres": "All of them.",
        "said": "Said already.",
        "untold": None,
    }


def test_the_json_schema_has_the_descriptions_of_nested_sections_too() -> None:
    describe(Car)
    schema = Car.model_json_schema()
    assert schema["properties"]["name"]["description"] == "What its owner calls it."
    assert schema["$defs"]["Tyre"]["properties"]["bar"]["description"] == "The pressure."


def test_a_model_still_checks_what_it_is_given() -> None:
    describe(Car)
    assert Car(name="Kit", tyres=[Tyre()]).tyres == [Tyre(bar=2.5)]


def test_a_class_without_a_source_has_no_descriptions() -> None:
    source = "class Made(Base):\n    option: int = 0\n    'Nobody can read this.'"
    names: dict[str, type[BaseModel]] = {}
    exec(source, {"Base": Section}, names)
    describe(names["Made"])
    assert names["Made"].model_fields["option"].description is None
