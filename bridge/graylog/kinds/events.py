"""Event definitions: what Graylog watches for."""

from __future__ import annotations

from bridge.graylog.client import Graylog, Json
from bridge.graylog.entity import Body, Entity, Kind, picked

PATH = "/events/definitions"
_CONFIG = (
    *("type", "query", "streams", "group_by", "series", "conditions"),
    *("search_within_ms", "execute_every_ms"),
)


class Definitions(Kind):
    """Event definitions; notifications, grace period and on/off are the operator's."""

    word = "alert"
    rights = "eventdefinitions"

    async def load(self, graylog: Graylog) -> list[Entity]:
        return [
            Entity(self, each["title"], each, each["description"] or "", each["id"])
            for each in await graylog.pages(PATH, "event_definitions")
        ]

    def content(self, body: Body) -> Json:
        kept = picked(body, "priority", "alert", "field_spec", "key_spec", "remediation_steps")
        config = picked(body["config"], *_CONFIG)
        if series := config.get("series"):
            config["series"] = sorted(series, key=str)
        return kept | {"config": config}

    async def create(self, graylog: Graylog, new: Entity) -> str:
        answer = await graylog.create(PATH, _body(new), schedule="true")
        return str(answer["id"])

    async def update(self, graylog: Graylog, old: Entity, new: Entity) -> None:
        keep = ("id", "notifications", "notification_settings", "event_procedure")
        kept = {key: old.body[key] for key in keep if old.body.get(key) is not None}
        enabled = old.body.get("state", "ENABLED") == "ENABLED"
        schedule = "true" if enabled else "false"
        await graylog.put(f"{PATH}/{old.id}", _body(new) | kept, schedule=schedule)

    async def delete(self, graylog: Graylog, old: Entity) -> None:
        await graylog.delete(f"{PATH}/{old.id}")


def _body(entity: Entity) -> Body:
    return entity.body | {"title": entity.name, "description": entity.description}


DEFINITIONS = Definitions()
