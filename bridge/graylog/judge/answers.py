"""What the judge says of a message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Verdict:
    """One message as Graylog holds it, or why it refuses it.

    `types` are the names of the Java classes of `fields` (String, Long, Double, Integer, Boolean,
    DateTime, List, Map …); `indexed` is the document that the indexer gets.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    streams: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    """Processing errors of rules."""
    indexed: dict[str, Any] = field(default_factory=dict)
    rejection: str | None = None

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """From the judge's JSON."""
        if "rejected" in answer:
            return cls(rejection=answer["rejected"])
        fields, types = answer["fields"], answer["types"]
        return cls(
            {name: _value(value, types[name]) for name, value in fields.items()},
            types,
            tuple(answer["streams"]),
            tuple(answer["errors"]),
            answer["indexed"],
        )


def _value(value: Any, kind: str) -> Any:
    """Jackson writes NaN and the infinities as texts."""
    return float(value) if kind == "Double" else value


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message in the pipelines: none when it was dropped, several when cloned."""

    messages: tuple[Verdict, ...] = ()
    ran: tuple[str, ...] = ()
    """The rules whose conditions held, in order."""
    rejection: str | None = None


@dataclass(frozen=True, slots=True)
class ParseError:
    """Something that Graylog's parser does not take; `line` counts from 1, `position` from 0."""

    line: int
    position: int
    text: str

    def __str__(self) -> str:
        return f"{self.line}:{self.position + 1}: {self.text}"


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a rule or pipeline source is for Graylog's parser."""

    names: tuple[str, ...]
    errors: tuple[ParseError, ...]
