"""What the examples watch and rotate: alerts, dashboard, log files, the container's commands."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from bridge.admin import Snapshot
from bridge.admin.snapshot import WorkerState
from bridge.cli import main
from bridge.health import State
from tests.bridges import CONFIG, record, running

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
ALERTS = EXAMPLES / "prometheus-alerts.yml"
DASHBOARD = EXAMPLES / "grafana-dashboard.json"
NAME = re.compile(r"\b(?:gelf_bridge|process)_[a-z_]+\b")

needs_promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool (of Debian's package prometheus) is missing"
)
needs_logrotate = pytest.mark.skipif(
    not shutil.which("logrotate"), reason="logrotate is not installed"
)


def rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    return list(group["rules"])


def panels() -> list[dict[str, Any]]:
    return list(json.loads(DASHBOARD.read_text())["panels"])


def expressions() -> list[str]:
    targets = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [rule["expr"] for rule in rules()] + targets


async def test_everything_that_is_watched_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        alone = bridge.service.snapshot

        async def with_a_worker() -> Snapshot:
            return replace(await alone(), workers=[WorkerState(0, 7, State.OK, "", 0.0, 1, 1)])

        monkeypatch.setattr(bridge.service, "snapshot", with_a_worker)
        await bridge.send(record(1, " msg=a=b"))
        await bridge.accepted(1)
        for name in ("refused", "kernel_drops", "resent"):
            bridge.service.health.count("malops", name, 1, "allow_from")
        text = await asyncio.to_thread(bridge.client.text, "/metrics")
    measured = {
        sample.name for family in text_string_to_metric_families(text) for sample in family.samples
    }
    watched = {name for expression in expressions() for name in NAME.findall(expression)}
    assert watched - measured == set()
    assert len(watched) > 12


def test_every_alert_says_what_to_do() -> None:
    for rule in rules():
        assert set(rule["annotations"]) == {"summary", "action"}
        assert rule["labels"]["severity"] in ("critical", "warning", "info")


def test_the_panels_of_the_dashboard_fill_rows_without_overlap() -> None:
    places = [panel["gridPos"] for panel in panels()]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23
    assert len({panel["id"] for panel in panels()}) == len(panels())


def promtool(*arguments: str) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_prometheus_accepts_every_expression(tmp_path: Path) -> None:
    promtool("check", "rules", str(ALERTS))
    variables = {"$instance": ".*", "$__rate_interval": "5m"}
    recorded = []
    for number, expression in enumerate(expressions()):
        for name, value in variables.items():
            expression = expression.replace(name, value)
        recorded.append({"record": f"expression_{number}", "expr": expression})
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": recorded}]}))
    promtool("check", "rules", str(file))


CASES: dict[str, list[tuple[str, str]]] = {
    "GelfBridgeComponentFailing": [
        (
            'gelf_bridge_component_state{instance="a",component="graylog",type="gelf_tcp",'
            'gelf_bridge_component_state="retrying"}',
            "1x60",
        )
    ],
    "GelfBridgeDeliveryLate": [
        ('gelf_bridge_output_oldest_event_age_seconds{component="graylog"}', "0+60x60")
    ],
    "GelfBridgeSpoolFilling": [
        ('gelf_bridge_spool_bytes{instance="a"}', "90x60"),
        ('gelf_bridge_spool_max_bytes{instance="a"}', "100x60"),
    ],
    "GelfBridgeSpoolFull": [('gelf_bridge_spool_trouble{instance="a"}', "1x60")],
    "GelfBridgeEventsLost": [
        ('gelf_bridge_occurrences_total{component="malops",name="kernel_drops"}', "0+5x60")
    ],
    "GelfBridgeDeadLetters": [
        ('gelf_bridge_output_events_buried_total{component="graylog"}', "0+1x60")
    ],
    "GelfBridgeWorkerRestarts": [
        ('gelf_bridge_worker_restarts_total{instance="a",worker="1"}', "0+1x60")
    ],
    "GelfBridgeReloadFailed": [('gelf_bridge_last_reload_failed{instance="a"}', "1x60")],
    "GelfBridgeDown": [('up{job="gelf-bridge",instance="a"}', "0x60")],
}


@needs_promtool
@pytest.mark.parametrize("alert", CASES)
@pytest.mark.parametrize("fires", [True, False])
def test_an_alert_fires_when_it_should_and_only_then(
    tmp_path: Path, alert: str, fires: bool
) -> None:
    """With the series of its case, and with other values of the same series."""
    calm = "1x60" if alert == "GelfBridgeDown" else "0x60"
    series = [
        {"series": name, "values": values if fires else calm} for name, values in CASES[alert]
    ]
    if alert == "GelfBridgeSpoolFilling":
        series[1]["values"] = "100x60"
    query = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'
    expected = [{"value": 1, "labels": "{}"}] if fires else []
    test = {"interval": "1m", "input_series": series}
    test |= {"promql_expr_test": [{"expr": query, "eval_time": "50m", "exp_samples": expected}]}
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(ALERTS)], "tests": [test]}))
    promtool("test", "rules", str(file))


@needs_logrotate
def test_logrotate_turns_the_files_over(tmp_path: Path) -> None:
    text = (EXAMPLES / "logrotate.conf").read_text()
    text = text.replace("/var/log/gelf-bridge", str(tmp_path / "gelf-bridge"))
    settings = tmp_path / "logrotate.conf"
    settings.write_text(text)
    settings.chmod(0o600)
    folder = tmp_path / "gelf-bridge"
    folder.mkdir(mode=0o755)
    files = folder / "events.json", tmp_path / "gelf-bridge.log"
    for file in files:
        file.write_text("a line\n")
    command = ["logrotate", "--force", "--state", str(tmp_path / "state"), str(settings)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert not files[0].exists(), "the output makes a new one"
    assert files[1].read_text() == "", "the log goes on in the same file"
    assert (folder / "events.json.1").read_text() == "a line\n"


def test_the_container_calls_commands_that_exist() -> None:
    text = (EXAMPLES / "Containerfile").read_text()
    patterns = (r"^ENTRYPOINT (.*)$", r"^CMD (.*)$", r"^HEALTHCHECK .* CMD (.*)$")
    entry, default, health = (
        json.loads(re.findall(pattern, text, re.MULTILINE)[0]) for pattern in patterns
    )
    assert entry == ["gelf-bridge"]
    for arguments in (default, health[1:]):
        done = CliRunner().invoke(main, [*arguments, "--help"])
        assert done.exit_code == 0
        assert "GELF_BRIDGE_CONFIG" in done.output
