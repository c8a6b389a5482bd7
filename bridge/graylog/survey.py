"""What a server is and holds, read once before anything is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from bridge.graylog.client import Graylog, GraylogError, Release
from bridge.graylog.entity import Entity, Kind
from bridge.graylog.kinds.events import DEFINITIONS
from bridge.graylog.kinds.indices import INDEX_SETS, PROFILES
from bridge.graylog.kinds.inputs import INPUTS
from bridge.graylog.kinds.lookups import ADAPTERS, CACHES, TABLES
from bridge.graylog.kinds.rules import PIPELINES, RULES
from bridge.graylog.kinds.streams import STREAMS
from bridge.graylog.kinds.views import DASHBOARDS, SEARCHES

CORE: Final[tuple[Kind, ...]] = (PROFILES, INDEX_SETS, INPUTS, STREAMS, RULES, PIPELINES)
MORE: Final[tuple[Kind, ...]] = (CACHES, ADAPTERS, TABLES, DASHBOARDS, SEARCHES, DEFINITIONS)
"""What `--with` brings; not read where the user may not."""
READING: Final = frozenset({"pipeline_connection:read", "clusterconfigentry:read"})

_PIPELINES: Final = "org.graylog.plugins.pipelineprocessor.processors.PipelineInterpreter"
_STREAM_RULES: Final = "org.graylog2.messageprocessors.StreamMatcherFilterProcessor"
_GEOIP: Final = "org.graylog.plugins.map.geoip.processor.GeoIpProcessor"


@dataclass(frozen=True, slots=True)
class Order:
    """The message processors, in the order in which they run."""

    running: tuple[str, ...]
    disabled: frozenset[str]

    @property
    def pipelines_first(self) -> bool:
        """Whether pipelines run before stream rules, as on clusters upgraded from 4.x."""
        return self._before(_PIPELINES, _STREAM_RULES)

    @property
    def geoip_first(self) -> bool:
        """Whether GeoIP runs before pipelines, and so never sees the fields of rules."""
        return self._before(_GEOIP, _PIPELINES)

    @property
    def missing(self) -> list[str]:
        """What the rules need and somebody turned off."""
        needed = {_PIPELINES: "Pipeline Processor", _STREAM_RULES: "Stream Rule Processor"}
        return [name for each, name in needed.items() if each in self.disabled]

    def _before(self, one: str, other: str) -> bool:
        both = one in self.running and other in self.running
        return both and self.running.index(one) < self.running.index(other)


@dataclass(frozen=True, slots=True)
class Server:
    """A server as it was found."""

    url: str
    release: Release
    user: str
    permissions: tuple[str, ...]
    functions: frozenset[str] = frozenset()
    order: Order = Order((), frozenset())
    found: Mapping[Kind, list[Entity]] = field(default_factory=dict)
    connections: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Id of a pipeline → ids of the streams on which it runs."""

    def of(self, kind: Kind) -> list[Entity]:
        """All entities of a kind that may be read."""
        return self.found.get(kind, [])

    def ours(self, kind: Kind) -> list[Entity]:
        """Those that the bridge made."""
        return [each for each in self.of(kind) if kind.is_ours(each)]

    def by_id(self, kind: Kind, identity: str) -> Entity | None:
        """One entity."""
        return next((each for each in self.of(kind) if each.id == identity), None)

    def may(self, right: str) -> bool:
        """Whether the user has a right such as `streams:create`, on everything."""
        if not self.release.wraps:  # until 7.0 the list had another name
            right = right.replace("urlallowlist:", "urlwhitelist:")
        return any(implies(each, right) for each in self.permissions)

    @property
    def has_illuminate(self) -> bool:
        """Whether Graylog's Illuminate content is there, which speaks GIM."""
        return any(each.name.startswith("Illuminate:") for each in self.of(STREAMS))


def implies(granted: str, wanted: str) -> bool:
    """Whether a permission with wildcards (`streams:*`, `streams:read,edit`) holds another."""
    parts = granted.split(":")
    for place, part in enumerate(wanted.split(":")):
        if place >= len(parts):
            return True
        if "*" not in (options := parts[place].split(",")) and part not in options:
            return False
    return all(part == "*" for part in parts[len(wanted.split(":")) :])


async def survey(graylog: Graylog) -> Server:
    """Read everything; raises GraylogError, also when the user may not read all that is needed."""
    session = await graylog.get("/system/sessions")
    user = session.get("username") or ""
    account = await graylog.get(f"/users/{user}")
    bare = Server(graylog.url, graylog.release, user, tuple(account["permissions"] or ()))
    demand(bare, {kind.right("read") for kind in CORE} | READING)
    kinds = [*CORE, *(kind for kind in MORE if bare.may(kind.right("read")))]
    functions = await graylog.get("/system/pipelines/rule/functions")
    return replace(
        bare,
        functions=frozenset(each["name"] for each in functions),
        order=await _order(graylog),
        found={kind: await kind.load(graylog) for kind in kinds},
        connections=await _connections(graylog),
    )


def demand(server: Server, rights: set[str]) -> None:
    """Raise GraylogError with all the rights that the user of the token lacks."""
    lacking = sorted(each for each in rights if not server.may(each))
    if lacking:
        raise GraylogError(
            f"the user {server.user} of {server.url} lacks rights: {', '.join(lacking)}; use a "
            "token of an administrator, or give the user a role that has them"
        )


async def _order(graylog: Graylog) -> Order:
    config = await graylog.get("/system/messageprocessors/config")
    disabled = frozenset(config["disabled_processors"])
    classes = (each["class_name"] for each in config["processor_order"])
    return Order(tuple(each for each in classes if each not in disabled), disabled)


async def _connections(graylog: Graylog) -> dict[str, tuple[str, ...]]:
    connections: dict[str, tuple[str, ...]] = {}
    for each in await graylog.get("/system/pipelines/connections"):
        for pipeline in each["pipeline_ids"]:
            connections[pipeline] = (*connections.get(pipeline, ()), each["stream_id"])
    return connections
