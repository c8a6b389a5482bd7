"""`gelf.decode` and Graylog's own decoder are of one opinion, whatever the message."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge import gelf
from bridge.graylog.judge import Judge, Verdict
from tests.graylog.documents import hostile, of_encoder, written

REMOTE = "192.0.2.7"
OWN = {
    "_id",
    "timestamp",
    *(f"gl2_{name}" for name in ("remote_ip", "remote_port", "receive_timestamp")),
}
"""Fields that every message gets from Graylog, or that are compared in another way."""

SINCE_1970 = datetime(2000, 1, 1) - datetime(1970, 1, 1)
PYTHON_TYPES = {"String": str, "Long": int, "Integer": int, "Double": float}

many = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,  # tests/long looks for new cases
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def of_judge(verdict: Verdict) -> dict[str, tuple[str, Any]]:
    """Name → type and value as text, so that 1 and 1.0, 0.0 and -0.0 are different."""
    return {
        name: (PYTHON_TYPES[verdict.types[name]].__name__, repr(value))
        for name, value in verdict.fields.items()
        if name not in OWN
    }


def of_ours(decoded: gelf.Decoded) -> dict[str, tuple[str, Any]]:
    return {
        name: (type(value).__name__, repr(value))
        for name, value in decoded.fields.items()
        if name not in OWN
    }


def milliseconds(moment: str) -> int:
    """Of any year; the calendar repeats every 400 years, which have 146,097 days."""
    year, _, rest = moment.partition("-")
    cycles, inner = divmod(int(year), 400)
    then = datetime.fromisoformat(f"{inner + 2000}-{rest}") - datetime(2000, 1, 1, tzinfo=UTC)
    days = (cycles - 5) * 146_097 + SINCE_1970.days
    return days * 86_400_000 + then // timedelta(milliseconds=1)


def compare(document: bytes, judge: Judge) -> None:
    ours, theirs = gelf.decode(document, REMOTE), judge.decode(document, REMOTE)
    assert (ours.rejection is None) == (theirs.rejection is None), (ours, theirs)
    if ours.rejection is not None:
        return
    assert of_ours(ours) == of_judge(theirs)
    seconds = milliseconds(theirs.fields["timestamp"]) / 1000
    if "timestamp" in ours.fields:
        assert ours.fields["timestamp"] == seconds
    else:
        assert abs(seconds - time.time()) < 60


@many
@given(document=of_encoder)
def test_of_what_the_encoder_writes_graylog_keeps_every_field(
    document: bytes, judge: Judge
) -> None:
    compare(document, judge)
    assert gelf.decode(document, REMOTE).dropped == ()


@many
@given(document=written())
def test_of_odd_documents_both_keep_the_same(document: bytes, judge: Judge) -> None:
    compare(document, judge)


@many
@given(document=hostile)
def test_of_hostile_documents_both_keep_the_same(document: bytes, judge: Judge) -> None:
    compare(document, judge)


@many
@given(payload=st.binary(max_size=6))
def test_of_garbage_both_keep_nothing(payload: bytes, judge: Judge) -> None:
    compare(payload, judge)
