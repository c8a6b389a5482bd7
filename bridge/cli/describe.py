"""What a configuration may hold, read off the models, for `explain`, `init` and `schema`.

Everything here works on the JSON Schema that pydantic makes of a model, so a component needs to
declare nothing twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from bridge.config import ComponentConfig, Config, Kind
from bridge.config.docstrings import describe
from bridge.config.spelling import choice, unknown
from bridge.errors import BridgeError, PluginError
from bridge.plugins import EntryPoints

KINDS: Final[tuple[Kind, ...]] = ("input", "output")
REFERENCE: Final = {"type": "string", "pattern": r"\$\{"}
"""A text with a reference may stand wherever a number or a word is wanted."""

_FORMATS: Final = {
    "path": "path",
    "password": "secret",
    "regex": "regular expression",
    "uri": "URL",
}
_TYPES: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
}
_BOUNDS: Final = {
    "minimum": "{} or more",
    "exclusiveMinimum": "more than {}",
    "maximum": "{} or less",
    "exclusiveMaximum": "less than {}",
}


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a section; default and example are as YAML has them, None if there is none."""

    name: str
    kind: str
    text: str
    required: bool
    default: str | None
    example: str | None
    inner: tuple[Option, ...]
    suggested: bool
    """Whether a first configuration has it: it is required, or has an example and no default."""


@dataclass(frozen=True, slots=True)
class Component:
    """A type of input or output that is installed; a broken one has only `problem`.

    `owner` is the distribution that brings it, `text` what its `Config` says of itself.
    """

    kind: Kind
    name: str
    owner: str
    text: str
    cls: Any
    problem: str = ""

    @property
    def config(self) -> type[ComponentConfig]:
        """Its model."""
        model: type[ComponentConfig] = self.cls.Config
        return model

    @property
    def options(self) -> list[Option]:
        """What it can be told, but for the type; what a first configuration needs comes first."""
        found = [option for option in options(self.config) if option.name != "type"]
        return sorted(found, key=lambda option: not option.suggested)


def components(registry: EntryPoints) -> list[Component]:
    """All that are installed, inputs first."""
    return [_component(registry, kind, name) for kind in KINDS for name in registry.types(kind)]


def component(registry: EntryPoints, name: str) -> list[Component]:
    """Those of a type: an input, an output or both; raises BridgeError when there is none."""
    found = [kind for kind in KINDS if name in registry.types(kind)]
    if not found:
        known = [one for kind in KINDS for one in registry.types(kind)]
        raise BridgeError(unknown("component", name, known))
    return [_component(registry, kind, name) for kind in found]


def _component(registry: EntryPoints, kind: Kind, name: str) -> Component:
    owner = registry.owner(kind, name)
    try:
        cls = registry.component(kind, name)
    except PluginError as error:
        return Component(kind, name, owner, "", None, str(error))
    return Component(kind, name, owner, _paragraph(cls.Config.__doc__), cls)


def options(model: type[BaseModel]) -> list[Option]:
    """The options of a model, nested sections included."""
    describe(model)
    schema = model.model_json_schema(by_alias=True)
    return list(_options(schema, schema.get("$defs", {})))


def _options(schema: dict[str, Any], definitions: dict[str, Any]) -> Iterator[Option]:
    required = schema.get("required", [])
    for name, node in schema.get("properties", {}).items():
        default = node.get("default")
        yield Option(
            name=name,
            kind=_kind(node),
            text=_paragraph(node.get("description")),
            required=name in required,
            default=None if default is None else _default(node, default),
            example=_example(node),
            inner=tuple(_inner(node, definitions)),
            suggested=name in required or (default is None and "examples" in node),
        )


def _inner(node: dict[str, Any], definitions: dict[str, Any]) -> Iterator[Option]:
    for one in _members(node):
        if "$ref" in one:
            yield from _options(definitions[one["$ref"].rpartition("/")[2]], definitions)


