"""`gelf.decode` and Graylog's decoder on tens of thousands of documents.

One line of Graylog each: `pytest tests/long/test_decoder.py -m long --graylog 7.0.1`.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from bridge.graylog.judge import Judge
from tests.graylog.documents import hostile, of_encoder
from tests.graylog.test_decoder import compare

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
very_many = settings(
    max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@very_many
@given(document=of_encoder)
def test_both_keep_the_same_of_what_the_encoder_writes(document: bytes, judge: Judge) -> None:
    compare(document, judge)


@very_many
@given(document=hostile)
def test_both_keep_the_same_of_hostile_documents(document: bytes, judge: Judge) -> None:
    compare(document, judge)
