"""What pydantic's errors mean, in words for a person.

Values are never repeated: any of them may be a secret, if only in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bridge.config.document import Document, Path
from bridge.config.spelling import choice, nearest

_NETWORK = "must be a network, such as 192.0.2.0/24, with no bit set after the prefix"
_URL = "must be a URL, such as https://graylog.example.org"
_WORDS = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number",
    "int_type": "must be a whole number",
    "ip_any_address": "must be an IP address",
    "ip_any_network": _NETWORK,
    "ip_v4_address": "must be an IPv4 address",
    "ip_v4_network": _NETWORK,
    "ip_v6_address": "must be an IPv6 address",
    "ip_v6_network": _NETWORK,
    "missing": "is missing",
    "path_type": "must be a path",
    "pattern_regex": "is not a regular expression",
    "pattern_type": "must be a regular expression",
    "string_pattern_mismatch": "does not have the form that is asked for",
    "string_type": "must be a text",
    "url_parsing": _URL,
    "url_type": _URL,
    **dict.fromkeys(
        ["list_type", "tuple_type", "set_type", "frozen_set_type"], "must be a list, such as [a, b]"
    ),
    **dict.fromkeys(
        ["dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type"],
        "must be a section of `key: value` lines",
    ),
}
_OWN = ("value_error", "assertion_error")
"""What validators of components raise, with a text of their own."""
_LIMITS = {
    "greater_than": ("gt", "must be more than {}{}"),
    "greater_than_equal": ("ge", "must be {}{} or more"),
    "less_than": ("lt", "must be less than {}{}"),
    "less_than_equal": ("le", "must be {}{} or less"),
    "multiple_of": ("multiple_of", "must be a multiple of {}{}"),
    "string_too_short": ("min_length", "must have {} or more characters"),
    "string_too_long": ("max_length", "must have {} or fewer characters"),
    "too_short": ("min_length", "must have {} or more entries"),
    "too_long": ("max_length", "must have {} or fewer entries"),
}


@dataclass(frozen=True, slots=True)
class _Found:
    """One error of pydantic, its place found in the document."""

    path: Path
    in_union: bool
    details: ErrorDetails


def complain(
    error: ValidationError, model: type[BaseModel], document: Document, at: Path = ()
) -> None:
    """Note each error of validating the value at `at` by `model` as a problem of the document."""
    found = [_locate(document, at, details) for details in error.errors(include_url=False)]
    found = [one for one in found if not _hidden(one, found, document)]
    meant = {
        (*one.path[:-1], nearest(str(one.path[-1]), _options(model, one.path[len(at) : -1])))
        for one in found
        if one.details["type"] == "extra_forbidden"
    }
    for path in dict.fromkeys(one.path for one in found):
        same = _telling([one for one in found if one.path == path])
        kind = same[0].details["type"]
        if kind == "missing" and path in meant:
            continue
        if kind == "extra_forbidden":
            message = _no_option(str(path[-1]), _options(model, path[len(at) : -1]))
        else:
            message = _either([_describe(one, document) for one in same])
        at_key = (
            kind == "extra_forbidden"
            or same[0].details["loc"][-1:] == ("[key]",)
            or isinstance(document.at(path), dict | list)
        )
        document.complain(path, message, document.nearest_key(path) if at_key else None)


def _locate(document: Document, at: Path, details: ErrorDetails) -> _Found:
    """Follow pydantic's way to the value; what it adds for members of a union is left out."""
    path, value = at, document.at(at)
    in_union = False
    for part in details["loc"]:
        if isinstance(value, dict) and part in value:
            path, value = (*path, part), value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            path, value = (*path, part), value[part]
        else:
            in_union = True
    if details["type"] == "missing":
        path = (*path, details["loc"][-1])
    return _Found(path, in_union, details)


def _hidden(one: _Found, found: Sequence[_Found], document: Document) -> bool:
    """Follow-up errors: of values that have a problem already, and of other members of a union."""
    broken = document.broken
    if any(one.path[: len(path)] == path for path in broken):
        return True
    if one.details["type"] in _OWN:
        return any(path[: len(one.path)] == one.path for path in broken)
    return one.in_union and any(
        len(other.path) > len(one.path) and other.path[: len(one.path)] == one.path
        for other in found
    )


