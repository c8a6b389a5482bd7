"""For tests of one's own inputs and outputs: a Graylog that loses nothing unnoticed.

`bridge.testing.contract` has the tests that every component must pass.
"""

from __future__ import annotations

from bridge.testing.graylog import FakeGraylog

__all__ = ["FakeGraylog"]
