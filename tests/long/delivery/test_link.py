"""Over a link with 20 ms of delay each way, where a FIN can cross ours on the way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.lab import Outcome
from tests.lab.play import judge
from tests.lab.processes import PYTHON
from tests.long.delivery.conftest import Table
from tests.long.delivery.link import RATE, TRIALS

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("ip"), reason="network namespaces need root and ip"
    ),
]


@pytest.fixture
def namespaces() -> Iterator[tuple[str, str]]:
    """Two network namespaces for this test alone."""
    names = f"gelf-near-{os.getpid()}", f"gelf-far-{os.getpid()}"
    for name in names:
        subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=True)


def test_a_link_with_delay(namespaces: tuple[str, str], tmp_path: Path, table: Table) -> None:
    near, far = namespaces
    command = ["ip", "netns", "exec", near, *PYTHON, "tests.long.delivery.link", far, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("crossing") == 0
    for name, numbers in found.items():
        outcome = Outcome(**numbers)
        transport, _, scenario = name.partition("-")
        table.add(scenario, f"{transport}, fake, 20 ms away", outcome)
        judge(outcome, RATE)
    table.remark(
        f"Over the link with delay, {TRIALS} times a FIN of the peer crossed ours: never was it "
        "taken for an answer."
    )
