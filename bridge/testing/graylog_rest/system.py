"""What the server is, who asks, in which order messages are processed, and the search."""

from __future__ import annotations

import shlex
from typing import Final

from bridge.testing.graylog_rest.answers import Call, Json, api_error, properties, route
from bridge.testing.graylog_rest.state import Row, State, now

_FIRST: Final = (
    (
        "AWS Instance Name Lookup",
        "org.graylog.aws.processors.instancelookup.AWSInstanceNameLookupProcessor",
    ),
    ("GeoIP Resolver", "org.graylog.plugins.map.geoip.processor.GeoIpProcessor"),
)
_FILTERS: Final = (
    ("Message Filter Chain", "org.graylog2.messageprocessors.MessageFilterChainProcessor"),
    ("Stream Rule Processor", "org.graylog2.messageprocessors.StreamMatcherFilterProcessor"),
)
_PIPELINES: Final = (
    ("Pipeline Processor", "org.graylog.plugins.pipelineprocessor.processors.PipelineInterpreter"),
)


class SystemArea:
    """Handlers for everything that belongs to the whole server."""

    def __init__(
        self, state: State, version: str, user: str, permissions: list[str], pipelines_first: bool
    ) -> None:
        self._state = state
        self._version = version
        self._user = user
        self._permissions = permissions
        names = (
            (*_FIRST, *_PIPELINES, *_FILTERS)
            if pipelines_first
            else (*_FIRST, *_FILTERS, *_PIPELINES)
        )
        order = [{"name": name, "class_name": each} for name, each in names]
        self.processors: Row = {"processor_order": order, "disabled_processors": []}
        self.geoip: Row = {"enabled": False}

    @route("GET", "/")
    def hello(self, call: Call) -> tuple[int, Json]:
        node = "d64d7d24-0000-4000-8000-000000000001"
        return 200, {
            "cluster_id": "a77d454a-0000-4000-8000-000000000001",
            "node_id": node,
            "version": f"{self._version}+0000000",
            "tagline": "Manage your logs in the dark",
        }

    @route("GET", "/system/sessions")
    def session(self, call: Call) -> tuple[int, Json]:
        """A token is no session."""
        return 200, {"is_valid": False, "session_id": None, "username": self._user}

    @route("GET", "/users/{}")
    def user(self, call: Call) -> tuple[int, Json]:
        if call.arguments[0] not in (self._user, "ann"):
            raise api_error(404, f"Couldn't find user <{call.arguments[0]}>")
        own = call.arguments[0] == self._user
        return 200, {
            "id": f"local:{self._user}" if own else "6b02ffffffffffffffffffff",
            "username": call.arguments[0],
            "permissions": self._permissions,
            "grn_permissions": [],
            "roles": [],
        }

    @route("GET", "/system/messageprocessors/config", "clusterconfigentry:read")
    def order(self, call: Call) -> tuple[int, Json]:
        return 200, self.processors

    @route("GET", "/system/cluster_config/{}", "clusterconfigentry:read")
    def cluster_config(self, call: Call) -> tuple[int, Json]:
        if call.arguments[0] == "org.graylog.plugins.map.config.GeoIpResolverConfig":
            return 200, self.geoip
        if call.arguments[0] == "org.graylog2.messageprocessors.MessageProcessorsConfig":
            order = [each["class_name"] for each in self.processors["processor_order"]]
            return 200, self.processors | {"processor_order": order}
        raise api_error(404, f"Couldn't find class '{call.arguments[0]}'")

    @route("GET", "/system/urlwhitelist", "urlwhitelist:read")
    @route("GET", "/system/urlallowlist", "urlallowlist:read")
    def allowed(self, call: Call) -> tuple[int, Json]:
        self._right_name(call)
        return 200, self._state.allowed

    @route("PUT", "/system/urlwhitelist", "urlwhitelist:write")
    @route("PUT", "/system/urlallowlist", "urlallowlist:write")
    def allow(self, call: Call) -> tuple[int, Json]:
        """Replaces the whole list."""
        self._right_name(call)
        body = call.checked(("entries",), ("disabled",))
        for each in body["entries"]:
            properties(each, ("id", "type", "title", "value"))
        self._state.allowed = body
        return 204, None

    @route("GET", "/search/universal/relative")
    def search(self, call: Call) -> tuple[int, Json]:
        """Messages that have all `field:value` of the query; nothing else is understood."""
        terms = shlex.split(call.query.get("query", "*"))
        found = [each for each in self._state.messages if _matches(each, terms)]
        messages = [{"highlight_ranges": {}, "message": each, "index": "i_0"} for each in found]
        return 200, {
            "query": call.query.get("query"),
            "built_query": "",
            "used_indices": [],
            "messages": messages,
            "fields": sorted({name for each in found for name in each}),
            "time": 1,
            "total_results": len(found),
            "from": now(),
            "to": now(),
            "decoration_stats": None,
        }

    def _right_name(self, call: Call) -> None:
        """7.0 renamed it."""
        name = "/system/urlallowlist" if self._state.major >= 7 else "/system/urlwhitelist"
        if call.path != name:
            raise api_error(404, "HTTP 404 Not Found")


def _matches(message: Row, terms: list[str]) -> bool:
    pairs = [term.partition(":") for term in terms if term not in ("*", "AND")]
    return all(str(message.get(name)) == value for name, _, value in pairs)
