"""A server's own parser, asked what it says of rule and pipeline files; nothing is stored there."""

from __future__ import annotations

from bridge.errors import Problem
from bridge.graylog.client import Graylog, GraylogError
from bridge.graylog.entity import Entity
from bridge.graylog.kinds.rules import PIPELINES, RULES
from bridge.graylog.rules import RuleSet


async def check_set(graylog: Graylog, rule_set: RuleSet) -> list[Problem]:
    """What the server does not take of a set, by file; raises GraylogError."""
    rules = [(RULES, rule) for rule in rule_set.rules]
    pipelines = [(PIPELINES, pipeline) for pipeline in rule_set.pipelines]
    found: list[Problem] = []
    for kind, source in (*rules, *pipelines):
        try:
            await kind.parse(graylog, Entity(kind, source.name or "", {"source": source.text}))
        except GraylogError as error:
            if not isinstance(error.answer, list):
                raise
            found += [
                Problem(
                    str(source.path), each["line"], each["position_in_line"] + 1, "", each["reason"]
                )
                for each in sorted(
                    error.answer, key=lambda row: (row["line"], row["position_in_line"])
                )
            ]
    return found
