"""The fake REST server answers as real ones were seen to.

`rest_calls.jsonl` holds calls to Graylog 6.3.7 and 7.0.1 with their bodies and the shapes of the
answers: names of keys, kinds of values. They are made again here, one server after the other.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.testing.graylog_rest import DEFAULT_STREAM, FakeGraylogApi

FILE = Path(__file__).parent.parent / "data" / "graylog" / "rest_calls.jsonl"
CALLS = [json.loads(line) for line in FILE.read_text().splitlines()]
VERSIONS = ("6.3.7", "7.0.1")
SEARCH = next(
    call["body"]
    for call in CALLS
    if call["path"] == "/api/views/search" and call["status"] == 201 and call["server"] == "7.0.1"
)
"""The search that the recorded views show; the first server's request for it was not recorded."""


class Replay:
    """Makes recorded calls, with the ids of this server in the place of those recorded."""

    def __init__(self, fake: FakeGraylogApi) -> None:
        self._ids: dict[str, str] = {}
        self._fake = fake
        self._client = httpx.AsyncClient(base_url=fake.url, auth=(fake.token, "token"))

    async def make(self, call: dict[str, Any]) -> httpx.Response:
        if recorded := call.get("default_index_set"):
            self._ids[recorded] = self._fake.state.default_index_set["id"]
        has_header = "CSRF" not in str(call.get("says"))
        headers = {"X-Requested-By": "test"} if has_header else {}
        content = self._own(json.dumps(call["body"])) if "body" in call else None
        path = self._own(call["path"])
        answer = await self._client.request(call["method"], path, content=content, headers=headers)
        for key, recorded in call.get("ids", {}).items():
            if answer.is_success:
                self._ids[recorded] = answer.json()[key]
        return answer

    def _own(self, text: str) -> str:
        for recorded, own in self._ids.items():
            text = text.replace(recorded, own)
        return text

    async def close(self) -> None:
        await self._client.aclose()


@pytest.fixture(params=VERSIONS)
async def fake(request: pytest.FixtureRequest) -> AsyncIterator[FakeGraylogApi]:
    async with FakeGraylogApi(request.param, pipelines_first=True) as server:
        yield server


@pytest.fixture
async def client(fake: FakeGraylogApi) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"X-Requested-By": "test"}
    async with httpx.AsyncClient(
        base_url=f"{fake.url}/api", auth=(fake.token, "token"), headers=headers
    ) as own:
        yield own


def shape(value: Any) -> Any:
    """Keys and kinds of a JSON value, as the file has them."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    kinds = {bool: "boolean", int: "number", float: "number", str: "text", type(None): None}
    return kinds[type(value)]


def differences(recorded: Any, found: Any, place: str = "answer") -> Iterator[str]:
    """What the recorded shape has and the found one has not; an empty list has no shape."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        for key in recorded.keys() - found.keys():
            yield f"{place}.{key} is missing"
        for key in recorded.keys() & found.keys():
            yield from differences(recorded[key], found[key], f"{place}.{key}")
    elif isinstance(recorded, list) and isinstance(found, list):
        if recorded and found:
            each_row = [list(differences(recorded[0], row, f"{place}[]")) for row in found]
            yield from min(each_row, key=len)
    elif recorded is not None and found is not None and recorded != found:
        yield f"{place} is {found}, not {recorded}"


async def test_recorded_calls_get_answers_of_the_recorded_shape(fake: FakeGraylogApi) -> None:
    replay = Replay(fake)
    if fake.version == "6.3.7":
        await replay.make({"method": "POST", "path": "/api/views/search", "body": SEARCH})
    wrong = []
    for call in CALLS:
        if call["server"] != fake.version:
            continue
        answer = await replay.make(call)
        line = f"{call['method']} {call['path']}"
        if answer.status_code != call["status"]:
            wrong.append(f"{line}: {answer.status_code}, not {call['status']}: {answer.text}")
        elif "answer" in call:
            found = shape(answer.json())
            wrong += [f"{line}: {each}" for each in differences(call["answer"], found)]
    await replay.close()
    assert wrong == []


@pytest.mark.parametrize("call", [call for call in CALLS if isinstance(call.get("says"), list)])
async def test_complaints_of_the_parser_have_the_recorded_kinds(call: dict[str, Any]) -> None:
    async with FakeGraylogApi(call["server"]) as fake:
        replay = Replay(fake)
        found = {each["type"] for each in (await replay.make(call)).json()}
        await replay.close()
    assert found
    assert found <= set(call["says"])


