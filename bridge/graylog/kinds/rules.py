"""Rules, pipelines, and on which streams pipelines run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from bridge.graylog.client import Graylog, Json
from bridge.graylog.entity import Body, Entity, Ids, Kind, Setting, resolved, safe


class Source(Kind):
    """What is written in Graylog's rule language; the name stands in the source."""

    path: ClassVar[str]
    suffix: ClassVar[str]

    async def load(self, graylog: Graylog) -> list[Entity]:
        return [
            Entity(self, each["title"], each, each["description"] or "", each["id"])
            for each in await graylog.get(self.path)
        ]

    def content(self, body: Body) -> Json:
        lines = body["source"].replace("\r\n", "\n").split("\n")
        return "\n".join(line.rstrip() for line in lines).strip() + "\n"

    async def create(self, graylog: Graylog, new: Entity) -> str:
        answer = await graylog.post(self.path, _body(new))
        return str(answer["id"])

    async def update(self, graylog: Graylog, old: Entity, new: Entity) -> None:
        await graylog.put(f"{self.path}/{old.id}", _body(new))

    async def delete(self, graylog: Graylog, old: Entity) -> None:
        await graylog.delete(f"{self.path}/{old.id}")

    async def parse(self, graylog: Graylog, new: Entity) -> None:
        """Let the server parse it; raises GraylogError (400) with its complaints."""
        await graylog.post(f"{self.path}/parse", _body(new))

    def text(self, entity: Entity) -> str:
        return str(entity.content)

    def file_name(self, entity: Entity) -> str:
        return f"{safe(entity.name)}.{self.suffix}"


def _body(entity: Entity) -> Body:
    return {
        "title": entity.name,
        "description": entity.description,
        "source": entity.body["source"],
    }


class Rules(Source):
    """Pipeline rules; their titles are unique on a server."""

    word = "rule"
    rights = "pipeline_rule"
    path = "/system/pipelines/rule"
    suffix = "rule"


class Pipelines(Source):
    """Pipelines; their titles are unique on a server."""

    word = "pipeline"
    rights = "pipeline"
    path = "/system/pipelines/pipeline"
    suffix = "pipeline"


class Connected(Setting):
    """On which streams a pipeline runs; others that somebody chose for it stay.

    Written by `to_pipeline`, which touches no other pipeline: `to_stream` replaces the whole list
    of a stream, and refuses it when one of the others is gone or belongs to the system.
    """

    word = "streams of the pipeline"
    right = "pipeline_connection:edit"

    def __init__(self, subject: str, name: str, streams: Sequence[str]) -> None:
        super().__init__(subject, name)
        self.streams = streams

    async def read(self, graylog: Graylog, subject: str) -> Json:
        connections = await graylog.get("/system/pipelines/connections")
        return sorted(each["stream_id"] for each in connections if subject in each["pipeline_ids"])

    def merged(self, current: Json, ids: Ids) -> Json:
        return sorted({*(current or []), *resolved(list(self.streams), ids)})

    async def write(self, graylog: Graylog, subject: str, value: Json) -> None:
        body = {"pipeline_id": subject, "stream_ids": value}
        await graylog.post("/system/pipelines/connections/to_pipeline", body)


class Disconnected(Connected):
    """That a pipeline runs on no stream any more."""

    def __init__(self, subject: str, name: str) -> None:
        super().__init__(subject, name, [])

    def merged(self, current: Json, ids: Ids) -> Json:
        return []


RULES = Rules()
PIPELINES = Pipelines()
