"""Vendor tables: the ones that come with the bridge, and those of users."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.inputs.cef import tables

TABLE = """
vendor: Example Vendor
cut: [ExamplePrefix]
message: [summary, msg]
fields:
  threat_id: {from: [ThreatId, theThreat]}
  scanned_at: {from: [ScanTime], kind: time}
"""


def test_a_table_names_fields_for_the_sender_s_spellings() -> None:
    table = tables.read(TABLE, "own.yaml")
    assert table.slug == "example_vendor"
    assert table.message == ("summary", "msg")
    assert table.find("THREATID") == ("example_vendor_threat_id", "text")
    assert table.find("ScanTime") == ("example_vendor_scanned_at", "time")
    assert table.find("other") is None


def test_a_prefix_is_cut_off_keys() -> None:
    table = tables.read(TABLE, "own.yaml")
    assert table.find("ExamplePrefixThreatId") == ("example_vendor_threat_id", "text")
    assert table.without_prefix("ExamplePrefixOther") == "Other"
    assert table.without_prefix("ExamplePrefix") == "ExamplePrefix"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("vendor: [", "own.yaml: not readable as YAML"),
        ("- a", "own.yaml: file:"),
        ("vendor: A\nfeilds: {}", "own.yaml: feilds:"),
        ("vendor: A\nfields: {Bad-Name: {from: [x]}}", "own.yaml: fields.Bad-Name"),
        ("vendor: A\nfields: {a: {from: []}}", "own.yaml: fields.a.from"),
        ("vendor: A\nfields: {a: {from: [x], kind: number}}", "own.yaml: fields.a.kind"),
        ("vendor: A\nfields: {a: {from: [x]}, b: {from: [X]}}", "own.yaml: fields.b: 'X' is named"),
    ],
)
def test_a_bad_table_is_refused_with_its_name_and_place(text: str, complaint: str) -> None:
    with pytest.raises(ValueError) as caught:
        tables.read(text, "own.yaml")
    assert str(caught.value).startswith(complaint)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.yaml: cannot be read: "):
        tables.load(tmp_path / "none.yaml")


def test_a_table_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(TABLE)
    assert tables.by_slug([tables.load(path)]).keys() == {"example_vendor"}


def test_both_dialects_of_cybereason_end_in_the_same_fields() -> None:
    table = tables.builtin()["cybereason"]
    for forwarder, platform in [
        ("MalopId", "malopID"),
        ("DecisionFeatures", "malopKeySuspicion"),
        ("IncidentLink", "linkToMalop"),
        ("AffectedUsersCount", "affectedUsers"),
        ("ModifiedTime", "malopUpdateTime"),
        ("MachineName", "affectedMachine"),
        ("CybereasonCEFgeneratorOSandVersion1", "OSVersion"),
    ]:
        assert table.find(forwarder) == table.find(platform) is not None
