"""From an input's events to rows: stamps, kinds, hiding."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from bridge.config import SpoolConfig
from bridge.emit import Emitter, fit, iso
from bridge.event import Event
from bridge.inputs import Context, Emit, Input, InputConfig
from bridge.spool import Spool
from tests.clocks import VirtualClock


class Source(Input):
    kinds = {"sensor_score": "double", "sensor_seen_at": "time", "sensor_count": "long"}

    async def run(self, emit: Emit) -> None:
        await emit([])


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    spool = await Spool.open(SpoolConfig(directory=tmp_path / "spool", min_free_bytes=0))
    await spool.attach("reader")
    yield spool
    await spool.close()


def ignore(name: str, n: int = 1, label: str = "") -> None:
    """For tests that count nothing."""


def emitter(spool: Spool, count: Callable[..., None] = ignore, **options: Any) -> Emitter:
    context = Context(
        id="in",
        log=logging.getLogger("bridge.test"),
        clock=VirtualClock(),
        report=lambda state, detail: None,
        count=count,
        checkpoint=None,  # type: ignore[arg-type]
        unseen=None,  # type: ignore[arg-type]
        kinds=spool.kinds,
    )
    source = Source(InputConfig(type="source", **options), context)
    return Emitter(source, spool, context.clock, context.count)


async def stored(spool: Spool) -> list[dict[str, Any]]:
    batches = await spool.read("reader", 0, 10_000_000)
    return [orjson.loads(message) for batch in batches for message in batch.messages()]


def event(**fields: Any) -> Event:
    return {"event_type": "sensor", "host": "pc-1", "message": "hello", **fields}


async def test_every_event_is_stamped(spool: Spool) -> None:
    await emitter(spool)([event(), event()])
    first, second = await stored(spool)
    assert first["_bridge_input"] == "in"
    assert first["_bridge_received_at"] == "2023-11-14T22:13:20.000000Z"
    run, number = first["_event_uid"].split("-")
    assert second["_event_uid"] == f"{run}-{int(number) + 1}"


async def test_two_starts_never_give_the_same_uid(spool: Spool) -> None:
    await emitter(spool)([event()])
    await emitter(spool)([event()])
    first, second = await stored(spool)
    assert first["_event_uid"] != second["_event_uid"]


async def test_the_input_s_own_uid_event_type_and_fields_win(spool: Spool) -> None:
    await emitter(spool, event_type="edr", fields={"customer": "emea"})([event(event_uid="u1")])
    (document,) = await stored(spool)
    assert document["_event_uid"] == "u1"
    assert document["_event_type"] == "edr"
    assert document["_customer"] == "emea"


async def test_once_drops_what_was_taken_before(spool: Spool) -> None:
    emit = emitter(spool)
    await emit([event(event_uid="u1"), event(event_uid="u2")], once=True)
    await emit([event(event_uid="u2"), event(event_uid="u3")], once=True)
    assert [document["_event_uid"] for document in await stored(spool)] == ["u1", "u2", "u3"]


async def test_a_checkpoint_is_committed_with_its_events(spool: Spool) -> None:
    await emitter(spool)([event()], checkpoint={"threats": {"since": "2026-01-01"}})
    assert await spool.checkpoint("in", "threats") == {"since": "2026-01-01"}


async def test_raw_makes_the_message_the_source_s_own_text(spool: Spool) -> None:
    await emitter(spool, message="raw")([event(full_message="CEF:0|…")])
    (document,) = await stored(spool)
    assert document["short_message"] == "CEF:0|…"


async def test_full_message_can_be_turned_off(spool: Spool) -> None:
    await emitter(spool, full_message=False)([event(full_message="CEF:0|…")])
    assert "full_message" not in (await stored(spool))[0]


async def test_dropped_fields_disappear_from_the_full_text_too(spool: Spool) -> None:
    record = event(sensor_user="jane", full_message="suser=jane act=deny")
    await emitter(spool, drop_fields=["sensor_user"])([record])
    (document,) = await stored(spool)
    assert "_sensor_user" not in document
    assert document["full_message"] == "suser=*** act=deny"


async def test_redacted_text_disappears_everywhere(spool: Spool) -> None:
    record = event(message="pin 1234", sensor_note="pin 1234", full_message="note=pin 1234")
    await emitter(spool, redact={"sensor_note": re.compile(r"\d{4}")})([record])
    (document,) = await stored(spool)
    assert document["_sensor_note"] == "pin ***"
    assert document["full_message"] == "note=pin ***"
    assert document["short_message"] == "pin ***"


async def test_the_first_kind_of_a_name_is_kept_for_ever(spool: Spool) -> None:
    emit = emitter(spool)
    await emit([event(sensor_port=443)])
    await emit([event(sensor_port="n/a")])
    await emitter(spool)([event(sensor_port=0.5)])
    first, second, third = await stored(spool)
    assert first["_sensor_port"] == 443
    assert second["_sensor_port_text"] == "n/a"
    assert third["_sensor_port_number"] == 0.5
    assert spool.kinds["sensor_port"] == "long"


async def test_a_source_s_table_fixes_kinds(spool: Spool) -> None:
    seen_at = "2026-01-01T00:00:00.000000Z"
    await emitter(spool)([event(sensor_score=-1, sensor_count=2, sensor_seen_at=seen_at)])
    (document,) = await stored(spool)
    assert document["_sensor_score"] == -1.0
    assert isinstance(document["_sensor_score"], float)
    assert document["_sensor_count"] == 2
    assert document["_sensor_seen_at"] == seen_at


@pytest.mark.parametrize(
    ("value", "kind", "place"),
    [
        ("2026", "text", "x"),
        ("2026-02-30", "text", "x"),
        ("2026-02-30", "time", "x_text"),
        ("2026-01-01 and more", "text", "x"),
        ("10.0.0.1", "text", "x"),
        ("text", "long", "x_text"),
        ("text", "double", "x_text"),
        ("2026-01-01T10:00:00.000000Z", "time", "x"),
        ("yesterday", "time", "x_text"),
        (True, "text", "x"),
        (True, "long", "x_text"),
        (3, "text", "x_number"),
        (3, "time", "x_number"),
        (3, "double", "x"),
        (0.5, "long", "x_number"),
    ],
)
def test_a_value_of_another_kind_goes_to_a_sibling(value: Any, kind: str, place: str) -> None:
    assert fit("x", value, kind) == (place, value)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-01-01", "2026-01-01T00:00:00.000000Z"),
        ("2026-01", "2026-01-01T00:00:00.000000Z"),
        ("2026/01/02", "2026-01-02T00:00:00.000000Z"),
        ("2026-01-01T", "2026-01-01T00:00:00.000000Z"),
        ("2026-01-01T10:00:00.000Z", "2026-01-01T10:00:00.000000Z"),
        ("2026-01-01T10:00:00+02:00", "2026-01-01T08:00:00.000000Z"),
    ],
)
def test_what_an_index_takes_for_a_date_gets_the_one_form(value: str, moment: str) -> None:
    """A date of another form than those before it would cost the whole message."""
    assert fit("x", value, "text") == ("x_time", moment)
    assert fit("x", value, "time") == ("x", moment)


async def test_a_field_whose_first_value_is_a_time_of_an_input_holds_times(spool: Spool) -> None:
    """A label on one of CEF's date fields names a field that no table knows."""
    emit = emitter(spool)
    await emit([event(sensor_scanned="2026-01-01T10:00:00.000000Z")])
    await emit([event(sensor_scanned="never")])
    first, second = await stored(spool)
    assert first["_sensor_scanned"] == "2026-01-01T10:00:00.000000Z"
    assert second["_sensor_scanned_text"] == "never"


def test_times_are_iso_8601_with_six_decimals() -> None:
    assert iso(1629500007.043) == "2021-08-20T22:53:27.043000Z"


async def test_a_missing_time_is_the_time_of_arrival(spool: Spool) -> None:
    await emitter(spool)([event(), event(timestamp=5.5)])
    first, second = await stored(spool)
    assert first["timestamp"] == 1_700_000_000.0
    assert second["timestamp"] == 5.5


async def test_what_the_encoder_had_to_change_is_counted_by_name(spool: Spool) -> None:
    counts: Counter[str] = Counter()
    emit = emitter(spool, count=lambda name, n=1, label="": counts.update({name: n}))
    await emit([event(host=""), event(host="", sensor_id=2**70)])
    assert counts == {"gelf_replaced": 2, "gelf_set_aside": 1}


@pytest.mark.parametrize("kind", ["double", "text", "time"])
def test_an_integer_beyond_every_number_is_kept_as_text(kind: str) -> None:
    assert fit("x", 10**400, kind) == ("x_text", str(10**400))
