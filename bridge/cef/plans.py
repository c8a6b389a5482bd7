"""What can be known of a sequence of keys before any value is read.

A device writes few sequences of keys and repeats them for ever, so the answer is kept: finding it
again costs one look-up for a whole record.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from bridge.cef.dictionary import DICTIONARY, Kind, custom, lookup

_MAX_PLANS: Final = 1024
MAX_KEYS: Final = 64
_MAX_LENGTH: Final = 1024
_NUMBERS: Final = ("long", "double")


class Plan(NamedTuple):
    """What a sequence of keys says about its values."""

    numbers: tuple[tuple[str, Kind], ...]  # keys whose values are numbers by the dictionary
    times: tuple[str, ...]  # keys whose values are times
    event_times: tuple[tuple[str, str], ...]  # `rt`, `end`, `start`, and how they are spelled
    labels: tuple[tuple[str, str], ...]  # keys of labels that have a value, and the value's key
    zone: str | None  # the key of the device's time zone
    flags: frozenset[str]
    keys: tuple[str, ...]


_plans: dict[tuple[str, ...], Plan] = {}

known = _plans.get
"""The plan of a sequence that was met before, else None."""


def plan_for(keys: tuple[str, ...]) -> Plan:
    """The plan of a sequence of keys; kept, within bounds, for the next record."""
    if plan := _plans.get(keys):
        return plan
    plan = _make(keys)
    if len(keys) <= MAX_KEYS and sum(map(len, keys)) <= _MAX_LENGTH:
        if len(_plans) >= _MAX_PLANS:
            _plans.clear()
        _plans[keys] = plan
    return plan


def _make(keys: tuple[str, ...]) -> Plan:
    known_keys = [(key, meaning) for key in dict.fromkeys(keys) if (meaning := lookup(key))]
    is_plain = all((key.isascii() and key.isalnum()) or lookup(key) for key in keys)
    return Plan(
        tuple((key, meaning.kind) for key, meaning in known_keys if meaning.kind in _NUMBERS),
        tuple(key for key, meaning in known_keys if meaning.kind == "time"),
        tuple(
            (source, key)
            for source in ("rt", "end", "start")
            for key, meaning in known_keys
            if meaning == DICTIONARY[source]
        ),
        tuple(_labels(key for key, _ in known_keys)),
        next((key for key, meaning in known_keys if meaning.full_name == "deviceTimeZone"), None),
        frozenset() if is_plain else frozenset({"key_not_alphanumeric"}),
        keys,
    )


def _labels(keys: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Pairs of label key and value key; spelled alike, or, failing that, the same in any case."""
    customs = [(key, parts) for key in keys if (parts := custom(key))]
    values = {parts: key for key, parts in reversed(customs) if not parts.is_label}
    spelled = {key for key, parts in customs if not parts.is_label}
    for key, parts in customs:
        if parts.is_label and (wanted := parts._replace(is_label=False)) in values:
            yield key, (key[:-5] if key[:-5] in spelled else values[wanted])
