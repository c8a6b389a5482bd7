"""What every output of a test is given."""

from __future__ import annotations

import pytest

from tests.outputs.running import Host


@pytest.fixture
def host() -> Host:
    return Host()