def _telling(same: Sequence[_Found]) -> Sequence[_Found]:
    """Of a union: the words of the member that takes such values and only dislikes this one."""
    disliked = [one for one in same if one.details["type"] in ("bridge", *_OWN)]
    return disliked or same


def _describe(one: _Found, document: Document) -> str:
    details, value = one.details, document.at(one.path)
    kind, context = details["type"], details.get("ctx", {})
    if value is None and one.path in document.values and kind not in _OWN:
        return "cannot be null: write a value, or remove the key"
    if kind == "bridge":
        return str(context["message"])
    if kind == "string_type" and isinstance(value, int | float):
        return "must be a text: put the value in quotes"
    if kind in _WORDS:
        message = _WORDS[kind]
        of = " of seconds without a unit, such as 60" if _unit(one.path) == " seconds" else ""
        return message + of if message.endswith("number") else message
    if kind in _LIMITS:
        name, words = _LIMITS[kind]
        if name == "min_length" and context[name] == 1:
            return "must not be empty"
        limit = context[name]
        return words.format(f"{limit:g}" if isinstance(limit, float) else limit, _unit(one.path))
    if kind in ("literal_error", "enum"):
        return _one_of(str(context["expected"]), value, one.path in document.referenced)
    return _scrub(_told(details), document, one.path)


def _told(details: ErrorDetails) -> str:
    """What a validator said itself, or the first half of pydantic's sentence."""
    error = details.get("ctx", {}).get("error")
    if details["type"] in _OWN and error is not None:
        return str(error) or "is not accepted"
    message = details["msg"]
    if not message.startswith("Input "):
        return message
    return message.partition(",")[0].replace("Input should be", "must be").replace("Input ", "")


def _scrub(message: str, document: Document, path: Path) -> str:
    """Put stars over whatever came from a reference in or around the value."""
    pieces: set[str] = set()
    for referenced in document.referenced:
        value = document.at(referenced)
        if value and referenced[: len(path)] == path:
            pieces |= {value, *re.findall(r"\w{4,}", value)}
    if not pieces:
        return message
    pattern = "|".join(re.escape(piece) for piece in sorted(pieces, key=len, reverse=True))
    return re.sub(pattern, "***", message, flags=re.IGNORECASE)


def _one_of(expected: str, value: Any, referenced: bool) -> str:
    words = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    if isinstance(value, int | float) and str(value) in words:
        return f"must be {choice(words)}, in quotes"
    meant = nearest(value, words) if isinstance(value, str) and not referenced else None
    return f"must be {choice(words)}" + (f", did you mean {meant}?" if meant else "")


def _either(messages: Sequence[str]) -> str:
    """The members of a union in one sentence."""
    messages = list(dict.fromkeys(messages))
    if "must be a number" in messages and "must be a whole number" in messages:
        messages.remove("must be a whole number")
    messages.sort(key=lambda message: ":" in message)
    start = "must be "
    if len(messages) > 1 and all(message.startswith(start) for message in messages):
        return start + choice([message.removeprefix(start) for message in messages])
    return choice(messages)


def _unit(path: Path) -> str:
    """The unit is the last word of an option's name."""
    word = str(path[-1]).rpartition("_")[2] if path else ""
    return f" {word}" if word in ("seconds", "bytes") else ""


def _no_option(word: str, known: Sequence[str]) -> str:
    meant = nearest(word, known)
    if meant:
        return f"no such option, did you mean {meant}?"
    return f"no such option; known here: {', '.join(known)}"


def _options(model: type[BaseModel], path: Path) -> list[str]:
    """The names of all options that the section at `path` may have."""
    models = [model]
    for part in path:
        fields = [one.model_fields.items() for one in models]
        inner = [
            found
            for items in fields
            for name, info in items
            if (info.alias or name) == part
            for found in _models(info.annotation)
        ]
        models = inner or models
    return [info.alias or name for one in models for name, info in one.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in an annotation, however wrapped."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
