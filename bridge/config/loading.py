"""From a text to a `Config`, by way of the registry of components."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any, Literal, Protocol

from pydantic import ValidationError

from bridge.config.document import Document, Path, parse
from bridge.config.models import ComponentConfig, Config
from bridge.config.references import Resolver
from bridge.config.spelling import unknown
from bridge.config.words import complain
from bridge.errors import ConfigError, PluginError, Problem

Kind = Literal["input", "output"]

FREE_PREFIX = "x-"
"""Top-level keys that begin so are nobody's: a place for anchors."""

MAX_FILE_BYTES = 4 * 1024**2

_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")
_OWN_IDS = ("heartbeat",)


class Registry(Protocol):
    """Knows the component classes by their type."""

    def component(self, kind: Kind, name: str) -> Any:
        """The class of the type `name`, with its `Config`; raises PluginError."""
        ...

    def types(self, kind: Kind) -> list[str]:
        """All known types, sorted."""
        ...


def load(text: str, source: str, environ: Mapping[str, str], registry: Registry) -> Config:
    """Read a configuration; raises ConfigError with every problem.

    `source` names the text in messages; relative paths start at its folder.
    """
    document = parse(text, source, Resolver(environ, FilePath(source).parent))
    config = _Loading(document, registry).config()
    if config is None or document.problems:
        problems = dict.fromkeys(document.problems)
        raise ConfigError(sorted(problems, key=lambda one: (one.line, one.column)))
    return config


def load_file(path: FilePath, environ: Mapping[str, str], registry: Registry) -> Config:
    """Read a configuration file; one that cannot be read or is not UTF-8 is a problem, too."""
    return load(read_file(path), str(path), environ, registry)


def read_file(path: FilePath) -> str:
    """The text of a configuration file; raises ConfigError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError([Problem(str(path), 0, 0, "", f"cannot be read: {reason}")]) from None
    if len(data) > MAX_FILE_BYTES:
        message = "is longer than 4 MiB: this is no configuration"
        raise ConfigError([Problem(str(path), 0, 0, "", message)])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        message = "this is not UTF-8: save the file in that encoding"
        raise ConfigError([Problem(str(path), line, column, "", message)]) from None


class _Loading:
    """One configuration on its way; problems go to the document."""

    def __init__(self, document: Document, registry: Registry) -> None:
        self._document = document
        self._registry = registry
        self._context = {
            "folder": FilePath(document.source).parent,
            "inputs": self._ids("input") or None,
        }

    def config(self) -> Config | None:
        """The whole, or None with at least one problem noted."""
        root = self._document.value
        if not isinstance(root, dict):
            message = "a configuration is a section with the keys inputs, outputs and spool"
            self._document.complain((), message)
            return None
        inputs, outputs = self._components("input"), self._components("output")
        self._refuse_claimed({"inputs": inputs, "outputs": outputs})
        for name in self._ids("output"):
            if name in self._ids("input"):
                path = ("outputs", name)
                message = "an input has the same id; metrics and commands need one for each"
                self._document.complain(path, message, self._document.nearest_key(path))
        try:
            own = {key: value for key, value in root.items() if not key.startswith(FREE_PREFIX)}
            found = {"inputs": inputs, "outputs": outputs}
            own |= {key: components for key, components in found.items() if key in own}
            return Config.model_validate(own, context=self._context)
        except ValidationError as error:
            complain(error, Config, self._document)
            return None

    def _ids(self, kind: Kind) -> list[str]:
        section = self._document.at((f"{kind}s",))
        return list(section) if isinstance(section, dict) else []

    def _components(self, kind: Kind) -> dict[str, ComponentConfig]:
        path: Path = (f"{kind}s",)
        section = self._document.at(path)
        if path in self._document.broken or path not in self._document.keys:
            return {}
        if isinstance(section, dict) and isinstance(section.get("type"), str):
            message = (
                f"an id is missing: write the id of the {kind}, and below it `type` and options"
            )
            self._document.complain(path, message)
        elif not isinstance(section, dict):
            message = f"must be a section: the id of each {kind}, below it `type` and options"
            self._document.complain(path, message)
        elif not section:
            self._document.complain(path, f"is empty: at least one {kind} is needed")
        else:
            found = {id_: self._component(kind, (*path, id_)) for id_ in section}
            return {id_: config for id_, config in found.items() if config is not None}
        return {}

    def _refuse_claimed(self, sections: Mapping[str, dict[str, ComponentConfig]]) -> None:
        """Two components cannot have the same port or file."""
        owners: dict[str, str] = {}
        for section, components in sections.items():
            for id_, config in components.items():
                for claim in config.claims():
                    owner = owners.setdefault(claim, f"{section}.{id_}")
                    if owner != f"{section}.{id_}":
                        path: Path = (section, id_)
                        message = f"{claim} is already that of {owner}; each needs its own"
                        self._document.complain(path, message, self._document.nearest_key(path))

    def _component(self, kind: Kind, path: Path) -> ComponentConfig | None:
        if not _ID.fullmatch(str(path[-1])):
            message = "an id is made of a-z, 0-9, _ and -, and begins with a letter or digit"
            self._document.complain(path, message, self._document.nearest_key(path))
        elif path[-1] in _OWN_IDS:
            message = "the bridge calls a part of its own so: choose another id"
            self._document.complain(path, message, self._document.nearest_key(path))
        if path in self._document.broken:
            return None
        model = self._model(kind, path)
        if model is None:
            return None
        try:
            return model.model_validate(self._document.at(path), context=self._context)
        except ValidationError as error:
            complain(error, model, self._document, path)
            return None

    def _model(self, kind: Kind, path: Path) -> type[ComponentConfig] | None:
        """The `Config` of the type that is named there."""
        section, where = self._document.at(path), (*path, "type")
        known = self._registry.types(kind)
        if where in self._document.broken:
            return None
        if not isinstance(section, dict):
            self._document.complain(path, "must be a section with a `type` and options")
        elif "type" not in section:
            self._document.complain(where, f"is missing; known: {', '.join(known)}")
        elif not isinstance(name := section["type"], str):
            self._document.complain(where, f"must be one of the words {', '.join(known)}")
        elif known and name not in known:
            self._document.complain(where, self._unknown_type(kind, name, known))
        else:
            return self._plugin(kind, name, where)
        return None

    def _unknown_type(self, kind: Kind, name: str, known: list[str]) -> str:
        other: Kind = "output" if kind == "input" else "input"
        if name in self._registry.types(other):
            return f"this is the type of an {other}; known for an {kind}: {', '.join(known)}"
        return unknown(f"{kind} type", name, known)

    def _plugin(self, kind: Kind, name: str, where: Path) -> type[ComponentConfig] | None:
        try:
            model: type[ComponentConfig] = self._registry.component(kind, name).Config
        except PluginError as error:
            self._document.complain(where, str(error))
            return None
        return model
