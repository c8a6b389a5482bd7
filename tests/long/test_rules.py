"""The rules on many more events than fit into an ordinary run.

One line of Graylog each: `pytest tests/long/test_rules.py -m long --graylog 7.0.1`.
"""

from __future__ import annotations

import pytest

from bridge.graylog.judge import Judge
from tests.graylog.generated import wild
from tests.graylog.samples import load, rule_set
from tests.graylog.test_all_rules import check, check_wild

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture(autouse=True)
def rules(judge: Judge) -> None:
    load(judge, rule_set("cybereason", "ecs"), rule_set("cylance", "ecs"), rule_set("common"))


def test_ten_thousand_events_of_both_sources(judge: Judge) -> None:
    check(judge, seed=2, count=10_000)


def test_three_thousand_messages_that_no_bridge_has_sent(judge: Judge) -> None:
    check_wild(judge, wild(seed=2, count=3_000))
