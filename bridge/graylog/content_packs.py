"""Content packs for those who click: rules, and what looks at events, as files to be uploaded.

Two packs for each schema. `rules` binds its pipelines to the Default Stream by title and holds
neither input nor stream: to upgrade it, uninstall the old revision and install the new one, and
nothing is lost. `content` looks at all streams. The format is Graylog's version 1.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from bridge.graylog import wanted
from bridge.graylog.alerts import alerts
from bridge.graylog.client import Json
from bridge.graylog.dashboards import dashboards
from bridge.graylog.entity import Body, Entity
from bridge.graylog.kinds.rules import PIPELINES
from bridge.graylog.ownership import Mark, digest, marked
from bridge.graylog.schema import SCHEMAS, Schema
from bridge.version import VERSION

FOLDER: Final = "content_packs"
_DATE: Final = "2026-01-01T00:00:00.000Z"
_DEFAULT_STREAM: Final = "Default Stream"


def packs() -> dict[str, Body]:
    """All packs, by the name of their file."""
    made = {}
    for schema in SCHEMAS.values():
        made[f"gelf-bridge-rules-{schema.name}.json"] = rules_pack(schema)
        made[f"gelf-bridge-content-{schema.name}.json"] = content_pack(schema)
    return made


def write(folder: Path) -> list[Path]:
    """Write all packs into a folder; their files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, pack in packs().items():
        path = folder / name
        path.write_text(as_text(pack), encoding="utf-8")
        paths.append(path)
    return paths


def as_text(pack: Body) -> str:
    """A pack as the file has it."""
    return json.dumps(pack, indent=1, ensure_ascii=False) + "\n"


def rules_pack(schema: Schema) -> Body:
    """Rules and pipelines on the Default Stream."""
    sets = wanted.shipped(schema)
    stream = _id("stream", schema.name)
    title = {"title": _value(_DEFAULT_STREAM)}
    entities = [_entity("stream_title", stream, title)]
    number = wanted.number(sets)
    for each in wanted.sources(sets):
        data = {
            "title": _value(each.name),
            "description": _value(_described(each, number)),
            "source": _value(each.body["source"]),
        }
        if each.kind is PIPELINES:
            data["connected_streams"] = [_value(stream)]
            entities.append(_entity("pipeline", _id("pipeline", schema.name, each.name), data))
        else:
            entities.append(_entity("pipeline_rule", _id("rule", schema.name, each.name), data))
    return _pack(
        f"gelf-bridge rules ({schema.label})",
        f"Rules and pipelines that give events of gelf-bridge {schema.label} names",
        "Runs on the Default Stream. To upgrade, uninstall the old revision, then install the new "
        "one. Use either this pack or `gelf-bridge pipelines install`, not both.",
        number,
        entities,
    )


def content_pack(schema: Schema) -> Body:
    """Dashboards and alerts on all streams."""
    number = wanted.number(wanted.shipped(schema))
    entities = [_dashboard(schema, each, number) for each in dashboards(schema)]
    entities += [_alert(schema, each, number) for each in alerts(schema)]
    return _pack(
        f"gelf-bridge dashboards and alerts ({schema.label})",
        "Dashboards and event definitions for events of gelf-bridge",
        f"For events that the rules of gelf-bridge gave {schema.label} names. The alerts have no "
        "notifications: add yours.",
        number,
        entities,
    )


def _pack(name: str, summary: str, text: str, revision: int, entities: Iterable[Body]) -> Body:
    return {
        "v": 1,
        "id": _id("pack", name),
        "rev": revision,
        "name": name,
        "summary": summary,
        "description": text,
        "vendor": f"gelf-bridge {VERSION}",
        "url": "",
        "parameters": [],
        "entities": list(entities),
    }


def _entity(kind: str, identity: str, data: Body, version: str = "1") -> Body:
    """Without constraints; Graylog adds none that matter."""
    return {
        "v": "1",
        "type": {"name": kind, "version": version},
        "id": identity,
        "data": data,
        "constraints": [],
    }


def _dashboard(schema: Schema, entity: Entity, number: int) -> Body:
    body = entity.body
    search = {
        "queries": body["search"]["queries"],
        "parameters": [],
        "requires": {},
        "owner": "admin",
        "created_at": _DATE,
    }
    data = {
        "type": "DASHBOARD",
        "title": _value(entity.name),
        "summary": _value(body["summary"]),
        "description": _value(_described(entity, number)),
        "search": search,
        "properties": [],
        "requires": {},
        "state": body["state"],
        "owner": "admin",
        "created_at": _DATE,
    }
    return _entity("dashboard", _id("dashboard", schema.name, entity.name), data, "2")


def _alert(schema: Schema, entity: Entity, number: int) -> Body:
    body = entity.body
    config = body["config"] | {
        "query": _value(body["config"]["query"]),
        "stream_categories": [],
        "use_cron_scheduling": False,
        "cron_expression": None,
        "cron_timezone": None,
    }
    data = {
        "title": _value(entity.name),
        "description": _value(_described(entity, number)),
        "remediation_steps": _value(""),
        "priority": _value(body["priority"]),
        "alert": _value(body["alert"]),
        "config": config,
        "field_spec": body["field_spec"],
        "key_spec": body["key_spec"],
        "notification_settings": body["notification_settings"],
        "notifications": [],
        "storage": body["storage"],
        "is_scheduled": _value(True),
    }
    return _entity("event_definition", _id("alert", schema.name, entity.name), data)


def _described(entity: Entity, number: int) -> str:
    """With the mark that the installer knows its own by."""
    return marked(entity.description, Mark(number, digest(entity.content)))


def _value(value: Any) -> Json:
    kind = {bool: "boolean", int: "integer", str: "string"}[type(value)]
    return {"@type": kind, "@value": value}


def _id(*parts: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "gelf-bridge/" + "/".join(parts)))
