"""What `encode` writes, Graylog keeps; `decode` tells what Graylog does with anything else."""

from __future__ import annotations

from bridge import gelf


def test_a_typical_event_arrives_field_by_field() -> None:
    event = {"event_type": "cylance", "host": "pc-1", "message": "Threat", "cylance_score": 0.5}
    decoded = gelf.decode(gelf.encode(event))
    assert decoded.fields == {
        "event_type": "cylance",
        "source": "pc-1",
        "message": "Threat",
        "cylance_score": 0.5,
    }
    assert decoded.dropped == ()
