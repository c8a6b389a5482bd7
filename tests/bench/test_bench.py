"""The benchmarks calculate rightly, and their command works; nothing here is timed."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from subprocess import run

import pytest

from tests.bench import compare, growth, targets
from tests.bench.events import records
from tests.bench.fidelity import EXPECTED, HEADER, of_bridge, of_peer
from tests.bench.fidelity import compare as compare_fields
from tests.bench.instructions import judge
from tests.bench.peers import Bridge, Rsyslog
from tests.bench.results import Results, Spread, spread
from tests.bench.soak import Plan, Soaked


def test_a_ratio_is_taken_within_its_round() -> None:
    results = Results()
    for number, (ours, other) in enumerate([(10, 5), (90, 30), (8, 8)]):
        results.add("rates", "ours", number, rate=ours)
        results.add("rates", "other", number, rate=other)
    results.add("rates", "ours", 3, rate=1)
    assert results.ratios("rates", "rate", "ours", "other") == [2, 3, 1]
    assert spread([2, 3, 1]) == Spread(2, 1, 3)


@pytest.mark.parametrize(
    ("rate", "verdict"), [(120, "stretch met"), (100, "met"), (80, "met"), (79, "MISSED")]
)
def test_a_target_says_whether_it_is_reached(rate: int, verdict: str) -> None:
    results = Results()
    results.add(compare.FULL_PATH, "gelf-bridge", 0, events_per_second=rate)
    results.add(compare.FULL_PATH, "peer", 0, events_per_second=100)
    target = targets.Target("events/s to the peer", targets.relays("peer"), 0.8, 1.2)
    assert (target.row(results) or [])[-1] == verdict


def test_what_was_not_measured_has_no_verdict() -> None:
    assert targets.table(Results()).rows == []


def test_datagrams_count_up_to_the_first_loss() -> None:
    results = Results()
    for rate, lost in [(60_000, 5), (20_000, 0), (40_000, 0), (90_000, 0)]:
        results.add(compare.DATAGRAMS, str(rate), 0, rate=rate, lost=lost)
    assert targets.lossless(results) == [40_000]


def test_the_search_ends_near_the_highest_rate_without_loss() -> None:
    found = compare.search(20_000, 100_000, lambda rate: rate > 61_000)
    assert 55_000 <= found <= 61_000


def test_fields_are_compared_one_by_one() -> None:
    some = records(50)
    every = {record.pairs["externalId"]: of_bridge(record) for record in some}
    count = sum(map(len, every.values()))
    whole = compare_fields(some, every, EXPECTED[Bridge])
    assert (whole.wholly_right, whole.fields, whole.fields_right) == (50, count, count)
    every["7"]["_cef_message"] += "x"
    del every["8"]
    spoilt = compare_fields(some, every, EXPECTED[Bridge])
    assert spoilt.wholly_right == 48
    assert spoilt.fields_right == count - 1 - len(of_bridge(some[8]))


def test_of_a_peer_no_labels_are_asked() -> None:
    [record] = records(1)
    asked = of_peer(HEADER[Rsyslog], record)
    assert asked["cs1"] == record.pairs["cs1"]
    assert not any(name.endswith("Label") for name in asked)


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_the_exponent_of_a_power_is_found(power: float) -> None:
    points = [(float(x), 3 * x**power) for x in (1, 2, 5, 40, 1000)]
    assert growth.exponent(points) == pytest.approx(power)


def test_superlinear_growth_is_named() -> None:
    linear = growth.verdict(growth.SIZE.name, [(x, 10 + x) for x in (1, 10, 100, 400, 1000)])
    steeper = growth.verdict(growth.SIZE.name, [(x, x**1.5) for x in (1, 10, 100, 400, 1000)])
    assert (linear[4], steeper[4]) == ("not superlinear", "SUPERLINEAR")


def test_records_for_growth_have_their_size_and_their_fields() -> None:
    sized = list(growth.records(growth.SIZE, 500, 10))
    assert all(abs(len(line) - 501) < 3 for line in sized)
    wide = list(growth.records(growth.FIELDS, 20, 10))
    assert all(line.count(b"=") == 20 for line in wide)


def test_the_last_outage_of_a_long_run_leaves_time_to_drain() -> None:
    assert Plan(3600, 300, 30).outages[0] == (300, 330)
    assert len(Plan(3600, 300, 30).outages) == 11
    assert Plan(100, 50, 20).outages == []


def test_a_long_run_tells_how_fast_backlogs_went() -> None:
    """A hundred a second come; the receiver is away from 10 to 20; then three hundred go."""
    samples = []
    waiting = 0.0
    for second in range(1, 61):
        out = 0.0 if 10 <= second < 20 else min(300.0, waiting + 100)
        waiting += 100 - out
        samples.append(
            {
                "seconds": float(second),
                "waiting": waiting,
                "out_per_second": out,
                "resident_mib": 50.0,
            }
        )
    soaked = Soaked(100, samples, [(10, 20)], sent=6000, lost=0, repeated=3)
    assert soaked.drains == [pytest.approx(2.0)]
    assert soaked.slope_mib == pytest.approx(0)
    assert soaked.is_good
    assert not Soaked(100, samples, [(10, 20)], sent=6000, lost=1, repeated=3).is_good


def test_more_instructions_are_named_where_something_is_recorded() -> None:
    found = {"here, compiled": {"parse": 1040, "encode": 1020}, "there, compiled": {"parse": 9}}
    table, worse = judge(found, {"here, compiled": {"parse": 1000, "encode": 1000}})
    assert worse == ["parse (compiled) takes 4.0% more instructions an event"]
    assert [row[-1] for row in table.rows] == ["+4.00%", "+2.00%", "–"]


def test_the_command_measures_and_writes(tmp_path: Path) -> None:
    questions = ["--only", compare.FIELDS, "--only", compare.START]
    command = [sys.executable, "-m", "tests.bench", "--quick", "--no-peers", *questions]
    done = run([*command, "--out", tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with (tmp_path / "runs.csv").open(newline="") as file:
        rows = {row["question"]: row for row in csv.DictReader(file)}
    assert rows[compare.FIELDS]["fields_right_share"] == "1"
    assert float(rows[compare.START]["seconds_to_first_event"]) > 0
    assert "| fields right | 100.0% |" in (tmp_path / "tables.md").read_text()
