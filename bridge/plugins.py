"""Component classes by their type, found through entry points.

The groups are `gelf_bridge.inputs` and `gelf_bridge.outputs`; the name of the entry point is the
`type` in the configuration. Built-in components come in by the same door as everybody's. A module
is imported only when a configuration names its type.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from bridge.config import ComponentConfig
from bridge.errors import PluginError

Kind = Literal["input", "output"]

# Whatever a module may do wrong while it is imported.
_IMPORT_ERRORS = (
    ImportError,
    SyntaxError,
    AttributeError,
    NameError,
    TypeError,
    ValueError,
    LookupError,
    RuntimeError,
    OSError,
)


class EntryPoints:
    """The registry of all installed components; `found` replaces the installed ones in tests."""

    def __init__(self, found: Iterable[EntryPoint] | None = None) -> None:
        self._found = None if found is None else list(found)

    def types(self, kind: Kind) -> list[str]:
        """All types that can be configured, sorted."""
        return sorted({point.name for point in self._points(kind)})

    def component(self, kind: Kind, name: str) -> Any:
        """The class of the type `name`; raises PluginError: unknown, broken or claimed twice."""
        points = self._points(kind)
        if not points:
            raise PluginError(
                f"no {kind} types are installed at all: install gelf-bridge with pip "
                "(a bare copy of its folder has no entry points)"
            )
        claims = [point for point in points if point.name == name]
        if not claims:
            raise PluginError(f"no installed package has the {kind} type {name}")
        if len(claims) > 1:
            owners = " and ".join(sorted(_owner(point) for point in claims))
            raise PluginError(f"the {kind} type {name} is claimed by {owners}: uninstall one")
        return _load(kind, claims[0])

    def _points(self, kind: Kind) -> list[EntryPoint]:
        group = f"gelf_bridge.{kind}s"
        if self._found is None:
            return list(entry_points(group=group))
        return [point for point in self._found if point.group == group]


def _load(kind: Kind, point: EntryPoint) -> Any:
    try:
        component = point.load()
    except _IMPORT_ERRORS as error:
        raise PluginError(
            f"{point.value} of {_owner(point)} cannot be imported: {_reason(error)}"
        ) from error
    config = getattr(component, "Config", None)
    if not (isinstance(config, type) and issubclass(config, ComponentConfig)):
        raise PluginError(
            f"{point.value} of {_owner(point)} is no {kind}: "
            "it needs a class `Config` derived from bridge.config.ComponentConfig"
        )
    return component


def _owner(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown package"


def _reason(error: BaseException) -> str:
    """The error in one line, with the place where it arose."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split()) or "no reason given"
    return f"{type(error).__name__}: {text} ({last.filename}:{last.lineno})"
