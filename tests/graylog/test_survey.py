"""What a server is: its user's rights, the order of its processors."""

from __future__ import annotations

import pytest

from bridge.graylog.client import Graylog, GraylogError, Release
from bridge.graylog.survey import Order, Server, implies, survey
from bridge.testing.graylog_rest import FakeGraylogApi


@pytest.mark.parametrize(
    ("granted", "wanted", "expected"),
    [
        ("*", "streams:create", True),
        ("streams", "streams:create", True),
        ("streams:*", "streams:create", True),
        ("streams:read,create", "streams:create", True),
        ("streams:read", "streams:create", False),
        ("streams:read:6b021c0a724e46202fb6aed7", "streams:read", False),
        ("streams:read:*", "streams:read", True),
        ("*:read", "streams:read", True),
        ("stream", "streams:read", False),
    ],
)
def test_rights_have_wildcards(granted: str, wanted: str, expected: bool) -> None:
    assert implies(granted, wanted) is expected


def test_a_right_that_was_renamed_is_known_by_both_names() -> None:
    for release, right in (
        (Release(6, 3, ""), "urlwhitelist"),
        (Release(7, 0, ""), "urlallowlist"),
    ):
        assert Server("", release, "ann", (f"{right}:write",)).may("urlallowlist:write")


async def test_everything_is_read_once() -> None:
    async with (
        FakeGraylogApi(pipelines_first=True) as fake,
        Graylog(fake.url, fake.token) as graylog,
    ):
        server = await survey(graylog)
    assert server.user == "admin"
    assert "set_field" in server.functions
    assert server.order.pipelines_first
    assert server.order.geoip_first
    assert server.order.missing == []
    assert fake.asked == []


async def test_what_may_not_be_read_but_is_not_needed_is_left_out() -> None:
    reads = ("mappingprofiles", "indexsets", "inputs", "streams", "pipeline_rule", "pipeline")
    rights = [f"{each}:read" for each in (*reads, "pipeline_connection", "clusterconfigentry")]
    async with (
        FakeGraylogApi(permissions=rights) as fake,
        Graylog(fake.url, fake.token) as graylog,
    ):
        found = {kind.word for kind in (await survey(graylog)).found}
    assert "alert" not in found
    assert "rule" in found


async def test_what_is_needed_must_be_readable() -> None:
    async with (
        FakeGraylogApi(permissions=["streams:read"]) as fake,
        Graylog(fake.url, fake.token) as graylog,
    ):
        with pytest.raises(GraylogError, match=r"the user admin of .* lacks rights: clusterconfig"):
            await survey(graylog)


def test_an_order_without_a_processor_has_none_before_it() -> None:
    assert not Order((), frozenset()).pipelines_first
