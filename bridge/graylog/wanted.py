"""What Graylog shall hold in the end: everything that an installation makes, as entities."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from bridge.graylog.entity import Entity, reference
from bridge.graylog.files import pipelines_folder
from bridge.graylog.kinds.indices import INDEX_SETS, PROFILES, keeping
from bridge.graylog.kinds.rules import PIPELINES, RULES, Connected
from bridge.graylog.kinds.streams import PRESENCE, STREAMS
from bridge.graylog.rules import RuleSet, rule_sets
from bridge.graylog.schema import Schema

STREAM: Final = "Endpoint security (gelf-bridge)"
THE_STREAM: Final = reference("stream")
THE_INDEX_SET: Final = reference("index set")
THE_PROFILE: Final = reference("field types")
_BY_NAME: Final = f'name: "{STREAM}"'
_BY_ID: Final = f'id: "{THE_STREAM}"'


def shipped(schema: Schema, extra: Iterable[str] = ()) -> list[RuleSet]:
    """The rule sets of a schema, and those that belong to every schema or to an `extra`."""
    folders = (schema.name, "common", *extra)
    return [each for each in _all_sets() if each.folder.name in folders]


@cache
def _all_sets() -> tuple[RuleSet, ...]:
    return tuple(rule_sets(pipelines_folder()))


def number(sets: Iterable[RuleSet]) -> int:
    """The number of the rule set: the highest that a rule's first line tells."""
    headers = (rule.header for each in sets for rule in each.rules)
    return max(header.number for header in headers if header)


def profile(schema: Schema) -> Entity:
    """The types of the fields."""
    mappings = [{"field": name, "type": kind} for name, kind in sorted(schema.types.items())]
    text = f"Types of the fields that gelf-bridge and its rules make, with {schema.label} names."
    body = {"custom_field_mappings": mappings}
    return Entity(PROFILES, profile_name(schema), body, text, reference=THE_PROFILE)


def profile_name(schema: Schema) -> str:
    """The name of the profile tells which schema an index set has."""
    return f"gelf-bridge {schema.name}"


def index_set(schema: Schema, defaults: dict[str, object], days: int | None) -> Entity:
    """A copy of the server's own defaults, with the types of the schema."""
    body = defaults | {
        "index_prefix": f"gelf-bridge-{schema.name}",
        "writable": True,
        "field_type_profile": THE_PROFILE,
    }
    if days is not None:
        body |= keeping(days)
    text = f"Events of endpoint security, with {schema.label} names."
    title = f"Endpoint security, {schema.label} (gelf-bridge)"
    return Entity(INDEX_SETS, title, body, text, reference=THE_INDEX_SET)


def stream() -> Entity:
    """Where the bridge's events go, out of the Default Stream."""
    rule = {"field": "bridge_input", "type": PRESENCE, "value": "", "inverted": False}
    body = {
        "matching_type": "AND",
        "remove_matches_from_default_stream": True,
        "index_set_id": THE_INDEX_SET,
        "rules": [rule],
    }
    text = "Everything that gelf-bridge delivers."
    return Entity(STREAMS, STREAM, body, text, reference=THE_STREAM)


def sources(sets: Iterable[RuleSet]) -> list[Entity]:
    """Rules first, then pipelines."""
    each_set = list(sets)
    rules = [
        Entity(RULES, rule.name or "", {"source": _aimed(rule.text)}, _text(rule.path))
        for one in each_set
        for rule in one.rules
    ]
    pipelines = [
        Entity(
            PIPELINES,
            pipeline.name or "",
            {"source": pipeline.text},
            _text(pipeline.path),
            reference=pipeline_reference(pipeline.name or ""),
        )
        for one in each_set
        for pipeline in one.pipelines
    ]
    return [*rules, *pipelines]


def connections(sets: Iterable[RuleSet], stream_reference: str) -> list[Connected]:
    """That the pipelines of these sets run on a stream."""
    names = [pipeline.name or "" for each in sets for pipeline in each.pipelines]
    return [Connected(pipeline_reference(name), name, [stream_reference]) for name in names]


def pipeline_reference(name: str) -> str:
    """How settings name a pipeline whose id is not known yet."""
    return reference("pipeline", name)


def _aimed(text: str) -> str:
    """Titles of streams are not unique: a rule that routes does it by id."""
    return text.replace(_BY_NAME, _BY_ID)


def _text(path: Path) -> str:
    """`Normalizes events (pipelines/cylance/ecs/normalize_cylance.rule)`."""
    place = path.relative_to(pipelines_folder()).as_posix()
    return f"From pipelines/{place} of gelf-bridge."
