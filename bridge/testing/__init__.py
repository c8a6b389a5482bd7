"""For tests of one's own inputs and outputs: a Graylog that loses nothing unnoticed."""

from __future__ import annotations

from bridge.testing.graylog import FakeGraylog

__all__ = ["FakeGraylog"]
