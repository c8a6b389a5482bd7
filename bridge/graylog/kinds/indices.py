"""Index sets, the types of their fields, and how long they keep events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from bridge.graylog.client import Graylog, Json
from bridge.graylog.entity import Body, Entity, Ids, Kind, Setting, resolved

SETS: Final = "/system/indices/index_sets"
PROFILES_PATH: Final = f"{SETS}/profiles"
_COPIED: Final = (
    *("shards", "replicas", "rotation_strategy_class", "rotation_strategy"),
    *("retention_strategy_class", "retention_strategy", "data_tiering", "use_legacy_rotation"),
    *("index_analyzer", "index_optimization_max_num_segments", "index_optimization_disabled"),
    "field_type_refresh_interval",
)
"""What a new index set takes over from the server's own defaults."""
_CHANGED: Final = (*_COPIED, "title", "description", "writable", "field_type_profile")
SLACK_DAYS: Final = 10
"""How much longer than asked for an event may stay, until its index is full of old ones."""


class Profiles(Kind):
    """Field type profiles: field → type, for the indices of the sets that use one."""

    word = "field types"
    rights = "mappingprofiles"

    async def load(self, graylog: Graylog) -> list[Entity]:
        return [
            Entity(self, each["name"], each, each["description"] or "", each["id"])
            for each in await graylog.pages(f"{PROFILES_PATH}/paginated", "elements")
        ]

    def content(self, body: Body) -> Json:
        return {each["field"]: each["type"] for each in body["custom_field_mappings"]}

    async def create(self, graylog: Graylog, new: Entity) -> str:
        return str((await graylog.post(PROFILES_PATH, _profile(new)))["id"])

    async def update(self, graylog: Graylog, old: Entity, new: Entity) -> None:
        """Change it, and let the index sets that use it begin new indices with it."""
        await graylog.put(PROFILES_PATH, _profile(new) | {"id": old.id})
        sets = (await graylog.get(SETS, stats="false"))["index_sets"]
        if using := [each["id"] for each in sets if each.get("field_type_profile") == old.id]:
            await _set_profile(graylog, using, old.id)

    async def delete(self, graylog: Graylog, old: Entity) -> None:
        await graylog.delete(f"{PROFILES_PATH}/{old.id}")


def _profile(entity: Entity) -> Body:
    mappings = entity.body["custom_field_mappings"]
    return {
        "name": entity.name,
        "description": entity.description,
        "custom_field_mappings": mappings,
    }


async def _set_profile(graylog: Graylog, index_sets: list[str], profile: str) -> None:
    body = {"index_sets": index_sets, "profile_id": profile, "rotate": True}
    await graylog.put("/system/indices/mappings/set_profile", body)


class IndexSets(Kind):
    """Index sets; once made, how they rotate and what they keep is the operator's."""

    word = "index set"
    rights = "indexsets"
    once = True

    async def load(self, graylog: Graylog) -> list[Entity]:
        answer = await graylog.get(SETS, stats="false")
        return [
            Entity(self, each["title"], each, each["description"] or "", each["id"])
            for each in answer["index_sets"]
        ]

    def content(self, body: Body) -> Json:
        return {"index_prefix": body["index_prefix"], "keeps": keeps(body)}

    async def create(self, graylog: Graylog, new: Entity) -> str:
        named = {"title": new.name, "description": new.description}
        when = {"creation_date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")}
        return str((await graylog.post(SETS, new.body | named | when))["id"])

    async def update(self, graylog: Graylog, old: Entity, new: Entity) -> None:
        """Nothing, see `once`; `FieldTypes` and `Retention` are set by themselves."""

    async def delete(self, graylog: Graylog, old: Entity) -> None:
        """With all events in it."""
        await graylog.delete(f"{SETS}/{old.id}", delete_indices="true")


class FieldTypes(Setting):
    """The profile of an index set, or none; a new one is in force with the next index."""

    word = "field types of the index set"
    right = "indexsets:edit"

    def __init__(self, subject: str, name: str, profile: str | None) -> None:
        super().__init__(subject, name)
        self.profile = profile

    async def read(self, graylog: Graylog, subject: str) -> Json:
        return (await graylog.get(f"{SETS}/{subject}")).get("field_type_profile")

    def merged(self, current: Json, ids: Ids) -> Json:
        return resolved(self.profile, ids)

    async def write(self, graylog: Graylog, subject: str, value: Json) -> None:
        if value is not None:
            await _set_profile(graylog, [subject], value)
            return
        body = {"index_sets": [subject], "rotate": True}
        await graylog.put("/system/indices/mappings/remove_profile_from", body)


class Retention(Setting):
    """How many days an index set keeps events at least."""

    word = "days kept by the index set"
    right = "indexsets:edit"

    def __init__(self, subject: str, name: str, days: int) -> None:
        super().__init__(subject, name)
        self.days = days

    async def read(self, graylog: Graylog, subject: str) -> Json:
        return keeps(await graylog.get(f"{SETS}/{subject}"))

    def merged(self, current: Json, ids: Ids) -> Json:
        return keeps(keeping(self.days))

    async def write(self, graylog: Graylog, subject: str, value: Json) -> None:
        there = await graylog.get(f"{SETS}/{subject}")
        body = {key: there[key] for key in _CHANGED if there.get(key) is not None}
        identity = {"id": subject} if graylog.release.wraps else {}
        await graylog.put(f"{SETS}/{subject}", body | identity | keeping(self.days))


def keeping(days: int) -> Body:
    """The part of an index set that says how long events stay."""
    lifetime = {"index_lifetime_min": f"P{days}D", "index_lifetime_max": f"P{days + SLACK_DAYS}D"}
    return {"data_tiering": {"type": "hot_only", **lifetime}, "use_legacy_rotation": False}


def keeps(index_set: Body) -> str:
    """How long an index set keeps events, for people."""
    if not index_set.get("use_legacy_rotation", True):
        tiers = index_set.get("data_tiering") or {}
        return _days(tiers.get("index_lifetime_min"), tiers.get("index_lifetime_max"))
    rotation = index_set.get("rotation_strategy") or {}
    if "index_lifetime_min" in rotation:
        return _days(rotation["index_lifetime_min"], rotation["index_lifetime_max"])
    retention = index_set.get("retention_strategy") or {}
    number = retention.get("max_number_of_indices", "all")
    return f"the newest {number} indices, {_rotation(rotation)} each"


def _days(least: str | None, most: str | None) -> str:
    texts = [(each or "?").removeprefix("P").removesuffix("D") for each in (least, most)]
    return f"{texts[0]} to {texts[1]} days"


def _rotation(strategy: Body) -> str:
    if period := strategy.get("rotation_period"):
        return str(period)
    if documents := strategy.get("max_docs_per_index"):
        return f"{documents} documents"
    return f"{strategy.get('max_size', '?')} bytes"


async def defaults(graylog: Graylog) -> Body:
    """What the server gives to new index sets; before 6.1 what its default index set has."""
    source = await graylog.find(f"{SETS}/templates/default_config")
    if source is None:
        sets = (await graylog.get(SETS, stats="false"))["index_sets"]
        source = next(each for each in sets if each["default"])
    return {key: source[key] for key in _COPIED if source.get(key) is not None}


PROFILES = Profiles()
INDEX_SETS = IndexSets()
