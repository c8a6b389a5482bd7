"""YAML text → plain values, and the place of each.

Of what a plain scalar may mean, only what nobody writes by accident is taken: `null`, decimal
numbers, merge keys (`<<`). Everything else stays text until the option says what it wants: `no` and
`true` become booleans only where a boolean is asked for, `12:30`, `0755` and `2026-01-01` are never
numbers or dates behind the user's back. Keys are always text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from bridge.config.references import Resolver, UnresolvedError
from bridge.config.spelling import shown
from bridge.config.syntax import describe
from bridge.errors import ConfigError, Problem

Path = tuple[str | int, ...]
"""The way to a value: keys of mappings and indexes of lists."""

MAX_VALUES = 100_000
"""Aliases can make a short text huge; no configuration needs more."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands; both count from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Document:
    """The values of a text. What has a problem of its own is None in `value` and in `broken`."""

    source: str
    value: Any = None
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    referenced: set[Path] = field(default_factory=set)
    """The texts that came from references."""
    broken: set[Path] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def at(self, path: Path) -> Any:
        """The value at `path`, None when nothing is there."""
        value = self.value
        for part in path:
            if isinstance(value, dict):
                value = value.get(str(part))
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return None
        return value

    def complain(self, path: Path, message: str, place: Place | None = None) -> None:
        """Note a problem at a value (or at `place`)."""
        place = place or self.values.get(path) or self.nearest_key(path)
        self.problems.append(Problem(self.source, place.line, place.column, dotted(path), message))

    def nearest_key(self, path: Path) -> Place:
        """The key of `path`, or of the section around it, or the beginning."""
        while path and path not in self.keys:
            path = path[:-1]
        return self.keys.get(path, Place(1, 1))


def dotted(path: Path) -> str:
    """`inputs.malops.allow_from[0]`; keys that are not plain words are quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f"{'.' if text else ''}{shown(part)}"
    return text


def parse(text: str, source: str, resolver: Resolver) -> Document:
    """Read one YAML document; raises ConfigError when the text is not YAML at all."""
    document = Document(source)
    try:
        node = _compose(text, source)
        if node is not None:
            document.value = _Builder(document, resolver).build(node, ())
            return document
    except (RecursionError, _TooLargeError):
        message = "there is too much in this file: it is nested too deeply, or aliases multiply it"
        raise ConfigError([Problem(source, 1, 1, "", message)]) from None
    raise ConfigError([Problem(source, 1, 1, "", "the file is empty: gelf-bridge init writes one")])


def _compose(text: str, source: str) -> yaml.Node | None:
    try:
        loader = _Loader(text)
        try:
            return loader.get_single_node()
        except (ValueError, OverflowError):
            # PyYAML does not check the numbers in escapes and directives.
            mark = loader.get_mark()
            line, column = mark.line + 1, mark.column + 1
            message = "no character has this number"
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        line, column, message = describe(error, text)
    raise ConfigError([Problem(source, line, column, "", message)])


_PREFIX = "tag:yaml.org,2002:"
_MERGE = f"{_PREFIX}merge"
_SIMPLE = [
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(?:0|[1-9][0-9_]*)", list("-+0123456789")),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
]


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}


for _name, _pattern, _first in _SIMPLE:
    _Loader.add_implicit_resolver(_PREFIX + _name, re.compile(f"(?:{_pattern})\\Z"), _first)


class _TooLargeError(Exception):
    """More values than any configuration has."""


class _Builder:
    """Walks the nodes of one document; every problem lands in the document."""

    def __init__(self, document: Document, resolver: Resolver) -> None:
        self._document = document
        self._resolver = resolver
        self._open: list[yaml.Node] = []
        self._count = 0

    def build(self, node: yaml.Node, path: Path) -> Any:
        """The value of a node, None when there is a problem with it."""
        self._step()
        self._document.values[path] = _place(node)
        if any(node is outer for outer in self._open):
            return self._break(path, "this alias stands inside of what it repeats")
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return self._sequence(node, path)
            return self._scalar(node, path)
        finally:
            self._open.pop()

    def _step(self) -> None:
        self._count += 1
        if self._count > MAX_VALUES:
            raise _TooLargeError

    def _break(self, path: Path, message: str, place: Place | None = None) -> None:
        self._document.broken.add(path)
        self._document.complain(path, message, place)

    def _sequence(self, node: yaml.SequenceNode, path: Path) -> Any:
        if node.tag != f"{_PREFIX}seq":
            return self._break(path, _bad_tag(node))
        return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]

    def _mapping(self, node: yaml.MappingNode, path: Path) -> Any:
        if node.tag != f"{_PREFIX}map":
            return self._break(path, _bad_tag(node))
        values: dict[str, Any] = {}
        for key, value in self._pairs(node, path):
            inner = (*path, key.value)
            self._document.keys[inner] = _place(key)
            values[key.value] = self.build(value, inner)
        return values

    def _pairs(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        """Own pairs first, then those merged in (`<<`) that are not overridden."""
        own: dict[str, yaml.Node] = {}
        merged: list[yaml.Node] = []
        for key, value in node.value:
            if key.tag == _MERGE:
                merged.append(value)
            elif not isinstance(key, yaml.ScalarNode) or not key.value or not _is_text(key.value):
                self._document.complain(path, "a key must be a text", _place(key))
            elif key.value in own:
                first = _place(own[key.value]).line
                message = f"this key was already given in line {first}"
                self._document.complain((*path, key.value), message, _place(key))
            else:
                own[key.value] = key
                yield key, value
        for value in merged:
            for key, merged_value in self._merged(value, path):
                if key.value not in own:
                    own[key.value] = key
                    yield key, merged_value

    def _merged(self, node: yaml.Node, path: Path) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        self._step()
        if isinstance(node, yaml.SequenceNode):
            for item in node.value:
                yield from self._merged(item, path)
        elif not isinstance(node, yaml.MappingNode):
            self._document.complain(path, "<< takes a section (or a list of them)", _place(node))
        elif any(node is outer for outer in self._open):
            self._document.complain(path, "a section cannot be merged into itself", _place(node))
        else:
            self._open.append(node)
            yield from self._pairs(node, path)
            self._open.pop()

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        tag = node.tag.removeprefix(_PREFIX)
        if tag == "null":
            if node.value:
                return None
            return self._break(path, "there is no value: write one, or remove the key")
        if tag == "int" and len(node.value) < 400:
            return _number(int, node.value)
        if tag == "float":
            return _number(float, node.value)
        if tag in ("int", "str", "bool", "merge"):
            return self._text(node.value, path)
        return self._break(path, _bad_tag(node))

    def _text(self, text: str, path: Path) -> Any:
        try:
            resolved = self._resolver.resolve(text)
        except UnresolvedError as error:
            for reason in error.reasons:
                self._break(path, reason)
            return None
        if resolved is not text:
            self._document.referenced.add(path)
        if not _is_text(resolved):
            return self._break(path, "is not a text: it has half of a surrogate pair")
        return resolved


def _number(kind: type[int | float], text: str) -> int | float | str:
    """Numbers that an explicit tag promises (`!!int x`) and are none stay text."""
    try:
        return kind(text)
    except ValueError:
        return text


def _is_text(text: str) -> bool:
    """False with lone surrogates, which nothing can print or store."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _place(node: yaml.Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def _bad_tag(node: yaml.Node) -> str:
    if node.tag.startswith(_PREFIX):
        return "this YAML type (!!…) is not used here"
    return (
        "a value that begins with ! must be put in quotes; "
        "for a variable or a file write ${env:NAME} or ${file:path}"
    )
