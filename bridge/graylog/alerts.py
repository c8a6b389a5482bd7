"""The alerts that come with the bridge, as Graylog's event definitions.

Graylog searches a window of time again and again. An event can be up to 15 minutes old when it
arrives (older ones get the time of their arrival by the rule gelf_bridge_late), so the windows
overlap by that much, and none is missed; the key (MalOp, host, component) with its grace period
keeps the second sight quiet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bridge.graylog.client import Json
from bridge.graylog.dashboards import CYBEREASON, CYLANCE, HEARTBEATS
from bridge.graylog.entity import Body, Entity
from bridge.graylog.kinds.events import DEFINITIONS
from bridge.graylog.schema import Schema
from bridge.graylog.widgets import EVENTS, series

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
LOW, NORMAL, HIGH = 1, 2, 3
REAL: Final = "NOT _exists_:bridge_demo"
"""Samples of the demo and of `check --send-test` alarm nobody."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """What is counted for each value of the `by` fields, and when it is too many or too few."""

    series: str
    sign: str
    value: float
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert; without a threshold each message that the query finds is one."""

    title: str
    text: str
    query: str
    key: str = ""
    """The field that makes two alerts the same."""
    priority: int = NORMAL
    threshold: Threshold | None = None
    window: int = 20 * MINUTE
    every: int = 5 * MINUTE
    grace: int = HOUR
    fields: Mapping[str, str] = field(default_factory=dict)
    """Field of the alert → template."""


def alerts(schema: Schema, streams: Sequence[str] = ()) -> list[Entity]:
    """All of them, on these streams, or on all streams."""
    own = [*_cybereason(schema), *_cylance(schema), *_bridge()]
    return [Entity(DEFINITIONS, each.title, _body(each, streams), each.text) for each in own]


def first(name: str, *others: str) -> str:
    """A template of Graylog for the first of these fields that the message has."""
    if not others:
        return f"${{source.{name}}}"
    return f"${{if source.{name}}}${{source.{name}}}${{else}}{first(*others)}${{end}}"


def _details(schema: Schema) -> dict[str, str]:
    return {
        "host": first("host_hostname"),
        "user": first("user_name"),
        "hash": first(*schema.names.hash),
        "event_url": first("event_url"),
    }


def _cybereason(schema: Schema) -> list[Alert]:
    action = schema.names.action
    details = _details(schema) | {"malop": first("cybereason_malop_id")}
    return [
        Alert(
            "MalOp created",
            "Cybereason opened a MalOp.",
            f'{CYBEREASON} AND {action}:"Malop Created" AND {REAL}',
            key="malop",
            priority=HIGH,
            fields=details,
        ),
        Alert(
            "Machine in MalOp",
            "A machine became part of a MalOp. One alert an hour for each MalOp and machine.",
            f'{CYBEREASON} AND {action}:"Malop Machine Added" AND {REAL}',
            key="malop_host",
            fields=details | {"malop_host": f"{details['malop']} {details['host']}"},
        ),
        Alert(
            "Malware",
            "Cybereason or Cylance found malware on a host.",
            f"(({CYBEREASON} AND {action}:Malware*) OR "
            f"({CYLANCE} AND cylance_kind:memory_protection)) AND {REAL}",
            key="host",
            priority=HIGH,
            fields=details,
        ),
    ]


def _cylance(schema: Schema) -> list[Alert]:
    details = _details(schema)
    return [
        Alert(
            "Cylance unsafe",
            "A file with a score below -0.8, which is what Cylance's console shows as a score "
            "above 80. One alert an hour for each file.",
            f"{CYLANCE} AND cylance_score:[-1.0 TO -0.8}} AND {REAL}",
            key="hash",
            priority=HIGH,
            fields=details | {"file": first("file_name")},
        ),
        Alert(
            "Many detections on a host",
            "More than five different detections or threats on one host within an hour.",
            f"(({CYLANCE} AND NOT cylance_kind:device) OR "
            f"({CYBEREASON} AND _exists_:cybereason_malop_id)) "
            f"AND _exists_:host_hostname AND {REAL}",
            key="host",
            threshold=Threshold(EVENTS, ">", 5, ("host_hostname",)),
            window=HOUR,
            every=10 * MINUTE,
            fields={"host": first("host_hostname")},
        ),
    ]


def _bridge() -> list[Alert]:
    return [
        Alert(
            "Bridge silent",
            "No heartbeat of gelf-bridge for five minutes: it does not run, or cannot deliver. "
            "Needs the section `heartbeat:` in its configuration.",
            HEARTBEATS,
            priority=HIGH,
            threshold=Threshold("count()", "<", 1),
            window=5 * MINUTE,
            every=MINUTE,
        ),
        Alert(
            "Input failing",
            "A component of gelf-bridge does not work, and says why.",
            f"{HEARTBEATS} AND bridge_state:(retrying OR failed)",
            key="component",
            fields={
                "component": first("bridge_component"),
                "state": first("bridge_state"),
                "detail": first("bridge_detail"),
            },
        ),
    ]


def _body(alert: Alert, streams: Sequence[str]) -> Body:
    key = [alert.key] if alert.key else []
    return {
        "priority": alert.priority,
        "alert": True,
        "config": _config(alert, streams),
        "field_spec": {name: _field(each) for name, each in alert.fields.items()},
        "key_spec": key,
        "notification_settings": {"grace_period_ms": alert.grace, "backlog_size": 5},
        "notifications": [],
        "storage": [{"type": "persist-to-streams-v1", "streams": ["000000000000000000000002"]}],
    }


def _config(alert: Alert, streams: Sequence[str]) -> Body:
    threshold = alert.threshold
    return {
        "type": "aggregation-v1",
        "query": alert.query,
        "query_parameters": [],
        "filters": [],
        "streams": list(streams),
        "group_by": list(threshold.by) if threshold else [],
        "series": [series(threshold.series)] if threshold else [],
        "conditions": {"expression": _expression(threshold) if threshold else None},
        "search_within_ms": alert.window,
        "execute_every_ms": alert.every,
        "event_limit": 100,
    }


def _expression(threshold: Threshold) -> Json:
    return {
        "expr": threshold.sign,
        "left": {"expr": "number-ref", "ref": threshold.series},
        "right": {"expr": "number", "value": float(threshold.value)},
    }


def _field(template: str) -> Body:
    provider = {"type": "template-v1", "template": template, "require_values": False}
    return {"data_type": "string", "providers": [provider]}
