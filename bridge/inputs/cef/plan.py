"""Which field each pair becomes: decided once for a vendor and a sequence of keys. Pure.

A device repeats few sequences of keys and labels for ever, so most records cost one look-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from bridge.event import snake_case
from bridge.inputs.cef.keys import Key, key_of
from bridge.inputs.cef.names import Names
from bridge.inputs.cef.tables import VendorTable

MAX_PLANS: Final = 1024
MAX_KEYS: Final = 64
MAX_LENGTH: Final = 4096
"""Plans for more keys, or for longer keys and labels, are made anew each time."""


class Step(NamedTuple):
    """A pair, the field that it becomes, and the field's kind."""

    key: str
    field: str
    kind: str


class Plan(NamedTuple):
    """What becomes of the pairs of a record; `unnamed` are the keys that find no name."""

    texts: tuple[tuple[str, str], ...]
    others: tuple[Step, ...]
    unnamed: tuple[str, ...]


class Planner:
    """Names fields by the dictionary, by labels and by vendor tables.

    `tables` are by slug; `names` bounds what is not in a table; with `keep_short_keys` a labelled
    pair keeps its own field as well, and so does its label.
    """

    def __init__(
        self, tables: Mapping[str, VendorTable], names: Names, *, keep_short_keys: bool = False
    ) -> None:
        self._tables = tables
        self._names = names
        self._keep_short_keys = keep_short_keys
        self._labels: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._plans: dict[tuple[object, ...], Plan] = {}

    def plan(self, slug: str, pairs: Mapping[str, str]) -> Plan:
        """What becomes of these pairs; values count only where they are labels."""
        keys = tuple(pairs)
        label_keys = self._labels.get(keys)
        if label_keys is None:
            label_keys = tuple(key for key in keys if key_of(key).label_of)
        place = (slug, keys, *[pairs[key] for key in label_keys])
        found = self._plans.get(place)
        if found is None:
            found = _Draft(self, slug, pairs).plan()
            self._keep(keys, label_keys, place, found, sum(len(pairs[key]) for key in label_keys))
        return found

    def _keep(
        self,
        keys: tuple[str, ...],
        label_keys: tuple[str, ...],
        place: tuple[object, ...],
        plan: Plan,
        length: int,
    ) -> None:
        if len(keys) > MAX_KEYS or length + sum(map(len, keys)) > MAX_LENGTH:
            return
        if len(self._plans) >= MAX_PLANS:
            self._plans.clear()
            self._labels.clear()
        self._labels[keys] = label_keys
        self._plans[place] = plan

    def vendor_name(self, slug: str, name: str) -> tuple[str, str] | None:
        """Field and, where a table says it, kind; None when no name can be had."""
        if table := self._tables.get(slug):
            if found := table.find(name):
                return found
            name = table.without_prefix(name)
        snake = snake_case(name)
        field = f"{slug}_{snake}"
        return (field, "") if snake and self._names.admit(slug, field) else None

    @property
    def keep_short_keys(self) -> bool:
        """Whether labelled pairs keep their own field as well."""
        return self._keep_short_keys


class _Draft:
    """A plan in the making; no two pairs get the same field."""

    def __init__(self, planner: Planner, slug: str, pairs: Mapping[str, str]) -> None:
        self._planner = planner
        self._slug = slug
        self._pairs = pairs
        self._steps: dict[str, Step] = {}
        self._unnamed: list[str] = []

    def plan(self) -> Plan:
        """Plain pairs first, so that a label can never take the name of a key."""
        known = {written: key_of(written) for written in self._pairs}
        values = {key.folded for key in known.values() if key.family}
        labels = {key.label_of: written for written, key in known.items() if key.label_of in values}
        labelled = []
        for written, key in known.items():
            if key.family and key.folded in labels:
                labelled.append((written, key))
            elif labels.get(key.label_of) != written:
                self._plain(written, key)
        for written, key in labelled:
            self._labelled(written, key, labels[key.folded])
        steps = self._steps.values()
        return Plan(
            tuple((step.key, step.field) for step in steps if step.kind == "text"),
            tuple(step for step in steps if step.kind != "text"),
            tuple(self._unnamed),
        )

    def _plain(self, written: str, key: Key) -> None:
        """A pair under its dictionary name, or else under the vendor's."""
        if key.field and self._take(written, key.field, key.kind):
            return
        named = self._planner.vendor_name(self._slug, written)
        if not named or not self._take(written, named[0], named[1] or "text"):
            self._unnamed.append(written)

    def _labelled(self, written: str, key: Key, label_key: str) -> None:
        """A value under its label, or, where the label gives no name, under its own key."""
        named = self._planner.vendor_name(self._slug, self._pairs[label_key])
        taken = named and self._take(written, named[0], named[1] or key.family)
        if not taken or self._planner.keep_short_keys:
            self._plain(written, key)
            self._plain(label_key, key_of(label_key))

    def _take(self, written: str, field: str, kind: str) -> bool:
        if field in self._steps:
            return False
        self._steps[field] = Step(written, field, kind)
        return True
