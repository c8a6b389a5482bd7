"""`/system/pipelines`: rules, pipelines, connections. Classes: RuleResource, PipelineResource,
PipelineConnectionsResource."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from bridge.graylog.rules.functions import functions
from bridge.graylog.rules.source import Pipeline, Rule, Source, pipeline_of, rule_of
from bridge.testing.graylog_rest.answers import Call, Json, Problem, api_error, not_found, route
from bridge.testing.graylog_rest.state import Row, State, now

_SOURCE = (("source",), ("id", "title", "description", "rule_builder", "simulator_message"))
_RULE_ROW: Row = {"rule_builder": None, "simulator_message": None}


class PipelineArea:
    """Handlers for rules, pipelines and where they run."""

    def __init__(self, state: State) -> None:
        self._state = state

    @route("GET", "/system/pipelines/rule", "pipeline_rule:read")
    def rules(self, call: Call) -> tuple[int, Json]:
        return 200, list(self._state.rules.values())

    @route("GET", "/system/pipelines/rule/functions")
    def functions(self, call: Call) -> tuple[int, Json]:
        return 200, [{"name": name, "params": []} for name in functions()]

    @route("POST", "/system/pipelines/rule", "pipeline_rule:create")
    def create_rule(self, call: Call) -> tuple[int, Json]:
        row = _read_rule(call)
        self._refuse_second(self._state.rules, row, "pipeline_processor_rules")
        return 200, self._state.add(self._state.rules, row | {"_scope": "DEFAULT"})

    @route("POST", "/system/pipelines/rule/parse", "pipeline_rule:create")
    def parse_rule(self, call: Call) -> tuple[int, Json]:
        return 200, _read_rule(call) | {"id": None, "_scope": None}

    @route("PUT", "/system/pipelines/rule/{}", "pipeline_rule:edit")
    def update_rule(self, call: Call) -> tuple[int, Json]:
        return 200, _changed(self._state.rules, call, _read_rule(call))

    @route("DELETE", "/system/pipelines/rule/{}", "pipeline_rule:delete")
    def delete_rule(self, call: Call) -> tuple[int, Json]:
        return _deleted(self._state.rules, call)

    @route("GET", "/system/pipelines/pipeline", "pipeline:read")
    def pipelines(self, call: Call) -> tuple[int, Json]:
        return 200, list(self._state.pipelines.values())

    @route("POST", "/system/pipelines/pipeline", "pipeline:create")
    def create_pipeline(self, call: Call) -> tuple[int, Json]:
        row = _read_pipeline(call)
        self._refuse_second(self._state.pipelines, row, "pipeline_processor_pipelines")
        return 200, self._state.add(self._state.pipelines, row | {"_scope": "DEFAULT"})

    @route("POST", "/system/pipelines/pipeline/parse", "pipeline:create")
    def parse_pipeline(self, call: Call) -> tuple[int, Json]:
        return 200, _read_pipeline(call) | {"id": None, "_scope": None}

    @route("PUT", "/system/pipelines/pipeline/{}", "pipeline:edit")
    def update_pipeline(self, call: Call) -> tuple[int, Json]:
        return 200, _changed(self._state.pipelines, call, _read_pipeline(call))

    @route("DELETE", "/system/pipelines/pipeline/{}", "pipeline:delete")
    def delete_pipeline(self, call: Call) -> tuple[int, Json]:
        """Connections keep the id of a pipeline that is gone."""
        return _deleted(self._state.pipelines, call)

    @route("GET", "/system/pipelines/connections", "pipeline_connection:read")
    def connections(self, call: Call) -> tuple[int, Json]:
        return 200, list(self._state.connections.values())

    @route("POST", "/system/pipelines/connections/to_stream", "pipeline_connection:edit")
    def to_stream(self, call: Call) -> tuple[int, Json]:
        """Replaces all pipelines of a stream."""
        body = call.checked(("stream_id", "pipeline_ids"), ("id",))
        self._editable(body["stream_id"])
        for pipeline in body["pipeline_ids"]:
            self._mutable(pipeline)
        return 200, self._connect(body["stream_id"], body["pipeline_ids"])

    @route("POST", "/system/pipelines/connections/to_pipeline", "pipeline_connection:edit")
    def to_pipeline(self, call: Call) -> tuple[int, Json]:
        """Replaces all streams of a pipeline."""
        body = call.checked(("pipeline_id", "stream_ids"), ("id",))
        pipeline, streams = body["pipeline_id"], body["stream_ids"]
        self._mutable(pipeline)
        for stream in streams:
            self._editable(stream)
        touched = []
        for stream, row in list(self._state.connections.items()):
            if pipeline in row["pipeline_ids"] and stream not in streams:
                rest = [each for each in row["pipeline_ids"] if each != pipeline]
                touched.append(self._connect(stream, rest))
        for stream in streams:
            own = self._state.connections.get(stream, {"pipeline_ids": []})["pipeline_ids"]
            touched.append(
                self._connect(stream, [*(each for each in own if each != pipeline), pipeline])
            )
        return 200, touched

    def _connect(self, stream: str, pipelines: list[str]) -> Row:
        old = self._state.connections.get(stream)
        row = {"stream_id": stream, "pipeline_ids": pipelines}
        row["id"] = old["id"] if old else self._state.identity()
        self._state.connections[stream] = row
        return row

    def _editable(self, stream: str) -> None:
        if stream not in self._state.streams:
            raise not_found(f"Stream <{stream}>")
        if not self._state.streams[stream]["is_editable"]:
            raise api_error(400, "Cannot connect pipeline to non editable stream")

    def _mutable(self, pipeline: str) -> None:
        if pipeline not in self._state.pipelines:
            raise api_error(404, f"No pipeline with id {pipeline}")
        if self._state.pipelines[pipeline]["_scope"] != "DEFAULT":
            raise api_error(400, "Cannot modify connections for immutable pipeline")

    def _refuse_second(self, table: dict[str, Row], row: Row, collection: str) -> None:
        if any(each["title"] == row["title"] for each in table.values()):
            raise api_error(
                500,
                "Write operation error on MongoDB server 127.0.0.1:27017. Write error: "
                "WriteError{code=11000, message='E11000 duplicate key error collection: "
                f'graylog.{collection} index: title_1 dup key: {{ title: "{row["title"]}" }}\', '
                "details={}}.",
            )


@cache
def _rule(text: str) -> Rule:
    return rule_of(Path("rule"), text)


@cache
def _pipeline(text: str) -> Pipeline:
    return pipeline_of(Path("pipeline"), text)


def _read_rule(call: Call) -> Row:
    """The rule of a body; its name stands in the source, what comes as title does not matter."""
    body = call.checked(*_SOURCE)
    rule = _rule(body["source"])
    errors = _syntax(rule)
    known = functions()
    for each in rule.calls:
        if (name := each.function.value) not in known:
            errors.append(_error("undeclared_function", each.function, f"Unknown function {name}"))
    return _row(rule, body, errors) | _RULE_ROW


def _read_pipeline(call: Call) -> Row:
    body = call.checked(("source",), ("id", "title", "description", "stages", "created_at"))
    pipeline = _pipeline(body["source"])
    stages = [
        {"stage": stage.number, "match": "EITHER", "rules": [each.value for each in stage.rules]}
        for stage in pipeline.stages
    ]
    return _row(pipeline, body, _syntax(pipeline)) | {"stages": stages}


def _syntax(source: Source) -> list[Row]:
    """Errors of the parser; text after `end` is none for a server."""
    return [
        {
            "type": "syntax_error",
            "line": each.line,
            "position_in_line": max(each.column - 1, 0),
            "reason": f"{each.message} in line {each.line} pos {max(each.column - 1, 0)}",
        }
        for each in source.problems
        if "after `end`" not in each.message
    ]


def _error(kind: str, token: Any, text: str) -> Row:
    place = {"line": token.line, "position_in_line": token.column - 1}
    reason = f"{text} in line {token.line} pos {token.column - 1}"
    return {"type": kind, **place, "reason": reason}


def _row(source: Source, body: Row, errors: list[Row]) -> Row:
    if errors:
        raise Problem(400, errors)
    moment = now()
    return {
        "title": source.name,
        "description": body.get("description"),
        "source": body["source"],
        "created_at": moment,
        "modified_at": moment,
        "errors": None,
    }


def _changed(table: dict[str, Row], call: Call, row: Row) -> Row:
    identity = call.arguments[0]
    if identity not in table:
        raise not_found(f"<{identity}>")
    table[identity] = table[identity] | row
    return table[identity]


def _deleted(table: dict[str, Row], call: Call) -> tuple[int, Json]:
    if table.pop(call.arguments[0], None) is None:
        raise not_found(f"<{call.arguments[0]}>")
    return 204, None
