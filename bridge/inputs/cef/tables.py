"""Vendor tables: which field the labels and keys of a vendor become, one YAML file a vendor.

A table is only needed where snake_case of the sender's own name is not good enough::

    vendor: Example Vendor          # as in the CEF header, any case
    cut: [ExampleKeyPrefix]         # cut off the front of keys
    message: [msg, reason]          # the first of these with a value ends the human line
    fields:
      threat_id: {from: [ThreatId, threatID]}
      scanned_at: {from: [ScanTime], kind: time}

makes `ThreatId`, as a key or as a label, the field `example_vendor_threat_id`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from bridge.inputs.cef.names import slug

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""PyYAML comes with and without its compiled part, which is faster."""

Kind = Literal["text", "long", "double", "time", "boolean"]
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TableField(_Strict):
    """One field: the sender's names for it, and what its values are."""

    names: list[str] = Field(alias="from", min_length=1)
    kind: Kind = "text"


class TableFile(_Strict):
    """What stands in a file."""

    vendor: str = Field(min_length=1)
    cut: list[str] = []
    message: list[str] = []
    fields: dict[FieldName, TableField] = {}


@dataclass(frozen=True, slots=True)
class VendorTable:
    """A table, ready for look-ups."""

    slug: str
    fields: Mapping[str, tuple[str, Kind]]
    """Sender's name in lower case → field name with prefix, kind."""
    cut: tuple[str, ...] = ()
    message: tuple[str, ...] = ()

    def find(self, name: str) -> tuple[str, Kind] | None:
        """The field for a label or key, if the table has one."""
        return self.fields.get(name.lower()) or self.fields.get(self.without_prefix(name).lower())

    def without_prefix(self, name: str) -> str:
        """The name without what the vendor puts in front of its keys."""
        for prefix in self.cut:
            if len(name) > len(prefix) and name.startswith(prefix):
                return name[len(prefix) :]
        return name


def read(text: str, source: str) -> VendorTable:
    """A table from the text of a file; raises ValueError with `source` and what is wrong."""
    try:
        file = TableFile.model_validate(yaml.load(text, _LOADER))  # noqa: S506
    except yaml.YAMLError as error:
        raise ValueError(f"{source}: not readable as YAML: {error}") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}"
            for fault in error.errors()
        )
        raise ValueError(f"{source}: {faults}") from error
    prefix = slug(file.vendor)
    fields: dict[str, tuple[str, Kind]] = {}
    for field, entry in file.fields.items():
        for name in entry.names:
            if name.lower() in fields:
                raise ValueError(f"{source}: fields.{field}: {name!r} is named twice")
            fields[name.lower()] = (f"{prefix}_{field}", entry.kind)
    return VendorTable(prefix, fields, tuple(file.cut), tuple(file.message))


def load(path: Path) -> VendorTable:
    """A user's table; raises ValueError with the path and what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error
    return read(text, str(path))


@cache
def builtin() -> Mapping[str, VendorTable]:
    """The tables that come with the bridge, by slug."""
    folder = files("bridge.inputs.cef").joinpath("vendors")
    return by_slug(
        read(file.read_text(encoding="utf-8"), file.name)
        for file in folder.iterdir()
        if file.name.endswith(".yaml")
    )


def by_slug(tables: Iterable[VendorTable]) -> dict[str, VendorTable]:
    """The tables by the slug of their vendor; a later one replaces an earlier one."""
    return {table.slug: table for table in tables}
