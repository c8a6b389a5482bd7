"""`/system/indices`: index sets, field type profiles, mappings. Classes: IndexSetsResource,
IndexSetTemplateResource, IndexFieldTypeProfileResource, FieldTypeMappingsResource."""

from __future__ import annotations

from typing import Final

from bridge.testing.graylog_rest.answers import (
    Call,
    Json,
    api_error,
    not_found,
    properties,
    request_error,
    route,
)
from bridge.testing.graylog_rest.state import Row, State, base_index_set

_NEEDED: Final = (
    *("title", "index_prefix", "shards", "replicas", "rotation_strategy_class"),
    *("rotation_strategy", "retention_strategy_class", "retention_strategy", "index_analyzer"),
    "index_optimization_max_num_segments",
)
_ALLOWED: Final = (
    *("description", "writable", "creation_date", "index_optimization_disabled"),
    *("field_type_refresh_interval", "index_template_type", "field_type_profile", "data_tiering"),
    *("use_legacy_rotation", "id"),
)
_ONLY_6: Final = ("default", "can_be_default", "data_tiering_status")
_ONLY_7: Final = ("index_set_template_id", "field_restrictions")
_TYPES: Final = (
    *("string", "string_fts", "long", "double", "date", "boolean", "binary", "geo-point", "ip"),
)
_RESERVED: Final = ("message", "source", "timestamp", "streams")


