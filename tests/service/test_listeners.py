"""The parent opens what all inputs listen on, and keeps what does not change."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.config import Config, load
from bridge.plugins import EntryPoints
from bridge.service.listeners import Listeners
from bridge.service.post import share
from tests.ports import free_port

REGISTRY = EntryPoints()
CYLANCE = {
    "type": "cylance",
    "region": "euc1",
    "tenant_id": "1" * 8,
    "app_id": "2" * 8,
    "app_secret": "3" * 8,
}


def config(inputs: dict[str, Any], **more: Any) -> Config:
    document = {
        "inputs": inputs,
        "outputs": {"out": {"type": "console"}},
        "spool": {"directory": "spool", "max_bytes": 1000},
        **more,
    }
    return load(yaml.safe_dump(document), str(Path("bridge.yaml").absolute()), {}, REGISTRY)


def cef(port: int, transport: str = "tcp") -> dict[str, Any]:
    return {"type": "cef", "address": f"127.0.0.1:{port}", "transport": transport}


@pytest.fixture
def listeners() -> Iterator[Listeners]:
    found = Listeners(REGISTRY)
    yield found
    found.close()


async def test_only_what_is_new_is_opened_and_only_what_is_gone_is_closed(
    listeners: Listeners,
) -> None:
    one, two = free_port(), free_port()
    await listeners.adopt(config({"a": cef(one, "both")}))
    described, first = listeners.described()
    assert [(each["port"], each["kind"]) for each in described] == [
        (one, socket.SOCK_STREAM),
        (one, socket.SOCK_DGRAM),
    ]
    await listeners.adopt(config({"b": cef(one), "c": cef(two)}))
    described, second = listeners.described()
    assert [each["port"] for each in described] == [one, two]
    assert second[0] == first[0]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", one))


async def test_what_is_taken_is_tried_again(listeners: Listeners) -> None:
    """Until then the workers get the reason."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        await listeners.adopt(config({"a": cef(other.getsockname()[1])}))
        [described], sockets = listeners.described()
        assert "another program listens there" in described["reason"]
        assert sockets == []
        assert not await listeners.retry()
    assert await listeners.retry()
    [described], sockets = listeners.described()
    assert (described["reason"], len(sockets)) == ("", 1)


def test_each_worker_has_what_listens_and_the_first_one_has_the_rest() -> None:
    whole = config({"a": cef(5514), "p": CYLANCE}, workers=3, heartbeat={})
    first, second, beyond = (share(whole, REGISTRY, worker) for worker in (0, 1, 3))
    assert list(first.inputs) == ["a", "p"]
    assert first.heartbeat
    assert list(second.inputs) == ["a"]
    assert second.heartbeat is None
    assert list(beyond.inputs) == []
    assert {int(one.spool.max_bytes) for one in (first, second, beyond)} == {333}
