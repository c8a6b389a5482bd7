"""Widgets of dashboards and saved searches, and the JSON that Graylog wants for them.

Graylog keeps a view twice: as widgets, and as the searches behind them, joined by a mapping of
their ids. Both come from one `Widget` here. Everything counts distinct `event_uid`, so that an
event that was delivered twice is one event.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from bridge.graylog.client import Json
from bridge.graylog.entity import Body

EVENTS: Final = "card(event_uid)"
Shape = Literal["numeric", "bar", "line", "table", "messages"]
COLUMNS: Final = 12
_LOOKS: Final[dict[str, Body | None]] = {
    "numeric": {"trend": True, "trend_preference": "NEUTRAL"},
    "bar": {"barmode": "stack", "axis_type": "linear"},
    "line": {"interpolation": "linear", "axis_type": "linear"},
    "table": None,
}


@dataclass(frozen=True, slots=True)
class Widget:
    """One widget; `rows` are fields to group by, `timestamp` for a course of time."""

    title: str
    shape: Shape
    query: str
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    series: tuple[str, ...] = (EVENTS,)
    """`function(field)`; the first one sorts, the greatest first."""
    smallest_first: bool = False
    fields: tuple[str, ...] = ()
    """What a list of messages shows."""
    width: int = 6
    height: int = 4
    limit: int = 15


def view(
    key: str,
    widgets: Sequence[Widget],
    *,
    summary: str,
    tab: str,
    seconds: int,
    streams: Sequence[str],
    own_queries: bool = True,
) -> Body:
    """The body of a view with `search` beside it; all ids come from `key`, so they never change.

    Widgets of a dashboard have queries of their own (`own_queries`); those of a saved search show
    the one query of the whole.
    """
    page = _id(key, "page")
    spans = {"type": "relative", "range": seconds}
    query = "" if own_queries else widgets[0].query
    drawn = [_drawn(key, each, spans, streams, own_queries) for each in widgets]
    searched = [_searched(key, each, spans, streams, own_queries) for each in widgets]
    titles = {_id(key, each.title): each.title for each in widgets}
    state: Body = {
        "selected_fields": None,
        "static_message_list_id": None,
        "titles": {"tab": {"title": tab}, "widget": titles},
        "widgets": drawn,
        "widget_mapping": {each: [_id(each, "search")] for each in titles},
        "positions": _positions(key, widgets),
        "formatting": {"highlighting": []},
        "display_mode_settings": {"positions": {}},
    }
    search = {
        "id": page,
        "query": _query(query),
        "timerange": spans,
        "filter": None if own_queries else _streams(streams),
        "filters": [],
        "search_types": searched,
    }
    return {
        "summary": summary,
        "properties": [],
        "requires": {},
        "state": {page: state},
        "search": {"parameters": [], "queries": [search]},
    }


def _id(*parts: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "gelf-bridge/" + "/".join(parts)))


def _query(text: str) -> Body:
    return {"type": "elasticsearch", "query_string": text}


def _streams(streams: Sequence[str]) -> Body | None:
    if not streams:
        return None
    return {"type": "or", "filters": [{"type": "stream", "id": each} for each in streams]}


def _drawn(key: str, widget: Widget, spans: Body, streams: Sequence[str], own: bool) -> Body:
    """The widget as it is shown."""
    return {
        "id": _id(key, widget.title),
        "type": "messages" if widget.shape == "messages" else "aggregation",
        "filter": None,
        "filters": [],
        "timerange": spans if own else None,
        "query": _query(widget.query) if own else None,
        "streams": list(streams) if own else [],
        "stream_categories": [],
        "config": _list(widget) if widget.shape == "messages" else _aggregation(widget),
    }


def _list(widget: Widget) -> Body:
    return {
        "fields": list(widget.fields),
        "show_message_row": True,
        "show_summary": True,
        "decorators": [],
        "sort": [{"type": "pivot", "field": "timestamp", "direction": "Descending"}],
    }


def _aggregation(widget: Widget) -> Body:
    order = "Ascending" if widget.smallest_first else "Descending"
    sort = [{"type": "series", "field": widget.series[0], "direction": order}]
    return {
        "row_pivots": _pivots(widget.rows, widget.limit),
        "column_pivots": _pivots(widget.columns, widget.limit),
        "series": [{"config": {"name": None}, "function": each} for each in widget.series],
        "sort": sort if _sorted(widget) else [],
        "visualization": widget.shape,
        "visualization_config": _LOOKS[widget.shape],
        "formatting_settings": None,
        "rollup": not widget.columns,
        "event_annotation": False,
        "units": {},
    }


def _sorted(widget: Widget) -> bool:
    return bool(widget.rows) and widget.rows != ("timestamp",)


def _pivots(fields: Sequence[str], limit: int) -> list[Json]:
    if not fields:
        return []
    if tuple(fields) == ("timestamp",):
        interval = {"type": "auto", "scaling": 1.0}
        return [{"type": "time", "fields": ["timestamp"], "config": {"interval": interval}}]
    config = {"limit": limit, "skip_empty_values": True}
    return [{"type": "values", "fields": list(fields), "config": config}]


def _searched(key: str, widget: Widget, spans: Body, streams: Sequence[str], own: bool) -> Body:
    """The search behind a widget."""
    common: Body = {
        "id": _id(_id(key, widget.title), "search"),
        "name": None,
        "timerange": spans if own else None,
        "query": _query(widget.query) if own else None,
        "streams": list(streams) if own else [],
        "filter": None,
        "filters": [],
    }
    if widget.shape == "messages":
        sort = [{"field": "timestamp", "order": "DESC"}]
        return common | {
            "type": "messages",
            "limit": 150,
            "offset": 0,
            "sort": sort,
            "decorators": [],
        }
    order = "Ascending" if widget.smallest_first else "Descending"
    sort = [{"type": "series", "field": widget.series[0], "direction": order}]
    return common | {
        "type": "pivot",
        "row_groups": _groups(widget.rows, widget.limit),
        "column_groups": _groups(widget.columns, widget.limit),
        "series": [series(each) for each in widget.series],
        "sort": sort if _sorted(widget) else [],
        "rollup": not widget.columns,
    }


def _groups(fields: Sequence[str], limit: int) -> list[Json]:
    """Pivots as searches want them: what is in `config` there stands beside the type here."""
    return [
        {key: value for key, value in pivot.items() if key != "config"} | pivot["config"]
        for pivot in _pivots(fields, limit)
    ]


def series(text: str) -> Body:
    """`card(event_uid)` as Graylog's searches and alerts write it."""
    function, _, field = text.rstrip(")").partition("(")
    return {"type": function, "id": text, "field": field or None}


def _positions(key: str, widgets: Sequence[Widget]) -> dict[str, Any]:
    """From left to right, and below when the row is full."""
    positions: dict[str, Any] = {}
    column, row, tallest = 1, 1, 0
    for widget in widgets:
        if column + widget.width > COLUMNS + 1:
            column, row, tallest = 1, row + tallest, 0
        place = {"col": column, "row": row, "height": widget.height, "width": widget.width}
        positions[_id(key, widget.title)] = place
        column += widget.width
        tallest = max(tallest, widget.height)
    return positions
