"""The field tables in `pipelines/<source>/FIELDS.md`, written from a real run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bridge.graylog.judge import Judge
from tests.graylog.samples import Sample, after_rules, settled, stored

WORDS = {
    "String": "text",
    "List": "list of texts",
    "Long": "whole number",
    "Integer": "whole number",
    "Double": "decimal",
    "Boolean": "boolean",
    "DateTime": "time",
}
EXAMPLE_LENGTH = 60

INTRODUCTION = """\
# {title}

What the bridge sends, and what Graylog holds after the rules in `{folder}`.
Written from a real run of the samples below, on Graylog's own decoder and rule engine; the command
`pytest tests/graylog tests/testing --regenerate` writes it anew. Fields that Graylog adds itself
(`gl2_…`) are left out, and so is `full_message`, which always holds the original.

## All fields after the rules

| field | type | example |
|---|---|---|
"""


def page(title: str, folder: str, samples: Sequence[Sample], judge: Judge) -> str:
    """The whole page, in Markdown; the rules have to be loaded."""
    types: dict[str, str] = {}
    examples: dict[str, Any] = {}
    sections = []
    for sample in samples:
        verdict = after_rules(judge, sample.document)
        held = {k: v for k, v in stored(verdict).items() if k != "full_message"}
        for name, value in held.items():
            types[name] = WORDS[verdict.types[name]]
            examples.setdefault(name, value)
        sections.append(section(sample, held))
    rows = "".join(
        f"| `{name}` | {types[name]} | {code(examples[name], EXAMPLE_LENGTH)} |\n"
        for name in sorted(types)
    )
    return INTRODUCTION.format(title=title, folder=folder) + rows + "".join(sections)


def section(sample: Sample, held: dict[str, Any]) -> str:
    """One sample: the original, and a row for each field that it has on either side."""
    names = {"message": "message", "host": "source", "timestamp": "timestamp"}
    sent = {names.get(name, name): value for name, value in settled(sample.event).items()}
    rows = "".join(
        f"| `{name}` | {cell(sent, name)} | {cell(held, name)} |\n"
        for name in sorted(sent.keys() | held.keys())
        if name != "full_message"
    )
    return (
        f"\n## {sample.name.replace('_', ' ').capitalize()}\n\n```\n{sample.original}\n```\n\n"
        f"| field | the bridge sends | Graylog holds |\n|---|---|---|\n{rows}"
    )


def cell(fields: dict[str, Any], name: str) -> str:
    return code(fields[name]) if fields.get(name) is not None else ""


def code(value: Any, length: int = 1_000) -> str:
    """A value as JSON, as code in a cell of a table."""
    text = json.dumps(value, ensure_ascii=False)
    text = text if len(text) <= length else f"{text[: length - 1]}…"
    return f"`{text.replace('|', chr(92) + '|')}`"
