"""The field tables tell what really happens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.graylog.files import pipelines_folder
from bridge.graylog.judge import Judge
from tests.graylog.pages import page
from tests.graylog.samples import cybereason, cylance, load, rule_set

SOURCES = {"cybereason": cybereason, "cylance": cylance}


@pytest.mark.parametrize("source", SOURCES)
def test_the_page_of_a_source_is_as_it_would_be_written_now(
    source: str, judge: Judge, generated: Callable[[Path, str], None]
) -> None:
    load(judge, rule_set(source, "ecs"))
    folder = f"pipelines/{source}/ecs"
    text = page(f"Fields of {source.capitalize()}", folder, SOURCES[source](), judge)
    generated(pipelines_folder() / source / "FIELDS.md", text)
