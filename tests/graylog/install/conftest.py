"""A server in the shapes of 6.x and 7.x, in both orders of its processors."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bridge.graylog.client import Graylog
from bridge.testing.graylog_rest import DEFAULT_STREAM, FakeGraylogApi
from tests.graylog.install.acts import source


@pytest.fixture
def version(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "7.0.1"))


@pytest.fixture
def pipelines_first(request: pytest.FixtureRequest) -> bool:
    return bool(getattr(request, "param", False))


@pytest.fixture
async def fake(version: str, pipelines_first: bool) -> AsyncIterator[FakeGraylogApi]:
    """A server that has lived: a stream, a pipeline and a rule of somebody."""
    async with FakeGraylogApi(version, pipelines_first=pipelines_first) as server:
        state = server.state
        own = {"title": "Firewalls", "is_editable": True, "is_default": False, "disabled": False}
        stream = state.add(state.streams, {**state.streams[DEFAULT_STREAM], **own, "id": ""})
        state.add(state.rules, source("rule", "by somebody"))
        pipeline = state.add(state.pipelines, source("pipeline", "by somebody"))
        for each in (stream["id"], DEFAULT_STREAM):
            ids = [pipeline["id"], "6b02eeeeeeeeeeeeeeeeeeee"]  # one of them is gone
            state.connections[each] = {"id": each, "stream_id": each, "pipeline_ids": ids}
        yield server


@pytest.fixture
async def graylog(fake: FakeGraylogApi) -> AsyncIterator[Graylog]:
    async with Graylog(fake.url, fake.token) as client:
        yield client
