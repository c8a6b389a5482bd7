"""Whether a server is ready for the bridge's events, and what became of one that was sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.clock import Clock
from bridge.graylog.client import Graylog
from bridge.graylog.entity import Entity
from bridge.graylog.installer import gelf_inputs, installed_schema, known_stream
from bridge.graylog.kinds.inputs import failure
from bridge.graylog.kinds.streams import DEFAULT_STREAM
from bridge.graylog.schema import ECS, SCHEMAS, Schema
from bridge.graylog.survey import Server

Fields = Mapping[str, Any]

POLL_SECONDS: Final = 0.5
_GEOIP: Final = "/system/cluster_config/org.graylog.plugins.map.config.GeoIpResolverConfig"
_OWN: Final = ("gl2_", "_id", "streams", "timestamp")
"""What Graylog sets itself, or keeps with less precision than it was sent."""
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: `stream`, `fields`; whether it is as it shall be."""

    what: str
    good: bool
    text: str


async def look(graylog: Graylog, server: Server) -> list[Finding]:
    """Everything that can be seen without an event."""
    found = [*_stream(known_stream(server)), *_processors(server)]
    found += [await _input(graylog, each) for each in gelf_inputs(server)]
    if not gelf_inputs(server):
        found.append(
            Finding("inputs", False, "there is no GELF input: gelf-bridge pipelines install")
        )
    if server.order.geoip_first and (await graylog.find(_GEOIP) or {}).get("enabled"):
        found.append(
            Finding(
                "GeoIP",
                False,
                "it runs before pipelines, so it never sees destination_ip, which a rule makes: "
                "move it after the Pipeline Processor (System / Configurations)",
            )
        )
    return found


def schema_of(server: Server) -> Schema:
    """The schema that is installed."""
    return SCHEMAS[installed_schema(server) or ECS.name]


async def arrived(
    graylog: Graylog, clock: Clock, uid: str, seconds: float
) -> dict[str, Any] | None:
    """The message of an event, as soon as a search finds it, or None when none does in time."""
    until = clock.monotonic() + seconds
    while True:
        answer = await graylog.get(
            "/search/universal/relative",
            query=f'event_uid:"{uid}"',
            range=3600,
            limit=10,
            decorate="false",
        )
        if messages := answer["messages"]:
            return dict(messages[0]["message"])
        if clock.monotonic() >= until:
            return None
        await clock.sleep(POLL_SECONDS)


async def judged(
    graylog: Graylog, server: Server, message: Fields, expected: Fields
) -> list[Finding]:
    """Whether a message is in the right stream, with the right fields and types."""
    stream = known_stream(server)
    found = [_place(stream, message), _fields(message, expected)]
    if stream:
        types = await graylog.get(
            f"/system/indices/index_sets/types/{stream.body['index_set_id']}/all"
        )
        there = {each["field_name"]: each["type"] for each in types}
        found.append(_types(message, there, schema_of(server)))
    return found


def _stream(stream: Entity | None) -> Iterator[Finding]:
    if stream is None:
        yield Finding("stream", False, "it is missing: gelf-bridge pipelines install makes it")
    elif stream.body["disabled"]:
        yield Finding("stream", False, f"{stream.name} is paused: resume it")
    else:
        yield Finding("stream", True, f"{stream.name} runs")


def _processors(server: Server) -> Iterator[Finding]:
    for name in server.order.missing:
        yield Finding(name, False, "it is turned off: rules will not run")


async def _input(graylog: Graylog, entity: Entity) -> Finding:
    reason = await failure(graylog, entity.id)
    text = f"it does not run: {reason}" if reason else "it runs"
    return Finding(f"input {entity.name}", not reason, text)


def _place(stream: Entity | None, message: Fields) -> Finding:
    streams = message.get("streams", [])
    if stream and stream.id not in streams:
        return Finding("place", False, f"the test event is not in the stream {stream.name}")
    if stream and DEFAULT_STREAM in streams:
        return Finding("place", False, "the test event is in the Default Stream, too: stored twice")
    return Finding("place", True, "the test event is in the right stream")


def _fields(message: Fields, expected: Fields) -> Finding:
    wrong = [
        f"{name} is {message.get(name, 'missing')!r} and not {value!r}"
        if name in message
        else f"{name} is missing"
        for name, value in sorted(expected.items())
        if not name.startswith(_OWN) and message.get(name) != value
    ]
    if not wrong:
        return Finding("fields", True, "all fields of the test event are right")
    more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    return Finding("fields", False, f"{'; '.join(wrong[:_SHOWN])}{more}")


def _types(message: Fields, there: Mapping[str, str], schema: Schema) -> Finding:
    wrong = [
        f"{name} is {there[name]} and not {kind}"
        for name, kind in sorted(schema.types.items())
        if name in message and name in there and there[name] != kind
    ]
    if not wrong:
        return Finding("types", True, "all types in the index are right")
    advice = "give its index set our field types: gelf-bridge pipelines install --index-set"
    return Finding("types", False, f"{'; '.join(wrong[:_SHOWN])}; {advice}")
