"""What the fake server holds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

Row = dict[str, Any]

DEFAULT_STREAM: Final = "000000000000000000000001"
_EVENT_STREAMS: Final = {
    "000000000000000000000002": "All events",
    "000000000000000000000003": "All system events",
}


def now() -> str:
    """A time as Graylog writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@dataclass(slots=True)
class State:
    """All entities, each table by id."""

    release: tuple[int, int]
    rules: dict[str, Row] = field(default_factory=dict)
    pipelines: dict[str, Row] = field(default_factory=dict)
    connections: dict[str, Row] = field(default_factory=dict)
    streams: dict[str, Row] = field(default_factory=dict)
    shares: dict[str, dict[str, str]] = field(default_factory=dict)
    index_sets: dict[str, Row] = field(default_factory=dict)
    profiles: dict[str, Row] = field(default_factory=dict)
    inputs: dict[str, Row] = field(default_factory=dict)
    caches: dict[str, Row] = field(default_factory=dict)
    adapters: dict[str, Row] = field(default_factory=dict)
    tables: dict[str, Row] = field(default_factory=dict)
    searches: dict[str, Row] = field(default_factory=dict)
    views: dict[str, Row] = field(default_factory=dict)
    definitions: dict[str, Row] = field(default_factory=dict)
    allowed: Row = field(default_factory=lambda: {"entries": [], "disabled": False})
    messages: list[Row] = field(default_factory=list)
    """What a search finds: the fields of messages, `streams` among them."""
    busy_ports: set[int] = field(default_factory=set)
    """What other processes of the host listen on: an input there fails after it was made."""
    rotated: list[str] = field(default_factory=list)
    """Ids of index sets that began a new index."""
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(0x1000))

    def __post_init__(self) -> None:
        """A server as it is after its first start."""
        default = self.add(self.index_sets, _index_set("Default index set", "graylog", True))
        events = self.add(self.index_sets, _index_set("Graylog Events", "gl-events", False))
        self._system_stream(DEFAULT_STREAM, "Default Stream", default, True)
        for identity, title in _EVENT_STREAMS.items():
            self._system_stream(identity, title, events, False)

    @property
    def major(self) -> int:
        """The first number of the release."""
        return self.release[0]

    def identity(self) -> str:
        """A fresh id."""
        return f"6b02{next(self.ids):020x}"

    def add(self, table: dict[str, Row], row: Row) -> Row:
        """Keep a row under a fresh id, or its own."""
        identity = row.get("id") or self.identity()
        table[identity] = {"id": identity} | row | {"id": identity}
        return table[identity]

    def _system_stream(self, identity: str, title: str, index_set: Row, default: bool) -> None:
        row = stream_row(title, f"{title} of the system", index_set["id"])
        row |= {"disabled": False, "is_default": default, "is_editable": default}
        self.add(self.streams, row | {"id": identity})

    @property
    def default_index_set(self) -> Row:
        """Where new streams write to."""
        return next(each for each in self.index_sets.values() if each["default"])


def stream_row(title: str, description: str | None, index_set: str) -> Row:
    """A stream as `GET /streams` shows it."""
    return {
        "creator_user_id": "admin",
        "outputs": [],
        "matching_type": "AND",
        "description": description,
        "created_at": now(),
        "disabled": True,
        "rules": [],
        "title": title,
        "content_pack": None,
        "remove_matches_from_default_stream": False,
        "index_set_id": index_set,
        "categories": [],
        "is_default": False,
        "is_editable": True,
    }


def base_index_set() -> Row:
    """The server's own defaults for new index sets."""
    kept = {"index_lifetime_min": "P30D", "index_lifetime_max": "P40D"}
    rotation = "org.graylog2.indexer.rotation.strategies.TimeBasedSizeOptimizingStrategy"
    retention = "org.graylog2.indexer.retention.strategies.DeletionRetentionStrategy"
    return {
        "shards": 1,
        "replicas": 0,
        "rotation_strategy_class": rotation,
        "rotation_strategy": {"type": f"{rotation}Config", **kept},
        "retention_strategy_class": retention,
        "retention_strategy": {"type": f"{retention}Config", "max_number_of_indices": 20},
        "data_tiering": {"type": "hot_only", **kept},
        "use_legacy_rotation": False,
        "index_analyzer": "standard",
        "index_optimization_max_num_segments": 1,
        "index_optimization_disabled": False,
        "field_type_refresh_interval": 5000,
    }


def _index_set(title: str, prefix: str, default: bool) -> Row:
    return base_index_set() | {
        "title": title,
        "description": f"The {title.lower()}",
        "index_prefix": prefix,
        "writable": True,
        "default": default,
        "can_be_default": default,
        "creation_date": now(),
        "index_template_type": None,
        "field_type_profile": None,
    }
