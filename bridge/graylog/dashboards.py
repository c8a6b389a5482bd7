"""The dashboards and the saved search that come with the bridge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bridge.graylog.entity import Entity
from bridge.graylog.kinds.views import DASHBOARDS, SEARCHES
from bridge.graylog.schema import Schema
from bridge.graylog.widgets import EVENTS, Widget, view

DAY: Final = 86_400
CYLANCE: Final = "_exists_:bridge_input AND event_source_product:cylance_protect"
CYBEREASON: Final = "_exists_:bridge_input AND event_source_product:cybereason_edr"
HEARTBEATS: Final = "_exists_:bridge_input AND event_type:gelf_bridge"


def dashboards(schema: Schema, streams: Sequence[str] = ()) -> list[Entity]:
    """All of them, on these streams, or on all that the reader may see."""
    return [
        _dashboard(
            "Cylance, last 24 hours",
            "Threats and detections of Cylance, each counted once however often it was delivered.",
            _cylance(schema),
            streams,
            DAY,
        ),
        _dashboard(
            "Cybereason MalOps",
            "What Cybereason's MalOps touched during the last seven days.",
            _cybereason(schema),
            streams,
            7 * DAY,
        ),
        _dashboard(
            "Bridge health",
            "The state of each part of gelf-bridge, from its heartbeat (section `heartbeat:` of "
            "its configuration).",
            _health(),
            streams,
            DAY,
        ),
    ]


def repeated_events(streams: Sequence[str] = ()) -> Entity:
    """The saved search that shows what was delivered more than once."""
    query = "_exists_:bridge_input AND _exists_:event_uid"
    counted = Widget("Deliveries by event", "table", query, ("event_uid",), series=("count()",))
    fields = ("timestamp", "source", "bridge_input", "event_uid", "message")
    shown = Widget("Messages", "messages", query, fields=fields, width=12, height=6)
    body = view(
        "repeated-events",
        [counted, shown],
        summary="Events that were delivered more than once",
        tab="Repeated events",
        seconds=DAY,
        streams=streams,
        own_queries=False,
    )
    text = (
        "Each event has an event_uid of its own. One that is counted twice was delivered twice, "
        "as happens after an interrupted connection; dashboards and alerts count it once."
    )
    return Entity(SEARCHES, "Repeated events", body, text)


def _dashboard(
    title: str, text: str, widgets: Sequence[Widget], streams: Sequence[str], seconds: int
) -> Entity:
    body = view(title, widgets, summary=text, tab="Overview", seconds=seconds, streams=streams)
    return Entity(DASHBOARDS, title, body, text)


def _number(title: str, query: str, series: str = EVENTS) -> Widget:
    return Widget(title, "numeric", query, series=(series,), width=3, height=2)


def _cylance(schema: Schema) -> list[Widget]:
    names = schema.names
    threats = f"{CYLANCE} AND cylance_kind:(threat OR threat_device)"
    detections = f"{CYLANCE} AND cylance_kind:detection"
    shown = ("timestamp", "host_hostname", names.severity, names.classification, "message")
    return [
        _number("Threats", threats),
        _number("Detections", detections),
        _number("Hosts", CYLANCE, "card(host_hostname)"),
        _number("Files", threats, f"card({names.hash[0]})"),
        Widget("Events by kind", "bar", CYLANCE, ("timestamp",), ("cylance_kind",), width=12),
        Widget("Hosts with most events", "table", CYLANCE, ("host_hostname",)),
        Widget("Classifications", "table", threats, (names.classification,)),
        Widget(
            "Worst scores (-1 is the worst)",
            "table",
            threats,
            ("file_name", names.hash[0]),
            series=("min(cylance_score)", EVENTS, "card(host_hostname)"),
            smallest_first=True,
            width=12,
        ),
        Widget("Newest events", "messages", CYLANCE, fields=shown, width=12, height=6),
    ]


def _cybereason(schema: Schema) -> list[Widget]:
    names = schema.names
    malops = f"{CYBEREASON} AND _exists_:cybereason_malop_id"
    shown = ("timestamp", names.action, "cybereason_malop_id", "host_hostname", "message")
    return [
        _number("MalOps", malops, "card(cybereason_malop_id)"),
        _number("Events", CYBEREASON),
        _number("Machines", CYBEREASON, "card(host_hostname)"),
        _number("Users", CYBEREASON, "card(user_name)"),
        Widget("Events by action", "bar", CYBEREASON, ("timestamp",), (names.action,), width=12),
        Widget(
            "MalOps with most events",
            "table",
            malops,
            ("cybereason_malop_id",),
            series=(EVENTS, "card(host_hostname)", "card(user_name)", "latest(event_url)"),
            width=12,
        ),
        Widget("Machines with most events", "table", CYBEREASON, ("host_hostname",)),
        Widget("Users with most events", "table", CYBEREASON, ("user_name",)),
        Widget("Newest events", "messages", CYBEREASON, fields=shown, width=12, height=6),
    ]


def _health() -> list[Widget]:
    everything = "_exists_:bridge_input AND NOT event_type:gelf_bridge"
    troubled = f"{HEARTBEATS} AND NOT bridge_state:ok AND _exists_:bridge_state"
    shown = ("timestamp", "source", "bridge_component", "bridge_state", "bridge_detail")
    return [
        _number("Events", everything),
        _number("Late events", f"{everything} AND event_late:true"),
        _number("Spooled bytes at most", HEARTBEATS, "max(bridge_spooled_bytes)"),
        _number("Oldest undelivered, s", HEARTBEATS, "max(bridge_oldest_undelivered_seconds)"),
        Widget("Events by input", "bar", everything, ("timestamp",), ("bridge_input",), width=12),
        Widget(
            "Components",
            "table",
            f"{HEARTBEATS} AND _exists_:bridge_component",
            ("source", "bridge_component"),
            series=(
                EVENTS,
                "latest(bridge_state)",
                "latest(bridge_detail)",
                "latest(bridge_last_event_seconds)",
                "latest(bridge_version)",
            ),
            width=12,
        ),
        Widget(
            "Spooled bytes",
            "line",
            HEARTBEATS,
            ("timestamp",),
            ("source",),
            ("max(bridge_spooled_bytes)",),
        ),
        Widget(
            "Oldest undelivered event, in seconds",
            "line",
            HEARTBEATS,
            ("timestamp",),
            ("bridge_component",),
            ("max(bridge_oldest_undelivered_seconds)",),
        ),
        Widget("Not well", "messages", troubled, fields=shown, width=12, height=5),
    ]
