"""Views are kept twice, as widgets and as searches, and both belong together."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bridge.graylog.alerts import alerts, first
from bridge.graylog.dashboards import dashboards, repeated_events
from bridge.graylog.schema import SCHEMAS, Schema
from bridge.graylog.widgets import COLUMNS, EVENTS, Widget, series, view

BOTH = pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)


def pages(body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    [state] = body["state"].values()
    [query] = body["search"]["queries"]
    return state, query


@BOTH
def test_each_widget_has_its_search_and_its_place(schema: Schema) -> None:
    for each in (*dashboards(schema), repeated_events()):
        state, query = pages(each.body)
        searches = {search["id"] for search in query["search_types"]}
        widgets = {widget["id"] for widget in state["widgets"]}
        assert widgets == state["positions"].keys() == state["widget_mapping"].keys()
        assert {one for ids in state["widget_mapping"].values() for one in ids} == searches
        assert len(widgets) == len(state["widgets"])


@BOTH
def test_widgets_do_not_lie_on_each_other(schema: Schema) -> None:
    for each in dashboards(schema):
        taken: set[tuple[int, int]] = set()
        for place in pages(each.body)[0]["positions"].values():
            columns = range(place["col"], place["col"] + place["width"])
            rows = range(place["row"], place["row"] + place["height"])
            cells = {(column, row) for column in columns for row in rows}
            assert not cells & taken
            assert max(columns) <= COLUMNS
            taken |= cells


@BOTH
def test_events_are_counted_once_however_often_they_were_delivered(schema: Schema) -> None:
    """Plain counts are only for what counts deliveries, and for silence."""
    for each in dashboards(schema):
        assert "count()" not in str(each.body)
    counting = {each.name for each in alerts(schema) if "'type': 'count'" in str(each.body)}
    assert counting == {"Bridge silent"}
    assert EVENTS in str(dashboards(schema)[0].body)


@BOTH
def test_only_fields_of_the_schema_are_named(schema: Schema) -> None:
    other = next(each for each in SCHEMAS.values() if each is not schema)
    foreign = other.types.keys() - schema.types.keys()
    words = str([each.body for each in (*dashboards(schema), *alerts(schema))])
    assert {name for name in foreign if re.search(rf"\b{name}\b", words)} == set()


def test_ids_never_change() -> None:
    """Else each version would replace all dashboards."""
    one, other = (str(dashboards(SCHEMAS["ecs"])[0].body) for _ in range(2))
    assert one == other


def test_streams_reach_every_widget_of_a_dashboard() -> None:
    body = dashboards(SCHEMAS["ecs"], ["s"])[0].body
    state, query = pages(body)
    assert all(each["streams"] == ["s"] for each in (*state["widgets"], *query["search_types"]))


def test_a_saved_search_has_one_query_for_all() -> None:
    state, query = pages(repeated_events(["s"]).body)
    assert query["filter"] == {"type": "or", "filters": [{"type": "stream", "id": "s"}]}
    assert all(each["query"] is None for each in state["widgets"])
    assert "event_uid" in query["query"]["query_string"]


def test_series_are_written_as_functions() -> None:
    assert series("card(a)") == {"type": "card", "id": "card(a)", "field": "a"}
    assert series("count()") == {"type": "count", "id": "count()", "field": None}


def test_a_row_of_widgets_wraps() -> None:
    widgets = [Widget(str(n), "numeric", "*", width=5, height=n + 1) for n in range(3)]
    body = view("k", widgets, summary="", tab="", seconds=60, streams=())
    places = list(pages(body)[0]["positions"].values())
    assert [(each["col"], each["row"]) for each in places] == [(1, 1), (6, 1), (1, 3)]


def test_the_first_field_that_is_there_fills_a_template() -> None:
    assert first("a") == "${source.a}"
    assert first("a", "b") == "${if source.a}${source.a}${else}${source.b}${end}"


@BOTH
def test_keys_of_alerts_are_among_their_fields(schema: Schema) -> None:
    for each in alerts(schema):
        assert set(each.body["key_spec"]) <= each.body["field_spec"].keys()
        assert each.body["notification_settings"]["grace_period_ms"] > 0
        if each.body["field_spec"] and "host" in each.body["field_spec"]:
            assert "NOT _exists_:bridge_demo" in each.body["config"]["query"]


@BOTH
def test_windows_overlap_by_as_much_as_events_can_be_late(schema: Schema) -> None:
    late = 15 * 60_000
    for each in alerts(schema):
        config = each.body["config"]
        if not config["series"]:
            assert config["search_within_ms"] - config["execute_every_ms"] >= late
