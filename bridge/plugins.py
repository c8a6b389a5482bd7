"""Component classes by their type, found through entry points.

The groups are `gelf_bridge.inputs` and `gelf_bridge.outputs`; the name of the entry point is the
`type` in the configuration. Built-in components come in by the same door as everybody's. A module
is imported only when a configuration names its type.
"""

from __future__ import annotations

import traceback
from importlib.metadata import EntryPoint, entry_points
from importlib.metadata import EntryPoints as Found
from typing import Any

from bridge.config import Kind
from bridge.errors import PluginError
from bridge.inputs import Input, InputConfig
from bridge.outputs import Output, OutputConfig

_BASES = {"input": (Input, InputConfig), "output": (Output, OutputConfig)}

# Whatever a module may do wrong while it is imported.
_IMPORT_ERRORS = (
    ImportError,
    SyntaxError,
    AttributeError,
    NameError,
    TypeError,
    ValueError,
    LookupError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    OSError,
)


class EntryPoints:
    """The registry of all installed components.

    It looks for them once, and again for one that it does not know: that reads a file of every
    installed package.
    """

    def __init__(self) -> None:
        self._looked: dict[Kind, Found] = {}

    def types(self, kind: Kind) -> list[str]:
        """All types that can be configured, sorted."""
        return sorted(self._found(kind).names)

    def component(self, kind: Kind, name: str) -> Any:
        """The class of the type `name`; raises PluginError: unknown, broken or claimed twice."""
        claims = self._claims(kind, name)
        if not self._found(kind):
            raise PluginError(
                f"no {kind} types are installed: the files of gelf-bridge are here, "
                "but the package is not; install it with pip"
            )
        if not claims:
            raise PluginError(f"no installed package has the {kind} type {name}")
        if len(claims) > 1:
            owners = self.owner(kind, name)
            raise PluginError(f"the {kind} type {name} is claimed by {owners}: uninstall one")
        return _load(kind, claims[0])

    def owner(self, kind: Kind, name: str) -> str:
        """The distribution that brings a type, with its version; several are a conflict."""
        return " and ".join(sorted(_owner(one) for one in self._found(kind).select(name=name)))

    def _claims(self, kind: Kind, name: str) -> list[EntryPoint]:
        if claims := list(self._found(kind).select(name=name)):
            return claims
        self._looked.clear()
        return list(self._found(kind).select(name=name))

    def _found(self, kind: Kind) -> Found:
        if kind not in self._looked:
            self._looked[kind] = entry_points(group=f"gelf_bridge.{kind}s")
        return self._looked[kind]


def _load(kind: Kind, point: EntryPoint) -> Any:
    try:
        component = point.load()
    except _IMPORT_ERRORS as error:
        reason = f"{point.value} of {_owner(point)} cannot be imported: {_reason(error)}"
        raise PluginError(reason) from error
    base, config = _BASES[kind]
    if _derived(component, base) and _derived(component.Config, config):
        return component
    raise PluginError(
        f"{point.value} of {_owner(point)} is no {kind}: it must be a class derived from "
        f"bridge.{base.__name__}, its Config from bridge.{config.__name__}"
    )


def _derived(this: object, base: type) -> bool:
    return isinstance(this, type) and issubclass(this, base)


def _owner(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown package"


def _reason(error: BaseException) -> str:
    """The error in one line, and where in the component's own code it arose."""
    frames = [
        f" ({frame.filename}:{frame.lineno})"
        for frame in traceback.extract_tb(error.__traceback__)[1:]
        if "importlib" not in frame.filename
    ]
    text = " ".join(str(error).split()) or "no reason given"
    return f"{type(error).__name__}: {text}{frames[-1] if frames else ''}"
