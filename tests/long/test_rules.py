"""The rules on many more events than fit into an ordinary run.

One line of Graylog each: `pytest tests/long/test_rules.py -m long --graylog 7.0.1`.
"""

from __future__ import annotations

import pytest

from bridge.graylog.judge import Judge
from tests.graylog.generated import wild
from tests.graylog.test_all_rules import check, check_wild, load_schema

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("schema", ["ecs", "gim"])
def test_ten_thousand_events_of_both_sources(judge: Judge, schema: str) -> None:
    load_schema(judge, schema)
    check(judge, seed=2, count=10_000)


@pytest.mark.parametrize("schema", ["ecs", "gim"])
def test_three_thousand_messages_that_no_bridge_has_sent(judge: Judge, schema: str) -> None:
    load_schema(judge, schema)
    check_wild(judge, wild(seed=2, count=3_000))
