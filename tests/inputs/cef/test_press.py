"""The compiled press writes what the usual way writes, or nothing."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from bridge.inputs.cef import press as module
from bridge.native import core
from bridge.tap import Taps
from bridge.testing.samples import cybereason
from tests.bench.events import records
from tests.native.differential import Comparison, run

pytestmark = pytest.mark.skipif(core is None, reason="the compiled parts are not installed")


def pressed(comparison: Comparison, *frames: str, times: int = 3) -> list[bool]:
    """Whether each frame is pressed, the last time; a difference fails.

    The first one shows the shape, the second one comes when the kinds of its fields are known.
    """
    found = []
    for frame in frames:
        for _ in range(times):
            before = comparison.pressed
            assert comparison.compare(frame.encode()) is None
        found.append(comparison.pressed > before)
    return found


def document(comparison: Comparison, frame: str) -> dict[str, Any]:
    (item,) = comparison.press.read([frame.encode()], {}, "192.0.2.7")
    assert isinstance(item, bytes)
    found: dict[str, Any] = orjson.loads(item)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_it_never_writes_anything_else(seed: int) -> None:
    """The long command: `python -m tests.native.differential 1000000`."""
    assert run(1500, seed, per_input=500)["pressed"] > 100


def test_it_writes_the_samples() -> None:
    assert all(pressed(Comparison(), *(sample.original for sample in cybereason())))


def test_it_writes_all_records_of_the_benchmark() -> None:
    comparison = Comparison()
    frames = [record.line.decode().rstrip("\n") for record in records(300)]
    pressed(comparison, *frames)
    assert all(pressed(comparison, *frames, times=1))


@pytest.mark.parametrize("count", [1, 64, 65, 300])
def test_it_writes_records_of_many_pairs(count: int) -> None:
    pairs = " ".join(f"key{number}=value {number}" for number in range(count))
    assert pressed(Comparison(), "CEF:0|Example|Gate|1.0|7|Door|5|" + pairs) == [True]


@pytest.mark.parametrize(
    "options",
    [
        {"message": "raw"},
        {"full_message": False},
        {"fields": {"customer": "emea", "cef_name": "constant", "syslog_host": "constant"}},
        {"event_type": "edr"},
        {"keep_short_keys": True},
        {"timezone": "Europe/Berlin"},
    ],
    ids=str,
)
def test_the_options_of_the_input_count(options: dict[str, Any]) -> None:
    comparison = Comparison(**options)
    head = "<134>Jan  2 03:04:05 fw-1 sensor: "
    record = "CEF:0|Example|Gate|1.0|7|Door|5|rt=1700000000000 cs1=x cs1Label=Zone msg=hello"
    found = pressed(comparison, record, head + record)
    assert found == [True, "syslog_host" not in options.get("fields", {})]


def test_a_blank_before_a_severity_does_not_spoil_the_shape() -> None:
    comparison = Comparison()
    usual = "CEF:0|Example|Gate|1.0|7|Door|Low|msg=hello"
    odd = usual.replace("|Low|", "| Low|")
    assert pressed(comparison, odd, usual, odd, usual) == [False, True, False, True]
    assert not comparison.errors


def test_what_hides_something_needs_events() -> None:
    comparison = Comparison(redact={"cef_name": "o+"})
    assert pressed(comparison, "CEF:0|Example|Gate|1.0|7|Door|5|msg=hello") == [False]


def test_whoever_taps_needs_events() -> None:
    comparison = Comparison()
    taps: Taps = comparison.emit._taps
    record = "CEF:0|Example|Gate|1.0|7|Door|5|msg=hello"
    assert pressed(comparison, record) == [True]
    with taps.open(lambda event: True):
        assert pressed(comparison, record) == [False]
    assert pressed(comparison, record) == [True]


def test_a_field_that_was_always_blank_gets_its_kind_with_the_first_value() -> None:
    comparison = Comparison()
    blank = "CEF:0|Example|Gate|1.0|7|Door|5|cs1= cs1Label=Zone msg=hello"
    filled = blank.replace("cs1=", "cs1=blue")
    assert pressed(comparison, blank, blank) == [True, True]
    assert pressed(comparison, filled, times=1) == [False]
    assert pressed(comparison, filled, blank) == [True, True]
    assert document(comparison, filled)["_example_zone"] == "blue"


def test_a_time_without_a_year_is_read_anew_from_time_to_time() -> None:
    comparison = Comparison()
    record = "<134>Mar 10 03:04:05 fw-1 app: CEF:0|Example|Gate|1.0|7|Door|5|msg=hello"
    comparison.clock.time = 1_773_111_845.0 - 30
    assert pressed(comparison, record) == [True]
    assert document(comparison, record)["_syslog_timestamp"].startswith("2026-03-10")
    comparison.clock.time += 365 * 86400
    assert pressed(comparison, record) == [True]
    assert document(comparison, record)["_syslog_timestamp"].startswith("2027-03-10")


def test_the_tables_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAX_SHAPES", "MAX_HEADS", "MAX_MOMENTS"):
        monkeypatch.setattr(module, name, 4)
    comparison = Comparison()
    for number in range(20):
        head = f"<134>Jan  2 03:04:{number:02} fw-{number} app: "
        record = f"CEF:0|Example|Gate|1.0|7|Door|5|msg=hello key{number % 7}=x"
        assert pressed(comparison, head + record) == [True]
        assert max(map(len, comparison.press.tables)) <= 4


def test_a_sender_from_whom_nothing_can_be_learned_costs_little() -> None:
    comparison = Comparison()
    odd = "CEF:0|Example|Gate|1.0|7|Door|5|msg=a msg=b"
    assert pressed(comparison, odd, times=50) == [False]
    assert comparison.press.lessons >= module.LESSONS_PER_PERIOD - module.MAX_TRIES
