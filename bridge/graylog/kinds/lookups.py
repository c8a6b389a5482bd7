"""Lookup tables with their caches and adapters, and the URLs that Graylog may ask."""

from __future__ import annotations

import uuid
from typing import ClassVar

from bridge.graylog.client import Graylog, Json
from bridge.graylog.entity import Body, Entity, Ids, Kind, Setting, as_text, picked


class Lookups(Kind):
    """Tables, caches or adapters; names are unique on a server."""

    rights = "lookuptables"
    path: ClassVar[str]
    rows: ClassVar[str]
    decided: ClassVar[tuple[str, ...]]

    async def load(self, graylog: Graylog) -> list[Entity]:
        return [
            Entity(self, each["name"], each, each["description"] or "", each["id"])
            for each in await graylog.pages(self.path, self.rows)
        ]

    def content(self, body: Body) -> Json:
        return picked(body, "title", *self.decided)

    async def create(self, graylog: Graylog, new: Entity) -> str:
        return str((await graylog.post(self.path, self._body(new)))["id"])

    async def update(self, graylog: Graylog, old: Entity, new: Entity) -> None:
        await graylog.put(f"{self.path}/{old.id}", self._body(new) | {"id": old.id})

    async def delete(self, graylog: Graylog, old: Entity) -> None:
        await graylog.delete(f"{self.path}/{old.id}")

    def _body(self, entity: Entity) -> Body:
        named = {"name": entity.name, "description": entity.description}
        return {key: entity.body[key] for key in ("title", *self.decided)} | named


class Caches(Lookups):
    """What a table remembers of its adapter's answers."""

    word = "lookup cache"
    path = "/system/lookup/caches"
    rows = "caches"
    decided = ("config",)


class Adapters(Lookups):
    """Where a table's answers come from."""

    word = "lookup adapter"
    path = "/system/lookup/adapters"
    rows = "data_adapters"
    decided = ("config",)

    def text(self, entity: Entity) -> str:
        """Headers can hold a key."""
        content = entity.content
        headers = content["config"].get("headers") or {}
        hidden = {"headers": dict.fromkeys(headers, "***")} if headers else {}
        return as_text(content | {"config": content["config"] | hidden})


class Tables(Lookups):
    """What rules ask: `lookup_value("gelf-bridge-intel", …)`."""

    word = "lookup table"
    path = "/system/lookup/tables"
    rows = "lookup_tables"
    decided = (
        *("cache_id", "data_adapter_id", "default_single_value", "default_single_value_type"),
        *("default_multi_value", "default_multi_value_type"),
    )


class Allowed(Setting):
    """A URL that Graylog may ask; all others on the list stay."""

    word = "URLs that Graylog may ask"
    right = "urlallowlist:write"

    def __init__(self, name: str, pattern: str) -> None:
        super().__init__("", name)
        self.pattern = pattern
        """A regular expression (of Java) for the whole URL; empty takes the entry away."""

    async def read(self, graylog: Graylog, subject: str) -> Json:
        return await graylog.get(_path(graylog))

    def merged(self, current: Json, ids: Ids) -> Json:
        entries = (current or {}).get("entries", [])
        if any(each["type"] == "regex" and each["value"] == self.pattern for each in entries):
            return current
        kept = [each for each in entries if each["title"] != self.name]
        if self.pattern:
            own = {"type": "regex", "title": self.name, "value": self.pattern}
            kept.append({"id": str(uuid.uuid5(uuid.NAMESPACE_URL, self.name))} | own)
        return (current or {"disabled": False}) | {"entries": kept}

    async def write(self, graylog: Graylog, subject: str, value: Json) -> None:
        await graylog.put(_path(graylog), value)


def _path(graylog: Graylog) -> str:
    return f"/system/url{'allowlist' if graylog.release.wraps else 'whitelist'}"


CACHES = Caches()
ADAPTERS = Adapters()
TABLES = Tables()
