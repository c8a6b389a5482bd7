"""`/metrics`, as Prometheus reads it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from bridge.testing import FakeGraylog
from tests.bridges import CONFIG, Bridge, record, running

NAME = re.compile(r"gelf_bridge_[a-z_]+\Z")


async def samples(bridge: Bridge) -> dict[tuple[str, frozenset[Any]], float]:
    text = await asyncio.to_thread(bridge.client.text, "/metrics")
    families = text_string_to_metric_families(text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(found: dict[tuple[str, frozenset[Any]], float], full: str, **labels: str) -> float:
    """The one sample with these labels, and `component` and `type` besides."""
    wanted = set(labels.items())
    [one] = [number for (own, has), number in found.items() if own == full and wanted <= has]
    return one


async def test_every_part_of_both_balances_is_there(tmp_path: Path) -> None:
    async with FakeGraylog() as graylog, running(tmp_path, CONFIG % graylog.port) as bridge:
        await bridge.send(*map(record, range(7)))
        await bridge.delivered(7)
        found = await samples(bridge)
    for name in ("received", "accepted"):
        full = f"gelf_bridge_input_events_{name}_total"
        assert value(found, full, component="malops", type="cef") == 7
    for name in ("accepted", "delivered"):
        full = f"gelf_bridge_output_events_{name}_total"
        assert value(found, full, component="graylog", type="gelf_tcp") == 7
    for name in ("buried", "filtered", "dropped", "forgotten"):
        assert value(found, f"gelf_bridge_output_events_{name}_total", component="graylog") == 0
    assert value(found, "gelf_bridge_output_events_spooled", component="graylog") == 0
    assert value(found, "gelf_bridge_input_events_in_flight", component="malops") == 0
    state = "gelf_bridge_component_state"
    assert value(found, state, component="malops", gelf_bridge_component_state="ok") == 1
    assert value(found, state, component="malops", gelf_bridge_component_state="failed") == 0


async def test_what_waits_has_an_age(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        await bridge.send(record(1))
        await bridge.accepted(1)
        await asyncio.sleep(0.01)
        found = await samples(bridge)
    assert 0 < value(found, "gelf_bridge_output_oldest_event_age_seconds") < 60
    assert value(found, "gelf_bridge_spool_bytes") > 0
    assert value(found, "gelf_bridge_spool_full") == 0


async def test_senders_are_no_labels(tmp_path: Path) -> None:
    """Labels must come from bounded sets: deviations are counted by name alone."""
    async with running(tmp_path, CONFIG % 1) as bridge:
        count = bridge.service.health.count
        for number in range(500):
            count("malops", "not_cef", 1, f"192.0.2.{number}")
            count("malops", "kernel_drops", 2, f"192.0.2.{number}")
        count("malops", "refused", 3, "allow_from")
        found = await samples(bridge)
    assert value(found, "gelf_bridge_deviations_total", name="not_cef") == 500
    assert value(found, "gelf_bridge_occurrences_total", name="kernel_drops") == 1000
    assert value(found, "gelf_bridge_refused_total", reason="allow_from") == 3
    assert len(found) < 100


async def test_names_follow_one_pattern_beside_those_of_the_process(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        found = await samples(bridge)
    names = {name for name, _ in found}
    assert "process_resident_memory_bytes" in names
    assert all(NAME.match(name) or name.startswith("process_") for name in names)