class IndexArea:
    """Handlers for index sets and the types of fields."""

    def __init__(self, state: State) -> None:
        self._state = state

    @route("GET", "/system/indices/index_sets", "indexsets:read")
    def all(self, call: Call) -> tuple[int, Json]:
        rows = [self._shown(each) for each in self._state.index_sets.values()]
        return 200, {"total": len(rows), "index_sets": rows, "stats": {}}

    @route("GET", "/system/indices/index_sets/{}", "indexsets:read")
    def one(self, call: Call) -> tuple[int, Json]:
        return 200, self._shown(self._index_set(call))

    @route("GET", "/system/indices/index_sets/templates/default_config")
    def defaults(self, call: Call) -> tuple[int, Json]:
        if self._state.release < (6, 1):
            raise api_error(404, "HTTP 404 Not Found")
        return 200, base_index_set()

    @route("POST", "/system/indices/index_sets", "indexsets:create")
    def create(self, call: Call) -> tuple[int, Json]:
        own = _ONLY_7 if self._state.major >= 7 else _ONLY_6
        body = call.checked(_NEEDED, (*_ALLOWED, *own))
        self._check_prefix(body["index_prefix"])
        self._check_tiering(body)
        row = {"default": False, "can_be_default": True, "field_type_profile": None, **body}
        return 200, self._state.add(self._state.index_sets, row)

    @route("PUT", "/system/indices/index_sets/{}", "indexsets:edit")
    def update(self, call: Call) -> tuple[int, Json]:
        """Unknown properties are ignored here; what is left out is lost."""
        row = self._index_set(call)
        body = properties(call.body, [], call.body)
        if not body.get("title"):
            raise request_error("Missing required properties: title")
        self._check_tiering(body)
        kept = {key: row[key] for key in ("default", "can_be_default", "index_prefix")}
        row |= {"field_type_profile": None, **body, **kept, "id": row["id"]}
        return 200, self._shown(row)

    @route("DELETE", "/system/indices/index_sets/{}", "indexsets:delete")
    def delete(self, call: Call) -> tuple[int, Json]:
        row = self._index_set(call)
        if row["default"]:
            raise api_error(400, f"Default index set <{row['id']}> cannot be deleted!")
        del self._state.index_sets[row["id"]]
        return 204, None

    @route("GET", "/system/indices/index_sets/types/{}/all", "indexsets:read")
    def field_types(self, call: Call) -> tuple[int, Json]:
        """The types that the profile gives; without one, those of dynamic mapping."""
        row = self._state.index_sets.get(call.arguments[0])
        if row is None:
            raise not_found("Index set")
        profile = self._state.profiles.get(row["field_type_profile"] or "")
        pinned = {
            each["field"]: each["type"] for each in (profile or {}).get("custom_field_mappings", [])
        }
        seen = {
            name: pinned.get(name) or _dynamic(value)
            for message in self._state.messages
            for name, value in message.items()
        }
        return 200, [
            {"field_name": name, "type": kind, "origin": "PROFILE", "is_reserved": False}
            for name, kind in sorted((pinned | seen).items())
        ]

    @route("GET", "/system/indices/index_sets/profiles/paginated", "mappingprofiles:read")
    def profiles(self, call: Call) -> tuple[int, Json]:
        rows = [each | {"index_set_ids": []} for each in self._state.profiles.values()]
        return 200, page(call, rows, "elements")

    @route("POST", "/system/indices/index_sets/profiles", "mappingprofiles:create")
    def create_profile(self, call: Call) -> tuple[int, Json]:
        body = call.checked(("name", "custom_field_mappings"), ("description",))
        _check_mappings(body)
        return 200, self._state.add(self._state.profiles, dict(body))

    @route("PUT", "/system/indices/index_sets/profiles", "mappingprofiles:edit")
    def update_profile(self, call: Call) -> tuple[int, Json]:
        body = call.checked(("id", "name", "custom_field_mappings"), ("description",))
        if body["id"] not in self._state.profiles:
            raise not_found(f"Profile <{body['id']}>")
        _check_mappings(body)
        self._state.profiles[body["id"]] = dict(body)
        return 204, None

    @route("DELETE", "/system/indices/index_sets/profiles/{}", "mappingprofiles:delete")
    def delete_profile(self, call: Call) -> tuple[int, Json]:
        self._state.profiles.pop(call.arguments[0], None)
        for row in self._state.index_sets.values():
            if row["field_type_profile"] == call.arguments[0]:
                row["field_type_profile"] = None
        return 204, None

    @route("PUT", "/system/indices/mappings/set_profile", "indexsets:edit")
    def set_profile(self, call: Call) -> tuple[int, Json]:
        body = call.checked(("index_sets", "profile_id"), ("rotate",))
        if body["profile_id"] not in self._state.profiles:
            raise not_found(f"Profile <{body['profile_id']}>")
        self._set(body, body["profile_id"])
        return 200, None

    @route("PUT", "/system/indices/mappings/remove_profile_from", "indexsets:edit")
    def remove_profile(self, call: Call) -> tuple[int, Json]:
        body = call.checked(("index_sets",), ("rotate",))
        self._set(body, None)
        return 200, None

    def _set(self, body: Row, profile: str | None) -> None:
        for identity in body["index_sets"]:
            self._state.index_sets[identity]["field_type_profile"] = profile
            if body.get("rotate"):
                self._state.rotated.append(identity)

    def _index_set(self, call: Call) -> Row:
        if call.arguments[0] not in self._state.index_sets:
            raise not_found(f"Index set <{call.arguments[0]}>")
        return self._state.index_sets[call.arguments[0]]

    def _shown(self, row: Row) -> Row:
        """7.0 leaves out what is null."""
        if self._state.major >= 7:
            return {key: value for key, value in row.items() if value is not None}
        return row

    def _check_prefix(self, prefix: str) -> None:
        for row in self._state.index_sets.values():
            other = row["index_prefix"]
            if prefix.startswith(other) or other.startswith(prefix):
                text = f"Index prefix '{prefix}' would conflict with existing index set prefix"
                raise api_error(400, f"{text} '{other}'")

    def _check_tiering(self, body: Row) -> None:
        if body.get("use_legacy_rotation") is False and not body.get("data_tiering"):
            raise api_error(400, "data_tiering cannot be null!")


def page(call: Call, rows: list[Row], key: str) -> Row:
    """One page of a list, as asked for by `page` and `per_page`."""
    size = int(call.query.get("per_page", "50"))
    number = int(call.query.get("page", "1"))
    shown = rows[(number - 1) * size : number * size]
    counts = {"total": len(rows), "count": len(shown), "page": number, "per_page": size}
    return {"query": None, "pagination": counts, **counts, key: shown}


def _check_mappings(body: Row) -> None:
    for each in body["custom_field_mappings"]:
        mapping = properties(each, ("field", "type"))
        if mapping["type"] not in _TYPES:
            raise api_error(400, f"Invalid type specified: {mapping['type']}")
        if mapping["field"] in _RESERVED or mapping["field"].startswith("gl2_"):
            raise api_error(400, f"Field {mapping['field']} is reserved")


def _dynamic(value: Json) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "long"
    return "double" if isinstance(value, float) else "string"
