"""What all tests share: Graylog's own code, asked as `judge`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from bridge.graylog.judge import DEFAULT, LINES, Judge, JudgeMissing

FETCH_SECONDS = 300

# A deadline would measure how busy the machine is; pytest's timeout bounds every test.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--graylog", default=DEFAULT, choices=list(LINES), help="the Graylog that judges"
    )
    parser.addoption(
        "--regenerate", action="store_true", help="write generated files anew, from a real run"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first of them waits for Maven."""
    for item in items:
        if "judge" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(FETCH_SECONDS))


@pytest.fixture
def generated(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Checks that a generated file is as it would be now; `--regenerate` writes it instead."""

    def check(path: Path, text: str) -> None:
        if request.config.getoption("--regenerate"):
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, (
            f"{path.name} is stale: look at what `pytest tests/graylog tests/testing --regenerate` "
            "changes in it"
        )

    return check


@pytest.fixture(scope="session")
def judge(request: pytest.FixtureRequest) -> Iterator[Judge]:
    """One process for all tests.

    Where it cannot run, tests that need it are skipped; with GELF_BRIDGE_REQUIRE_JUDGE=1 they fail.
    """
    judge = Judge(request.config.getoption("--graylog"))
    try:
        judge.start()
    except JudgeMissing as missing:
        if os.environ.get("GELF_BRIDGE_REQUIRE_JUDGE") == "1":
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    yield judge
    judge.stop()
