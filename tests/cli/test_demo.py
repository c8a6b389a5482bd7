"""The demo, run as a user runs it."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys

from bridge.testing import FakeGraylog
from bridge.testing.samples import cybereason, cylance

DEMO = (sys.executable, "-m", "bridge", "demo")


def run_demo(*arguments: str) -> str:
    done = subprocess.run([*DEMO, *arguments], capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_once_shows_seven_events_with_all_their_fields() -> None:
    output = run_demo("--once")
    for sample in cybereason():
        assert sample.stored["event_action"] in output
    for sample in cylance():
        assert sample.stored["message"] in output
    for name in (
        "cybereason_malop_id",
        "bridge_received_at",
        "cef_device_vendor",
        "observer_vendor",
        'event_category ["malware"]',
        "cybereason_malop_host_is_online true",
        "cybereason_malop_counters_affected_machines 1.0",
        "cylance_score -1.0",
        "event_dataset cylance.detection",
    ):
        assert name in output
    assert (
        "7 sent, 7 received by the fake Graylog, 0 messages rejected, 0 fields dropped." in output
    )


def test_count_bounds_the_number_of_events() -> None:
    assert "8 sent, 8 received" in run_demo("--count", "8")


def test_it_ends_calmly_on_ctrl_c() -> None:
    with subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout
        for line in demo.stdout:
            if "Malop" in line:
                break
        demo.send_signal(signal.SIGINT)
        rest, errors = demo.communicate(timeout=20)
    assert demo.returncode == 0
    assert errors == ""
    assert re.search(r"\d+ sent, \d+ received by the fake Graylog", rest)


async def test_it_can_send_into_a_real_input() -> None:
    async with FakeGraylog() as graylog:
        endpoint = f"127.0.0.1:{graylog.port}"
        output = await asyncio.to_thread(run_demo, "--once", "--to", endpoint)
        await graylog.received(7, timeout=10)
        assert f"7 events written to {endpoint}." in output
        assert {message.fields["bridge_demo"] for message in graylog.messages} == {"true"}
