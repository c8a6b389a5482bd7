"""`/metrics`: the snapshot for Prometheus.

Families are `gelf_bridge_<subject>_<unit>`, counters with `_total`; the labels are component and
type, and besides them only names out of bounded sets. Senders are no labels: `/status` has them.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from bridge.admin.server import Admin
from bridge.admin.snapshot import Component, Snapshot, Speaker
from bridge.health import State
from bridge.httpd import Request, Response
from bridge.spool import InputBalance, OutputBalance

LABELS = ["component", "type"]
INPUT_COUNTERS = {
    "received": "Events that an input has handed over",
    "accepted": "Events of an input that are durable",
    "repeated": "Events of an input that were taken before and dropped",
}
OUTPUT_COUNTERS = {
    "accepted": "Events that became durable since an output exists",
    "delivered": "Events that an output has delivered, confirmed",
    "buried": "Events that an output will never take, kept as dead letters",
    "filtered": "Events that an output does not want (only, except)",
    "dropped": "Events that a full spool dropped before an output had them",
    "forgotten": "Dead letters whose documents had to go",
}


async def metrics(admin: Admin[Speaker], request: Request) -> Response:
    """The exposition in the format that is asked for, Prometheus' own or OpenMetrics."""
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    registry = CollectorRegistry()
    registry.register(_Collector(await admin.running.snapshot()))
    ProcessCollector(registry=registry)
    return Response(body=encode(registry), content_type=content_type)


class _Collector(Collector):
    """One snapshot as metrics."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        snapshot = self._snapshot
        live = [one for one in snapshot.components if one.type]
        yield InfoMetricFamily(
            "gelf_bridge", "The version of the bridge", {"version": snapshot.version}
        )
        yield _states(live)
        yield from _balances("input", INPUT_COUNTERS, snapshot.components)
        yield from _balances("output", OUTPUT_COUNTERS, snapshot.components)
        yield from _waiting(snapshot)
        yield from _counts(live)
        yield from _spool(snapshot)
        yield from _own(snapshot)
        yield from _workers(snapshot)


def _states(components: list[Component]) -> Metric:
    family = StateSetMetricFamily(
        "gelf_bridge_component_state", "What a component is: 1 for its state", labels=LABELS
    )
    for one in components:
        states = {state.value: one.state == state for state in State}
        family.add_metric([one.id, one.type], states)
    return family


def _balances(kind: str, counters: dict[str, str], components: list[Component]) -> Iterator[Metric]:
    """One family for each part of the balance; what is no longer configured has type `removed`."""
    for name, help_text in counters.items():
        family = CounterMetricFamily(f"gelf_bridge_{kind}_events_{name}", help_text, labels=LABELS)
        for one in components:
            if one.kind == kind and one.balance:
                family.add_metric([one.id, one.type or one.state], getattr(one.balance, name))
        yield family


def _waiting(snapshot: Snapshot) -> Iterator[Metric]:
    flying = GaugeMetricFamily(
        "gelf_bridge_input_events_in_flight", "Events not durable yet", labels=LABELS
    )
    spooled = GaugeMetricFamily(
        "gelf_bridge_output_events_spooled", "Events an output has not delivered", labels=LABELS
    )
    age = GaugeMetricFamily(
        "gelf_bridge_output_oldest_event_age_seconds",
        "How long ago the oldest event that an output has not delivered was accepted, else 0",
        labels=LABELS,
    )
    for one in snapshot.components:
        labels = [one.id, one.type or one.state]
        if isinstance(one.balance, InputBalance):
            flying.add_metric(labels, one.balance.in_flight)
        elif isinstance(one.balance, OutputBalance):
            spooled.add_metric(labels, one.balance.spooled)
            oldest = one.balance.oldest
            age.add_metric(labels, max(0.0, snapshot.now - oldest) if oldest else 0.0)
    yield from (flying, spooled, age)


def _counts(components: list[Component]) -> Iterator[Metric]:
    """What happened to a component, by name; and what was refused, by reason."""
    happened = CounterMetricFamily(
        "gelf_bridge_occurrences", "What else happened, by name", labels=[*LABELS, "name"]
    )
    refused = CounterMetricFamily(
        "gelf_bridge_refused", "Turned away unread, by reason", labels=[*LABELS, "reason"]
    )
    deviations = CounterMetricFamily(
        "gelf_bridge_deviations", "Events unlike their format, by name", labels=[*LABELS, "name"]
    )
    for one in components:
        labels = [one.id, one.type]
        tally: Tally[str] = Tally()
        for count in one.counts:
            if count.name == "refused":
                refused.add_metric([*labels, count.label], count.count)
            else:
                tally[count.name] += count.count
        for name, number in tally.items():
            happened.add_metric([*labels, name], number)
        tally = Tally()
        for deviation in one.deviations:
            tally[deviation.name] += deviation.count
        for name, number in tally.items():
            deviations.add_metric([*labels, name], number)
    yield from (happened, refused, deviations)


def _spool(snapshot: Snapshot) -> Iterator[Metric]:
    spool = snapshot.spool
    dead = GaugeMetricFamily("gelf_bridge_dead_letters", "Dead letters kept", labels=LABELS)
    for one in snapshot.components:
        if one.kind == "output":
            dead.add_metric([one.id, one.type or one.state], one.dead)
    yield dead
    for name, help_text, value in (
        ("bytes", "Undelivered payload in the spool", spool.bytes),
        ("max_bytes", "How much payload the spool takes", spool.max_bytes),
        ("full", "1 when inputs wait for room", bool(spool.full)),
        ("trouble", "1 when the spool cannot be read or written", bool(spool.trouble)),
    ):
        yield GaugeMetricFamily(f"gelf_bridge_spool_{name}", help_text, float(value))


def _own(snapshot: Snapshot) -> Iterator[Metric]:
    reloads = snapshot.reloads
    yield GaugeMetricFamily(
        "gelf_bridge_start_time_seconds", "When the bridge was started", snapshot.started_at
    )
    yield CounterMetricFamily(
        "gelf_bridge_reloads", "How often the configuration was read again", reloads.count
    )
    yield GaugeMetricFamily(
        "gelf_bridge_last_reload_failed",
        "1 when the configuration could not be used the last time it was read again",
        float(bool(reloads.problems)),
    )
    yield CounterMetricFamily(
        "gelf_bridge_own_logs_discarded",
        "Lines of the bridge's own logs that could not be sent to Graylog",
        snapshot.logs_discarded,
    )


def _workers(snapshot: Snapshot) -> Iterator[Metric]:
    """Nothing when one process does everything."""
    if not snapshot.workers:
        return
    up = GaugeMetricFamily("gelf_bridge_worker_up", "1 for a worker at work", labels=["worker"])
    memory = GaugeMetricFamily(
        "gelf_bridge_worker_resident_memory_bytes", "What a worker takes", labels=["worker"]
    )
    restarts = CounterMetricFamily(
        "gelf_bridge_worker_restarts", "How often a worker was replaced", labels=["worker"]
    )
    for one in snapshot.workers:
        labels = [str(one.worker)]
        up.add_metric(labels, float(one.state == State.OK))
        memory.add_metric(labels, one.memory)
        restarts.add_metric(labels, one.restarts)
    yield from (up, memory, restarts)
