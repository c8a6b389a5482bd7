"""What is known about keys before any record comes: the dictionary's fields and kinds. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from bridge.cef import DICTIONARY, FAMILIES, custom
from bridge.event import snake_case
from bridge.inputs.cef import tables

HEADER_KINDS: Final = {
    "version": "text",
    "device_vendor": "text",
    "device_product": "text",
    "device_version": "text",
    "device_event_class_id": "text",
    "name": "text",
    "severity": "long",
}
ENVELOPE_KINDS: Final = {
    "host": "text",
    "app_name": "text",
    "proc_id": "text",
    "msg_id": "text",
    "structured_data": "text",
    "facility": "long",
    "severity": "long",
    "timestamp": "time",
    "prefix": "text",
}
MAX_CACHED: Final = 64
"""Longer keys are nobody's custom, and a cache of them would be a gift to an attacker."""
OTHER_KINDS: Final = {
    "bridge_raw_base64": "text",
    "bridge_timestamp_from": "text",
    "cef_duplicates": "text",
    "cef_unnamed_pairs": "text",
}


class Key(NamedTuple):
    """What is known of a key of an extension."""

    folded: str
    """The key in lower case: keys are looked up without regard to case."""
    field: str
    """Its field, or empty when the dictionary does not print it."""
    kind: str
    """The kind of that field."""
    family: str
    """The kind of its values if it is one that a label names (`cs1`), else empty."""
    label_of: str
    """The key, in lower case, whose label this is (`cs1Label`), else empty."""


def key_of(written: str) -> Key:
    """What is known of a key as a sender wrote it."""
    return _cached(written) if len(written) <= MAX_CACHED else _key_of(written)


def _key_of(written: str) -> Key:
    folded = written.lower()
    field, kind = FIELDS.get(folded, ("", "text"))
    parts = custom(written)
    if parts is None:
        return Key(folded, field, kind, "", "")
    if parts.is_label:
        return Key(folded, field, kind, "", folded.removesuffix("label"))
    return Key(folded, field, kind, field_kind(FAMILIES[parts.family].kind), "")


_cached = lru_cache(maxsize=8192)(_key_of)


def field_kind(kind: str) -> str:
    """The kind of a field for a kind of the dictionary: addresses stay the texts they are."""
    return "text" if kind in ("address", "mac") else kind


FIELDS: Final = {
    key.lower(): (f"cef_{snake_case(meaning.full_name)}", field_kind(meaning.kind))
    for key, meaning in DICTIONARY.items()
}
"""Key in lower case → field and kind, for the printed dictionary."""


def _fixed() -> dict[str, str]:
    kinds = dict(OTHER_KINDS)
    kinds |= {f"cef_{name}": kind for name, kind in HEADER_KINDS.items()}
    kinds |= {f"syslog_{name}": kind for name, kind in ENVELOPE_KINDS.items()}
    kinds |= dict(FIELDS.values())
    for table in tables.builtin().values():
        kinds |= dict(table.fields.values())
    siblings = {f"{name}_text": "text" for name, kind in kinds.items() if kind != "text"}
    # Booleans travel as texts.
    return siblings | {name: "text" if kind == "boolean" else kind for name, kind in kinds.items()}


FIXED_KINDS: Final = _fixed()
"""Field → kind, for every name that does not depend on what senders write."""
