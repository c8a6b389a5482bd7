"""Installing on a server: what shall be there, compared with what is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bridge.graylog import lookups, wanted
from bridge.graylog.alerts import alerts
from bridge.graylog.client import Graylog, GraylogError, words
from bridge.graylog.dashboards import dashboards, repeated_events
from bridge.graylog.entity import Entity, Kind
from bridge.graylog.kinds.events import DEFINITIONS
from bridge.graylog.kinds.indices import INDEX_SETS, PROFILES, FieldTypes, Retention, defaults
from bridge.graylog.kinds.inputs import INPUTS, TITLE, gelf_tcp, port
from bridge.graylog.kinds.lookups import TABLES
from bridge.graylog.kinds.rules import PIPELINES, RULES, Disconnected, Source
from bridge.graylog.kinds.streams import DEFAULT_STREAM, STREAMS, Running, Shared
from bridge.graylog.kinds.views import DASHBOARDS, SEARCHES
from bridge.graylog.plan import Consent, Plan, Planner, Verb
from bridge.graylog.rules import RuleSet
from bridge.graylog.schema import ECS, SCHEMAS, Schema
from bridge.graylog.survey import Server, demand
from bridge.graylog.wanted import THE_INDEX_SET, THE_PROFILE, THE_STREAM

EXTRAS: Final = ("dashboards", "alerts", "lookups")
OLDEST: Final = (6, 0)
NEWEST: Final = 7
"""The major release up to which this was tried."""
OFFERED: Final = 5
EVERYONE: Final = "grn::::builtin-team:everyone"


@dataclass(frozen=True, slots=True)
class Choices:
    """What somebody wants installed; ids are those of the server."""

    schema: str | None = None
    extras: frozenset[str] = frozenset()
    """Of `EXTRAS`."""
    stream: str | None = None
    index_set: str | None = None
    input: str | None = None
    """An id, `none`, or None: one is made when there is no GELF input yet."""
    input_port: int = 12201
    retention_days: int | None = None
    share_with: tuple[str, ...] = ()
    """Names of users, or `everyone`."""
    intel_url: str | None = None
    intel_value: str = "$.verdict"
    csv_path: str | None = None
    consent: Consent = field(default_factory=Consent)


async def plan_installation(graylog: Graylog, server: Server, choices: Choices) -> Plan:
    """Everything that is to be done, in order; nothing is changed.

    Raises GraylogError when the server cannot take it, or the user may not do it.
    """
    if server.release[:2] < OLDEST:
        raise GraylogError(f"Graylog {server.release.text} is too old: 6.0 or newer is needed")
    installation = _Installation(graylog, server, choices)
    installation.check_functions()
    await installation.indices()
    installation.input()
    await installation.stream()
    await installation.lookups()
    await installation.rules()
    await installation.views()
    await installation.check_sources()
    plan = installation.planner.plan
    demand(server, {step.right for step in plan.steps})
    return plan


def installed_schema(server: Server, stream: Entity | None = None) -> str | None:
    """The schema of what is installed: the profile of our index set is named after it."""
    stream = stream or known_stream(server)
    mine = server.by_id(INDEX_SETS, stream.body["index_set_id"]) if stream else None
    for index_set in [mine] if mine else server.ours(INDEX_SETS):
        profile = server.by_id(PROFILES, index_set.body.get("field_type_profile") or "")
        for schema in SCHEMAS.values():
            if profile and profile.name == wanted.profile_name(schema):
                return schema.name
    return None


def known_stream(server: Server) -> Entity | None:
    """The stream of an earlier installation: ours, or the one that our pipelines run on."""
    if ours := server.ours(STREAMS):
        return ours[0]
    for pipeline in server.ours(PIPELINES):
        for identity in server.connections.get(pipeline.id, ()):
            if identity != DEFAULT_STREAM and (found := server.by_id(STREAMS, identity)):
                return found
    return None


def gelf_inputs(server: Server) -> list[Entity]:
    """The GELF inputs that there are."""
    return [each for each in server.of(INPUTS) if ".inputs.gelf." in each.body["type"]]


class _Installation:
    """One plan in the making; the methods are called in the order of the steps."""

    def __init__(self, graylog: Graylog, server: Server, choices: Choices) -> None:
        self._graylog = graylog
        self._server = server
        self._choices = choices
        self._stream = self._chosen(STREAMS, choices.stream) or known_stream(server)
        if self._stream and not _own(self._stream):
            raise GraylogError(
                f"the stream {self._stream.name} belongs to the system: choose another"
            )
        self._installed = installed_schema(server, self._stream)
        self._schema = self._choose_schema()
        self._extras = choices.extras | _extras_there(server)
        self._sets = wanted.shipped(self._schema, self._extras & {"lookups"})
        self.planner = Planner(graylog, wanted.number(self._sets), choices.consent)
        self._remark()

    def check_functions(self) -> None:
        """Raise GraylogError when the rules call what the server does not have."""
        for rule in (rule for each in self._sets for rule in each.rules):
            called = {call.function.value for call in rule.calls}
            if missing := sorted(called - self._server.functions):
                raise GraylogError(
                    f"the rule {rule.name} needs the functions {', '.join(missing)}, which Graylog "
                    f"{self._server.release.text} does not have"
                )

    async def indices(self) -> None:
        """Field types, index set, and how long it keeps events."""
        there = self._choose_index_set()
        ours = there is None or INDEX_SETS.is_ours(there) or bool(self._choices.index_set)
        if not ours and there:
            self.planner.known(THE_INDEX_SET, there.id)
            self.planner.note(
                f"the index set {there.name} keeps its own field types; --index-set {there.id} "
                "gives it those of gelf-bridge"
            )
            return
        await self.planner.entity(wanted.profile(self._schema), self._server.of(PROFILES))
        if there is None:
            base = await defaults(self._graylog)
            new = wanted.index_set(self._schema, base, self._choices.retention_days)
            await self._new_index_set(new)
            return
        self.planner.known(THE_INDEX_SET, there.id)
        profile = there.body.get("field_type_profile")
        await self.planner.setting(
            FieldTypes(THE_INDEX_SET, there.name, THE_PROFILE),
            foreign=bool(profile) and not self._is_our_profile(profile),
        )
        await self._retain(there.name)

    async def _new_index_set(self, new: Entity) -> None:
        await self.planner.entity(new, self._server.of(INDEX_SETS))
        if THE_INDEX_SET in self.planner.plan.ids:
            await self.planner.setting(FieldTypes(THE_INDEX_SET, new.name, THE_PROFILE))
            await self._retain(new.name)
            return
        self._offer("--index-set", [each for each in self._server.of(INDEX_SETS) if _usable(each)])
        prefix = str(new.body["index_prefix"])
        for each in self._server.of(INDEX_SETS):
            other = str(each.body["index_prefix"])
            if prefix.startswith(other) or other.startswith(prefix):
                raise GraylogError(
                    f"the index prefix {prefix} would conflict with {other} of the index set "
                    f"{each.name}: use that one with --index-set {each.id}, or another"
                )

    async def _retain(self, name: str) -> None:
        if self._choices.retention_days is not None:
            await self.planner.setting(Retention(THE_INDEX_SET, name, self._choices.retention_days))

    def input(self) -> None:
        """A GELF input, when there is none."""
        choice = self._choices.input
        if choice == "none":
            return
        chosen = self._chosen(INPUTS, choice)
        if there := [chosen] if chosen else gelf_inputs(self._server):
            names = ", ".join(f"{each.name} (port {port(each.body)})" for each in there)
            self.planner.note(f"events can come in through {names}")
            return
        number = self._choices.input_port
        for each in self._server.of(INPUTS):
            if port(each.body) == number:
                raise GraylogError(
                    f"the input {each.name} has port {number} already: choose another with "
                    "--input-port, or make no input with --input none"
                )
        self.planner.create(Entity(INPUTS, TITLE, gelf_tcp("0.0.0.0", number)))

    async def stream(self) -> None:
        """The stream; it is resumed when its pipelines are connected."""
        new = wanted.stream()
        if self._stream is None:
            await self.planner.entity(new, self._server.of(STREAMS))
            self._offer("--stream", [each for each in self._server.of(STREAMS) if _own(each)])
        elif STREAMS.is_ours(self._stream):
            own = Entity(STREAMS, self._stream.name, new.body, new.description, "", THE_STREAM)
            await self.planner.entity(own, [self._stream])
        else:
            self.planner.known(THE_STREAM, self._stream.id)
            self.planner.note(f"the stream {self._stream.name} is used as it is")
        if grantees := {await self._grantee(name): "view" for name in self._choices.share_with}:
            await self.planner.setting(Shared(THE_STREAM, self._stream_name, grantees))

    async def lookups(self) -> None:
        """Tables, for whoever chose them."""
        choices = self._choices
        if "lookups" in choices.extras and not (choices.intel_url or choices.csv_path):
            raise GraylogError("--with lookups needs --intel-url, --csv-path, or both")
        entities: list[Entity] = []
        if choices.intel_url:
            entities += lookups.threat_intelligence(choices.intel_url, choices.intel_value)
            await self.planner.setting(lookups.allowed(choices.intel_url))
        if choices.csv_path:
            entities += lookups.own_list(choices.csv_path)
            self.planner.note(
                f"{choices.csv_path} must lie on every Graylog node, readable for Graylog, and "
                f"hold lines such as these:\n{lookups.EXAMPLE_CSV}"
            )
        for each in entities:
            await self.planner.entity(each, self._server.of(each.kind))

    async def rules(self) -> None:
        """Rules, pipelines, and where they run; then what no longer belongs to them."""
        routing = self._routing()
        for each in wanted.sources([*self._sets, *routing]):
            await self.planner.entity(each, self._server.of(each.kind))
        for connected in wanted.connections(self._sets, THE_STREAM):
            await self.planner.setting(connected)
        await self.planner.setting(Running(THE_STREAM, self._stream_name))
        for connected in wanted.connections(routing, DEFAULT_STREAM):
            await self.planner.setting(connected)
        await self._clear_away(wanted.sources([*self._sets, *routing]))

    async def _clear_away(self, kept: Sequence[Entity]) -> None:
        names = {(each.kind, each.name) for each in kept}
        for kind in (PIPELINES, RULES):
            for old in self._server.ours(kind):
                if (kind, old.name) in names:
                    continue
                if kind is PIPELINES:
                    await self.planner.setting(Disconnected(old.id, old.name))
                await self.planner.removal(old)

    async def views(self) -> None:
        """Dashboards and alerts, for whoever chose them or has them already."""
        entities: list[Entity] = []
        if "dashboards" in self._extras:
            entities += [*dashboards(self._schema, [THE_STREAM]), repeated_events([THE_STREAM])]
        if "alerts" in self._extras:
            entities += alerts(self._schema, [THE_STREAM])
        for each in entities:
            await self.planner.entity(each, self._server.of(each.kind))

    async def check_sources(self) -> None:
        """Let the server parse all that is new; raises GraylogError with its complaints."""
        complaints: list[str] = []
        for step in self.planner.plan.steps:
            if not (step.new and isinstance(step.new.kind, Source)) or step.verb is Verb.MARK:
                continue
            try:
                await step.new.kind.parse(self._graylog, step.new)
            except GraylogError as error:
                if error.status != 400:
                    raise
                complaints.append(f"{step.title}: {words(error.answer)}")
        if complaints:
            whole = "\n  ".join(complaints)
            raise GraylogError(f"{self._server.url} does not take these:\n  {whole}")

    @property
    def _stream_name(self) -> str:
        return self._stream.name if self._stream else wanted.STREAM

    def _chosen(self, kind: Kind, identity: str | None) -> Entity | None:
        if identity is None:
            return None
        if found := self._server.by_id(kind, identity):
            return found
        known = ", ".join(f"{each.id} ({each.name})" for each in self._server.of(kind))
        raise GraylogError(f"there is no {kind.word} {identity}; there are: {known or 'none'}")

    def _choose_schema(self) -> Schema:
        asked = self._choices.schema
        if asked and self._installed and asked != self._installed:
            if not self._choices.consent.force:
                raise GraylogError(
                    f"{self._installed} is installed, and a field has one type for ever: --schema "
                    f"{asked} needs --force, and gets an index set of its own"
                )
            return SCHEMAS[asked]
        return SCHEMAS[asked or self._installed or ECS.name]

    def _choose_index_set(self) -> Entity | None:
        """The one that was chosen, or that the stream has already; None: it is made."""
        changes = self._installed not in (None, self._schema.name)
        current = self._stream.body["index_set_id"] if self._stream else ""
        if chosen := self._chosen(INDEX_SETS, self._choices.index_set):
            if changes and chosen.id == current:
                raise GraylogError(
                    f"the index set {chosen.name} holds {self._installed} names: --schema "
                    f"{self._schema.name} needs another one"
                )
            return chosen
        return None if changes else self._server.by_id(INDEX_SETS, current)

    def _is_our_profile(self, identity: str | None) -> bool:
        profile = self._server.by_id(PROFILES, identity or "")
        return profile is not None and PROFILES.is_ours(profile)

    def _routing(self) -> list[RuleSet]:
        if not self._server.order.pipelines_first:
            return []
        sets = wanted.shipped(self._schema, {"routing"})
        return [each for each in sets if each.folder.name == "routing"]

    async def _grantee(self, name: str) -> str:
        if name == "everyone":
            return EVERYONE
        user = await self._graylog.find(f"/users/{name}")
        if user is None:
            raise GraylogError(f"there is no user {name} to share the stream with")
        if str(user["id"]).startswith("local:"):
            raise GraylogError(f"the user {name} may see everything anyway: share with others")
        return f"grn::::user:{user['id']}"

    def _offer(self, option: str, there: Sequence[Entity]) -> None:
        """Say what could be used in the place of something that is made."""
        if there:
            named = ", ".join(f"{each.id} ({each.name})" for each in there[:OFFERED])
            more = f" and {len(there) - OFFERED} more" if len(there) > OFFERED else ""
            self.planner.note(f"{option} takes one that is there: {named}{more}")

    def _remark(self) -> None:
        """Say what the operator should know of the server."""
        server, note = self._server, self.planner.note
        if server.release.major > NEWEST:
            note(f"this was not tried with Graylog {server.release.text}: look at --dry-run first")
        if server.order.pipelines_first:
            note(
                "this server runs pipelines before stream rules, so the pipeline gelf-bridge "
                "routing on the Default Stream hands the events over"
            )
        for processor in server.order.missing:
            note(f"the {processor} is turned off (System / Configurations): rules will not run")
        if server.has_illuminate and self._schema is ECS and not self._installed:
            note("Illuminate is installed here, and speaks GIM: consider --schema gim")


def _own(stream: Entity) -> bool:
    return bool(stream.body["is_editable"]) and not stream.body["is_default"]


def _usable(index_set: Entity) -> bool:
    """Not those of Graylog's own events."""
    return bool(index_set.body.get("can_be_default", True)) and bool(index_set.body["writable"])


def _extras_there(server: Server) -> frozenset[str]:
    """What an earlier installation brought is kept up to date."""
    kinds: dict[str, tuple[Kind, ...]] = {
        "dashboards": (DASHBOARDS, SEARCHES),
        "alerts": (DEFINITIONS,),
        "lookups": (TABLES,),
    }
    return frozenset(
        name for name, group in kinds.items() if any(server.ours(kind) for kind in group)
    )