def _members(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The forms that a value may have; `null` is only how pydantic says that it may be absent."""
    return [one for one in node.get("anyOf", [node]) if one.get("type") != "null"]


def _kind(node: dict[str, Any]) -> str:
    return choice(list(dict.fromkeys(map(_one_kind, _members(node)))))


def _one_kind(node: dict[str, Any]) -> str:
    if "$ref" in node:
        return "section"
    if "const" in node or "enum" in node:
        return choice([str(word) for word in node.get("enum", [node.get("const")])])
    if isinstance(node.get("type"), list):
        return "size"
    if node.get("type") == "array":
        return f"list of: {_kind(node.get('items', {}))}"
    if node.get("type") == "object":
        inside = node.get("additionalProperties")
        return f"section of name: {_kind(inside)}" if isinstance(inside, dict) else "section"
    word = _FORMATS.get(node.get("format", "")) or _TYPES.get(node.get("type", ""), "anything")
    bounds = [words.format(f"{node[key]:g}") for key, words in _BOUNDS.items() if key in node]
    return f"{word}, {' and '.join(bounds)}" if bounds else word


def _default(node: dict[str, Any], value: Any) -> str:
    if isinstance(node.get("type"), list) and isinstance(value, int):
        for power, unit in ((3, "GiB"), (2, "MiB"), (1, "KiB")):
            if value and value % 1024**power == 0:
                return f"{value // 1024**power}{unit}"
    return json.dumps(value, ensure_ascii=False)


def _example(node: dict[str, Any]) -> str | None:
    """A value that would do; of texts only one that is declared."""
    for one in (node, *_members(node)):
        if "examples" in one:
            return json.dumps(one["examples"][0]).replace('"', "")
        if "enum" in one:
            return str(one["enum"][0])
        if one.get("type") == "array":
            return f"[{_example(one.get('items', {})) or ''}]"
        if one.get("type") == "boolean":
            return "false"
        if one.get("type") in ("integer", "number"):
            return f"{one.get('minimum', one.get('exclusiveMinimum', 0) + 1):g}"
    return None


def _paragraph(text: str | None) -> str:
    """A docstring as one line a paragraph."""
    paragraphs = (text or "").strip().split("\n\n")
    return "\n\n".join(" ".join(one.split()) for one in paragraphs)


# One schema for everything


def schema(registry: EntryPoints) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a whole configuration, with all components installed here."""
    describe(Config)
    root = Config.model_json_schema(by_alias=True)
    definitions: dict[str, Any] = root.setdefault("$defs", {})
    for kind in KINDS:
        names = []
        for one in components(registry):
            if one.kind == kind and not one.problem:
                name = f"{kind}_{one.name}"
                names.append({"$ref": f"#/$defs/{name}"})
                definitions |= _definitions(name, one)
        section = root["properties"][f"{kind}s"]
        section |= {"additionalProperties": {"oneOf": names}, "minProperties": 1}
    definitions.pop(ComponentConfig.__name__, None)
    root["patternProperties"] = {"^x-": {}}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    whole: dict[str, Any] = _with_references(root)
    return head | whole | {"title": "Configuration of gelf-bridge"}


def _definitions(name: str, one: Component) -> dict[str, Any]:
    """The schema of one component and its sections, under names of its own."""
    describe(one.config)
    own = one.config.model_json_schema(by_alias=True, ref_template=f"#/$defs/{name}_{{model}}")
    inner = own.pop("$defs", {})
    own["properties"]["type"] = {"const": one.name, "description": one.text}
    return {name: own, **{f"{name}_{model}": node for model, node in inner.items()}}


def _with_references(node: Any) -> Any:
    """Let `${env:NAME}` stand where something else than a text is wanted."""
    if isinstance(node, list):
        return [_with_references(one) for one in node]
    if not isinstance(node, dict):
        return node
    if "enum" in node or node.get("type") in ("integer", "number", "boolean"):
        said = {key: node[key] for key in ("description", "default", "title") if key in node}
        return said | {"anyOf": [{k: v for k, v in node.items() if k not in said}, REFERENCE]}
    return {key: _with_references(value) for key, value in node.items()}
