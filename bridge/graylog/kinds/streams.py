"""Streams, whether they run, and whom they are shared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.graylog.client import Graylog, GraylogError, Json
from bridge.graylog.entity import Body, Entity, Ids, Kind, Setting, picked

DEFAULT_STREAM: Final = "000000000000000000000001"
PRESENCE: Final = 5
"""`StreamRuleType.PRESENCE`: the field exists."""
_RULE: Final = ("field", "type", "value", "inverted")


class Streams(Kind):
    """Streams with their rules; titles are not unique, and a new one is paused."""

    word = "stream"
    rights = "streams"

    def right(self, verb: str) -> str:
        return super().right("edit" if verb == "delete" else verb)

    async def load(self, graylog: Graylog) -> list[Entity]:
        answer = await graylog.get("/streams")
        return [
            Entity(self, each["title"], each, each["description"] or "", each["id"])
            for each in answer["streams"]
        ]

    def content(self, body: Body) -> Json:
        rules = [{key: rule[key] for key in _RULE} for rule in body["rules"]]
        return {
            "matching_type": body["matching_type"],
            "remove_matches_from_default_stream": body["remove_matches_from_default_stream"],
            "index_set_id": body["index_set_id"],
            "rules": sorted(rules, key=str),
        }

    async def create(self, graylog: Graylog, new: Entity) -> str:
        rules = [_rule(each) for each in new.body["rules"]]
        answer = await graylog.create("/streams", _own(new) | {"rules": rules})
        return str(answer["stream_id"])

    async def update(self, graylog: Graylog, old: Entity, new: Entity) -> None:
        await graylog.put(f"/streams/{old.id}", _own(new))
        wanted = {str(_rule(each)): _rule(each) for each in new.body["rules"]}
        there = {str(_rule(each)): each["id"] for each in old.body["rules"]}
        for rule in wanted.keys() - there.keys():
            await graylog.post(f"/streams/{old.id}/rules", wanted[rule])
        for rule in there.keys() - wanted.keys():
            await graylog.delete(f"/streams/{old.id}/rules/{there[rule]}")

    async def delete(self, graylog: Graylog, old: Entity) -> None:
        if old.body["is_default"] or not old.body["is_editable"]:  # 7.0.1 would delete it
            raise GraylogError(f"the stream {old.name} belongs to the system: it stays")
        await graylog.delete(f"/streams/{old.id}")


def _own(entity: Entity) -> Body:
    own = {"title": entity.name, "description": entity.description}
    keys = ("matching_type", "remove_matches_from_default_stream", "index_set_id")
    return own | {key: entity.body[key] for key in keys}


def _rule(rule: Mapping[str, Json]) -> Body:
    return {key: rule[key] for key in _RULE} | {"description": ""}


class Running(Setting):
    """Whether a stream takes messages; new ones are paused until somebody resumes them."""

    word = "state of the stream"
    right = "streams:changestate"

    async def read(self, graylog: Graylog, subject: str) -> Json:
        stream = await graylog.get(f"/streams/{subject}")
        return "paused" if stream["disabled"] else "running"

    def merged(self, current: Json, ids: Ids) -> Json:
        return "running"

    async def write(self, graylog: Graylog, subject: str, value: Json) -> None:
        await graylog.post(f"/streams/{subject}/resume")


class Shared(Setting):
    """Who may read a stream, beside administrators; others that may already keep their rights."""

    word = "readers of the stream"
    right = "streams:edit"

    def __init__(self, subject: str, name: str, grantees: Mapping[str, str]) -> None:
        super().__init__(subject, name)
        self.grantees = dict(grantees)
        """Resource name (`grn::::user:…`) → `view`, `manage` or `own`."""

    async def read(self, graylog: Graylog, subject: str) -> Json:
        answer = await graylog.post(f"/authz/shares/entities/{_grn(subject)}/prepare", {})
        return picked(answer, "selected_grantee_capabilities").get(
            "selected_grantee_capabilities", {}
        )

    def merged(self, current: Json, ids: Ids) -> Json:
        return self.grantees | (current or {})

    async def write(self, graylog: Graylog, subject: str, value: Json) -> None:
        body = {"selected_grantee_capabilities": value}
        await graylog.post(f"/authz/shares/entities/{_grn(subject)}", body)


def _grn(stream: str) -> str:
    return f"grn::::stream:{stream}"


STREAMS = Streams()