async def test_nobody_comes_in_without_the_token(fake: FakeGraylogApi) -> None:
    async with httpx.AsyncClient(base_url=f"{fake.url}/api") as client:
        assert (await client.get("/")).status_code == 200
        assert (await client.get("/streams")).status_code == 401
        bearer = {"Authorization": f"Bearer {fake.token}"}
        assert (await client.get("/streams", headers=bearer)).status_code == 401


async def test_rights_decide_what_may_be_done() -> None:
    async with (
        FakeGraylogApi("7.0.1", permissions=["streams:read", "pipeline_rule:*"]) as fake,
        httpx.AsyncClient(base_url=f"{fake.url}/api", auth=(fake.token, "token")) as client,
    ):
        assert (await client.get("/streams")).status_code == 200
        assert (await client.get("/system/pipelines/rule")).status_code == 200
        assert (await client.get("/system/pipelines/pipeline")).status_code == 403


async def test_unknown_properties_are_refused(
    fake: FakeGraylogApi, client: httpx.AsyncClient
) -> None:
    body = {"name": "p", "custom_field_mappings": [], "colour": "red"}
    answer = await client.post("/system/indices/index_sets/profiles", json=body)
    assert answer.status_code == 400
    assert "Unable to map property colour" in answer.json()["message"]


async def test_to_stream_replaces_and_refuses_what_is_gone_or_of_the_system(
    fake: FakeGraylogApi, client: httpx.AsyncClient
) -> None:
    path = "/system/pipelines/connections/to_stream"
    text = 'pipeline "{}"\nstage 0 match pass\nend\n'
    made = [
        (await client.post("/system/pipelines/pipeline", json={"source": text.format(name)})).json()
        for name in ("a", "b")
    ]
    ids = [each["id"] for each in made]
    for chosen in ids:
        body = {"stream_id": DEFAULT_STREAM, "pipeline_ids": [chosen]}
        assert (await client.post(path, json=body)).json()["pipeline_ids"] == [chosen]
    fake.state.pipelines[ids[0]]["_scope"] = "GRAYLOG_IMMUTABLE_SYSTEM_SCOPE"
    body = {"stream_id": DEFAULT_STREAM, "pipeline_ids": ids}
    assert (await client.post(path, json=body)).status_code == 400
    gone = {"stream_id": DEFAULT_STREAM, "pipeline_ids": ["6b02eeeeeeeeeeeeeeeeeeee"]}
    assert (await client.post(path, json=gone)).status_code == 404


async def test_two_streams_may_have_one_title(
    fake: FakeGraylogApi, client: httpx.AsyncClient
) -> None:
    stream = {"title": "Twice", "index_set_id": fake.state.default_index_set["id"]}
    body = {"entity": stream} if fake.version.startswith("7") else stream
    answers = [await client.post("/streams", json=body) for _ in range(2)]
    ids = {answer.json()["stream_id"] for answer in answers}
    assert len(ids) == 2
    assert all(fake.state.streams[each]["disabled"] for each in ids)


async def test_an_input_on_a_taken_port_fails_later(
    fake: FakeGraylogApi, client: httpx.AsyncClient
) -> None:
    kind = "org.graylog2.inputs.gelf.tcp.GELFTCPInput"
    body = {"title": "t", "type": kind, "configuration": {"port": 12201}}
    for _ in range(2):
        assert (await client.post("/system/inputs", json=body)).status_code == 201
    states = (await client.get("/system/inputstates")).json()["states"]
    assert [each["state"] for each in states] == ["RUNNING", "FAILED"]


async def test_paths_beside_the_api_are_the_web_interface(fake: FakeGraylogApi) -> None:
    async with httpx.AsyncClient(base_url=fake.url) as client:
        assert "<title>Graylog" in (await client.get("/streams")).text


async def test_connections_can_be_cut_after_some_changes(
    fake: FakeGraylogApi, client: httpx.AsyncClient
) -> None:
    fake.fail_after = 1
    body = {"source": 'pipeline "a"\nstage 0 match pass\nend\n'}
    assert (await client.post("/system/pipelines/pipeline", json=body)).status_code == 200
    with pytest.raises(httpx.HTTPError):
        await client.post("/system/pipelines/pipeline", json=body)
    assert (await client.get("/streams")).status_code == 200
