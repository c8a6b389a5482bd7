"""GELF inputs."""

from __future__ import annotations

from typing import Final

from bridge.graylog.client import Graylog, GraylogError, Json
from bridge.graylog.entity import Body, Entity, Kind

GELF_TCP: Final = "org.graylog2.inputs.gelf.tcp.GELFTCPInput"
TITLE: Final = "GELF TCP (gelf-bridge)"
"""Inputs have no description that could bear a mark: the title is it."""


class Inputs(Kind):
    """Inputs; once made, their options are the operator's."""

    word = "input"
    rights = "inputs"
    once = True

    def right(self, verb: str) -> str:
        return super().right("terminate" if verb == "delete" else verb)

    async def load(self, graylog: Graylog) -> list[Entity]:
        answer = await graylog.get("/system/inputs")
        return [Entity(self, each["title"], each, "", each["id"]) for each in answer["inputs"]]

    def content(self, body: Body) -> Json:
        options = body.get("configuration") or body["attributes"]
        return {
            "type": body["type"],
            "bind_address": options.get("bind_address"),
            "port": port(body),
        }

    def is_ours(self, entity: Entity) -> bool:
        return entity.name == TITLE and entity.body["type"] == GELF_TCP

    async def create(self, graylog: Graylog, new: Entity) -> str:
        return str((await graylog.post("/system/inputs", {"title": new.name, **new.body}))["id"])

    async def update(self, graylog: Graylog, old: Entity, new: Entity) -> None:
        """Nothing, see `once`."""

    async def delete(self, graylog: Graylog, old: Entity) -> None:
        await graylog.delete(f"/system/inputs/{old.id}")


def gelf_tcp(address: str, number: int) -> Body:
    """The body of a GELF TCP input. Graylog puts no defaults into what a client sends."""
    return {
        "type": GELF_TCP,
        "global": True,
        "configuration": {
            "bind_address": address,
            "port": number,
            "recv_buffer_size": 1_048_576,
            "number_worker_threads": 2,
            "tls_enable": False,
            "tcp_keepalive": True,
            "use_null_delimiter": True,
            "max_message_size": 2_097_152,
            "decompress_size_limit": 8_388_608,
            "override_source": None,
            "charset_name": "UTF-8",
        },
    }


def port(body: Body) -> int:
    """Where an input listens; 0 for those that do not, such as a Kafka input."""
    options = body.get("configuration") or body["attributes"]
    return int(options.get("port") or 0)


async def failure(graylog: Graylog, input_id: str) -> str:
    """Why an input does not run, such as a port that is taken; empty when it does, or may yet."""
    try:
        answer = await graylog.get("/system/inputstates")
    except GraylogError as error:
        if error.status == 403:
            return ""
        raise
    for each in answer["states"]:
        if each["id"] == input_id and each["state"] == "FAILED":
            return str(each.get("detailed_message") or "no reason given")
    return ""


INPUTS = Inputs()
