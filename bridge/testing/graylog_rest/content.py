"""Views, event definitions and lookup tables. Classes: SearchResource, ViewsResource,
DashboardsResource, EventDefinitionsResource, LookupTableResource."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Final

from bridge.testing.graylog_rest.answers import (
    Call,
    Json,
    Problem,
    api_error,
    not_found,
    properties,
    request_error,
    route,
)
from bridge.testing.graylog_rest.indices import page
from bridge.testing.graylog_rest.state import Row, State, now

_QUERY: Final = (("id", "query", "timerange", "search_types"), ("filter", "filters"))
_COMMON: Final = ("timerange", "query", "streams", "stream_categories", "name", "filter", "filters")
_SEARCH_TYPES: Final = {
    "pivot": ("row_groups", "column_groups", "series", "sort", "rollup"),
    "messages": ("limit", "offset", "sort", "fields", "decorators"),
}
_LOOKS: Final = {
    "bar": ("barmode", "axis_type"),
    "line": ("interpolation", "axis_type"),
    "numeric": ("trend", "trend_preference"),
}
_VIEW: Final = (
    ("title", "search_id", "state"),
    (
        *("id", "type", "summary", "description", "properties", "requires", "owner"),
        *("created_at", "favorite", "last_updated_at"),
    ),
)
_DEFINITION: Final = (
    ("title", "description", "priority", "config", "notification_settings"),
    (
        *("id", "alert", "field_spec", "key_spec", "notifications", "storage", "state"),
        *("remediation_steps", "event_procedure", "updated_at", "matched_at", "_scope"),
    ),
)
_CONFIG: Final = (
    ("type", "query", "streams", "group_by", "series", "search_within_ms", "execute_every_ms"),
    (
        *("query_parameters", "filters", "stream_categories", "conditions", "event_limit"),
        *("use_cron_scheduling", "cron_expression", "cron_timezone"),
    ),
)
_LOOKUPS: Final = {
    "caches": (("title", "name", "config"), ("id", "description", "content_pack")),
    "adapters": (
        ("title", "name", "config"),
        (
            *("id", "description", "content_pack", "custom_error_ttl_enabled"),
            *("custom_error_ttl", "custom_error_ttl_unit"),
        ),
    ),
    "tables": (
        ("title", "name", "cache_id", "data_adapter_id"),
        (
            *("id", "description", "default_single_value", "default_single_value_type"),
            *("default_multi_value", "default_multi_value_type", "content_pack"),
        ),
    ),
}
_ROWS: Final = {"caches": "caches", "adapters": "data_adapters", "tables": "lookup_tables"}


class ContentArea:
    """Handlers for what people look at, what Graylog watches for and what it looks up."""

    def __init__(self, state: State) -> None:
        self._state = state

    @route("POST", "/views/search")
    def create_search(self, call: Call) -> tuple[int, Json]:
        body = call.checked(("queries",), ("id", "parameters", "skip_no_streams_check"))
        queries = [_checked_query(each) for each in body["queries"]]
        row = {"parameters": [], "skip_no_streams_check": False, **body, "queries": queries}
        return 201, self._state.add(self._state.searches, row)

    @route("POST", "/views", "view:create")
    def create_view(self, call: Call) -> tuple[int, Json]:
        body = self._checked_view(call)
        row = {"owner": "admin", "created_at": now(), "favorite": False, **body}
        return 200, self._state.add(self._state.views, row)

    @route("PUT", "/views/{}", "view:edit")
    def update_view(self, call: Call) -> tuple[int, Json]:
        row = self._view(call)
        body = self._checked_view(call)
        self._state.views[row["id"]] = row | body | {"id": row["id"]}
        return 200, self._state.views[row["id"]]

    @route("GET", "/views/{}", "view:read")
    def view(self, call: Call) -> tuple[int, Json]:
        return 200, self._view(call)

    @route("DELETE", "/views/{}", "view:delete")
    def delete_view(self, call: Call) -> tuple[int, Json]:
        return 200, self._state.views.pop(self._view(call)["id"])

    @route("GET", "/dashboards")
    def dashboards(self, call: Call) -> tuple[int, Json]:
        return 200, _listed(call, self._summaries("DASHBOARD"))

    @route("GET", "/search/saved")
    def saved_searches(self, call: Call) -> tuple[int, Json]:
        return 200, _listed(call, self._summaries("SEARCH"))

    @route("GET", "/events/definitions", "eventdefinitions:read")
    def definitions(self, call: Call) -> tuple[int, Json]:
        rows = page(call, list(self._state.definitions.values()), "event_definitions")
        return 200, {
            key: value for key, value in rows.items() if key not in ("query", "pagination")
        }

    @route("POST", "/events/definitions", "eventdefinitions:create")
    def create_definition(self, call: Call) -> tuple[int, Json]:
        scheduled = call.query.get("schedule", "true") == "true"
        row = self._checked_definition(call) | {"state": "ENABLED" if scheduled else "DISABLED"}
        return 200, self._state.add(self._state.definitions, row)

    @route("PUT", "/events/definitions/{}", "eventdefinitions:edit")
    def update_definition(self, call: Call) -> tuple[int, Json]:
        identity = call.arguments[0]
        if identity not in self._state.definitions:
            raise not_found(f"Event definition <{identity}>")
        if call.body.get("id") != identity:
            errors = {"id": ["Event definition IDs don't match"]}
            raise Problem(400, {"failed": True, "errors": errors, "error_context": {}})
        row = self._checked_definition(call)
        scheduled = call.query.get("schedule", "true") == "true"
        row["state"] = "ENABLED" if scheduled else "DISABLED"
        self._state.definitions[identity] = row
        return 200, row

    @route("DELETE", "/events/definitions/{}", "eventdefinitions:delete")
    def delete_definition(self, call: Call) -> tuple[int, Json]:
        if self._state.definitions.pop(call.arguments[0], None) is None:
            raise not_found("Event definition")
        return 204, None

    @route("GET", "/system/lookup/{}", "lookuptables:read")
    def lookups(self, call: Call) -> tuple[int, Json]:
        word, table = self._lookup_table(call)
        related: Row = {"caches": {}, "data_adapters": {}} if word == "tables" else {}
        return 200, page(call, list(table.values()), _ROWS[word]) | related

    @route("POST", "/system/lookup/{}", "lookuptables:create")
    def create_lookup(self, call: Call) -> tuple[int, Json]:
        word, table = self._lookup_table(call)
        body = call.checked(*_LOOKUPS[word])
        if any(each["name"] == body["name"] for each in table.values()):
            raise api_error(400, f"Name {body['name']} is in use already")
        row = {"_scope": "DEFAULT", "content_pack": None, **body}
        if word == "adapters":
            ttl = ("custom_error_ttl_enabled", "custom_error_ttl", "custom_error_ttl_unit")
            row = dict.fromkeys(ttl) | row
        return 200, self._state.add(table, row)

    @route("PUT", "/system/lookup/{}/{}", "lookuptables:edit")
    def update_lookup(self, call: Call) -> tuple[int, Json]:
        word, table = self._lookup_table(call)
        body = call.checked(*_LOOKUPS[word])
        if call.arguments[1] not in table:
            raise not_found(f"<{call.arguments[1]}>")
        table[call.arguments[1]] |= body
        return 200, table[call.arguments[1]]

    @route("DELETE", "/system/lookup/{}/{}", "lookuptables:delete")
    def delete_lookup(self, call: Call) -> tuple[int, Json]:
        """An adapter or cache that a table uses stays."""
        word, table = self._lookup_table(call)
        if call.arguments[1] not in table:
            raise not_found(f"<{call.arguments[1]}>")
        users = [] if word == "tables" else list(self._state.tables.values())
        if any(call.arguments[1] in (each["cache_id"], each["data_adapter_id"]) for each in users):
            raise api_error(400, "The entity is still in use.")
        return 200, table.pop(call.arguments[1])

    def _lookup_table(self, call: Call) -> tuple[str, dict[str, Row]]:
        word = call.arguments[0]
        if word not in _LOOKUPS:
            raise not_found("HTTP 404")
        tables = {
            "caches": self._state.caches,
            "adapters": self._state.adapters,
            "tables": self._state.tables,
        }
        return word, tables[word]

    def _view(self, call: Call) -> Row:
        if call.arguments[0] not in self._state.views:
            raise api_error(404, f"View {call.arguments[0]} doesn't exist")
        return self._state.views[call.arguments[0]]

    def _checked_view(self, call: Call) -> Row:
        """Widgets, positions and searches must belong together (ViewsResource)."""
        body: Row = copy.deepcopy(call.checked(*_VIEW))
        for state in body["state"].values():
            state["widgets"] = [_completed_widget(each) for each in state["widgets"]]
        search = self._state.searches.get(body["search_id"])
        if search is None:
            raise api_error(400, f"Search {body['search_id']} not available")
        queries = {each["id"] for each in search["queries"]}
        types = {each["id"] for query in search["queries"] for each in query["search_types"]}
        for key, state in body["state"].items():
            mapped = {each for ids in state["widget_mapping"].values() for each in ids}
            widgets = {each["id"] for each in state["widgets"]}
            if key not in queries:
                raise api_error(400, "Search queries do not correspond to view/state queries")
            if not mapped <= types:
                raise api_error(400, "Search types do not correspond to view/search types")
            if not widgets <= state["positions"].keys():
                raise api_error(400, "Widget positions don't correspond to widgets")
        source = {"_entity_source": None} if self._state.major >= 7 else {}
        return body | {"last_updated_at": now()} | source

    def _summaries(self, kind: str) -> Iterator[Row]:
        """Views without what they show."""
        for row in self._state.views.values():
            if row.get("type", "DASHBOARD") == kind:
                yield {key: value for key, value in row.items() if key != "state"}

    def _checked_definition(self, call: Call) -> Row:
        body = call.checked(*_DEFINITION)
        config = properties(body["config"], *_CONFIG)
        errors = _complaints(body, config)
        if errors:
            raise Problem(400, {"failed": True, "errors": errors, "error_context": {}})
        stored: Row = {"_scope": "DEFAULT", "updated_at": now(), "matched_at": None}
        added: Row = {"stream_categories": [], "cron_expression": None, "cron_timezone": None}
        if self._state.major >= 7:
            stored["_entity_source"] = None
        return {**stored, **body, "scheduler": None, "config": added | config}


def _checked_query(query: Json) -> Row:
    """A query of a search, with what the server adds to it."""
    found = properties(query, *_QUERY)
    types = []
    for each in found["search_types"]:
        kind = each.get("type")
        if kind not in _SEARCH_TYPES:
            raise request_error(f"Could not resolve type id '{kind}'")
        properties(each, ("id", "type"), (*_COMMON, *_SEARCH_TYPES[kind]))
        added: Row = dict.fromkeys(_COMMON)
        added |= {"streams": [], "stream_categories": [], "filters": []}
        types.append(added | ({"fields": []} if kind == "messages" else {}) | each)
    return {"filter": None, "filters": [], **found, "search_types": types}


def _completed_widget(widget: Row) -> Row:
    """A widget with what the server adds, the limits of its pivots among it."""
    config = {"units": {}, **widget["config"]}
    for side in ("row", "column"):
        for pivot in config.get(f"{side}_pivots", []):
            properties(pivot, ("type", "fields", "config"), ("field",))
            config[f"{side}_limit"] = pivot["config"].get("limit")
    if (look := _LOOKS.get(str(config.get("visualization")))) and config.get(
        "visualization_config"
    ):
        properties(config["visualization_config"], (), look)
    return {"filter": None, "filters": [], "stream_categories": [], **widget, "config": config}


def _listed(call: Call, rows: Iterator[Row]) -> Row:
    return page(call, list(rows), "elements") | {"sort": "title", "order": "asc"}


def _complaints(body: Row, config: Row) -> dict[str, list[str]]:
    """What EventDefinitionDto and AggregationEventProcessorConfig say."""
    errors: dict[str, list[str]] = {}
    conditions = (config.get("conditions") or {}).get("expression")
    if config["group_by"] and not (config["series"] and conditions):
        errors["series"] = ["Aggregation with group_by must also contain series"]
    if bool(config["series"]) != bool(conditions):
        errors["conditions"] = ["Aggregation with series must also contain conditions"]
    if not config["series"] and not config.get("event_limit"):
        errors["event_limit"] = ["Event limit must be greater than 0."]
    if not set(body.get("key_spec") or []) <= set(body.get("field_spec") or {}):
        errors["key_spec"] = ["Event Definition key_spec can only contain fields of field_spec."]
    return errors
