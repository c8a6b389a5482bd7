"""`/streams`, `/system/inputs` and `/authz/shares`. Classes: StreamResource, StreamRuleResource,
InputsResource, EntitySharesResource."""

from __future__ import annotations

from bridge.testing.graylog_rest.answers import Call, Json, api_error, not_found, properties, route
from bridge.testing.graylog_rest.state import Row, State, now, stream_row

_RULE = (("field", "type", "value", "inverted"), ("description",))
_STREAM = (
    ("title", "index_set_id"),
    ("description", "rules", "content_pack", "matching_type", "remove_matches_from_default_stream"),
)
_UPDATED = ("title", "matching_type", "remove_matches_from_default_stream", "index_set_id")
_INPUT = (("title", "type", "configuration"), ("global", "node", "id"))
_NAMES = {"tcp": "GELF TCP", "udp": "GELF UDP", "http": "GELF HTTP"}


class StreamArea:
    """Handlers for streams and inputs."""

    def __init__(self, state: State) -> None:
        self._state = state

    @route("GET", "/streams", "streams:read")
    def all(self, call: Call) -> tuple[int, Json]:
        rows = list(self._state.streams.values())
        return 200, {"total": len(rows), "streams": rows}

    @route("GET", "/streams/{}", "streams:read")
    def one(self, call: Call) -> tuple[int, Json]:
        return 200, self._stream(call)

    @route("POST", "/streams", "streams:create")
    def create(self, call: Call) -> tuple[int, Json]:
        body = call.checked(*_STREAM)
        if body["index_set_id"] not in self._state.index_sets:
            raise api_error(400, f"Index set with ID <{body['index_set_id']}> does not exist!")
        row = stream_row(body["title"], body.get("description"), body["index_set_id"])
        row["matching_type"] = body.get("matching_type") or "AND"
        row["remove_matches_from_default_stream"] = bool(
            body.get("remove_matches_from_default_stream")
        )
        made = self._state.add(self._state.streams, row)
        made["rules"] = [self._rule(made["id"], rule) for rule in body.get("rules") or []]
        return 201, {"stream_id": made["id"]}

    @route("PUT", "/streams/{}", "streams:edit")
    def update(self, call: Call) -> tuple[int, Json]:
        """Unknown properties are ignored here; a description that is left out is lost."""
        row = self._own(call, "The stream cannot be edited.")
        row["description"] = call.body.get("description")
        row |= {key: call.body[key] for key in _UPDATED if call.body.get(key) is not None}
        return 200, row

    @route("DELETE", "/streams/{}", "streams:edit")
    def delete(self, call: Call) -> tuple[int, Json]:
        row = self._stream(call)
        protected = row["is_default"] or not row["is_editable"]
        if protected and self._state.major < 7:  # 7.0.1 deletes it
            raise api_error(400, "The stream cannot be deleted.")
        del self._state.streams[row["id"]]
        return 204, None

    @route("POST", "/streams/{}/resume", "streams:changestate")
    def resume(self, call: Call) -> tuple[int, Json]:
        self._own(call, "The stream cannot be resumed.")["disabled"] = False
        return 204, None

    @route("POST", "/streams/{}/pause", "streams:changestate")
    def pause(self, call: Call) -> tuple[int, Json]:
        self._own(call, "The stream cannot be paused.")["disabled"] = True
        return 204, None

    @route("POST", "/streams/{}/rules", "streams:edit")
    def add_rule(self, call: Call) -> tuple[int, Json]:
        row = self._own(call, "The stream cannot be edited.")
        rule = self._rule(row["id"], call.body)
        row["rules"].append(rule)
        return 201, {"streamrule_id": rule["id"]}

    @route("DELETE", "/streams/{}/rules/{}", "streams:edit")
    def delete_rule(self, call: Call) -> tuple[int, Json]:
        row = self._own(call, "The stream cannot be edited.")
        row["rules"] = [each for each in row["rules"] if each["id"] != call.arguments[1]]
        return 204, None

    @route("POST", "/authz/shares/entities/{}/prepare")
    def prepare_share(self, call: Call) -> tuple[int, Json]:
        call.checked((), ("selected_grantee_capabilities", "selected_collections"))
        return 200, self._shares(call)

    @route("POST", "/authz/shares/entities/{}")
    def share(self, call: Call) -> tuple[int, Json]:
        """Replaces everybody that it was shared with."""
        body = call.checked((), ("selected_grantee_capabilities", "selected_collections"))
        if (chosen := body.get("selected_grantee_capabilities")) is not None:
            self._state.shares[call.arguments[0]] = chosen
        return 200, self._shares(call)

    @route("GET", "/system/inputs", "inputs:read")
    def inputs(self, call: Call) -> tuple[int, Json]:
        rows = list(self._state.inputs.values())
        return 200, {"inputs": rows, "total": len(rows)}

    @route("POST", "/system/inputs", "inputs:create")
    def create_input(self, call: Call) -> tuple[int, Json]:
        body = call.checked(*_INPUT)
        if not body["configuration"].get("port"):
            raise api_error(400, "Missing or invalid input configuration.")
        kind = body["type"].rpartition("GELF")[2].removesuffix("Input").lower()
        row = {
            "title": body["title"],
            "global": bool(body.get("global")),
            "name": _NAMES.get(kind, kind),
            "content_pack": None,
            "created_at": now(),
            "type": body["type"],
            "creator_user_id": "admin",
            "attributes": body["configuration"],
            "static_fields": {},
            "node": body.get("node"),
        }
        return 201, {"id": self._state.add(self._state.inputs, row)["id"]}

    @route("DELETE", "/system/inputs/{}", "inputs:terminate")
    def delete_input(self, call: Call) -> tuple[int, Json]:
        if self._state.inputs.pop(call.arguments[0], None) is None:
            raise not_found("Input")
        return 204, None

    @route("GET", "/system/inputstates", "inputs:read")
    def input_states(self, call: Call) -> tuple[int, Json]:
        """Two inputs on one port: the second has failed."""
        taken = set(self._state.busy_ports)
        states = []
        for row in self._state.inputs.values():
            port = row["attributes"]["port"]
            clash = "bind(..) failed: Address already in use." if port in taken else None
            taken.add(port)
            state = {
                "id": row["id"],
                "state": "FAILED" if clash else "RUNNING",
                "started_at": row["created_at"],
                "detailed_message": clash,
                "message_input": row,
            }
            states.append(state)
        return 200, {"states": states}

    def _stream(self, call: Call) -> Row:
        if call.arguments[0] not in self._state.streams:
            raise not_found(f"Stream <{call.arguments[0]}>")
        return self._state.streams[call.arguments[0]]

    def _own(self, call: Call, refusal: str) -> Row:
        row = self._stream(call)
        if not row["is_editable"]:
            raise api_error(400, refusal)
        return row

    def _rule(self, stream: str, body: Json) -> Row:
        rule = properties(body, *_RULE)
        return {**rule, "stream_id": stream, "id": self._state.identity()}

    def _shares(self, call: Call) -> Row:
        chosen = self._state.shares.get(call.arguments[0], {})
        return {
            "entity": call.arguments[0],
            "sharing_user": "grn::::user:local:admin",
            "available_grantees": [],
            "available_capabilities": [],
            "active_shares": [],
            "selected_grantee_capabilities": chosen,
            "missing_permissions_on_dependencies": {},
            "synced_entities": [],
            "validation_result": {"failed": False, "errors": {}, "error_context": {}},
        }
