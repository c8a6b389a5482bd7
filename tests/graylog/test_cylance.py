"""Cylance's events end in the same schema as those of other endpoint products."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.graylog.judge import Judge
from tests.graylog.samples import (
    DATA,
    Sample,
    after_rules,
    cylance,
    load,
    of_cylance,
    rule_set,
    stored,
)

SAMPLES = {sample.name: sample for sample in cylance()}
GUID = "e378dacb-9324-453a-b8c6-5a8406952195"


@pytest.fixture(scope="module", autouse=True)
def rules(judge: Judge) -> None:
    load(judge, rule_set("cylance", "ecs"))


def fields_of(judge: Judge, sample: Sample) -> dict[str, Any]:
    return stored(after_rules(judge, sample.document))


def made(judge: Judge, kind: str, **item: Any) -> dict[str, Any]:
    return fields_of(judge, of_cylance(kind, item))


def test_a_threat_of_the_document(judge: Judge) -> None:
    fields = fields_of(judge, SAMPLES["threat"])
    hashes = {
        "md5": "d41d8cd98f00b204e9800998ecf8427e",
        "sha256": "bf17366ee3bb8068a9ad70fc9e68496e7e311a055bf4ffeeff53cc5d29ccce52",
    }
    assert (
        fields.items()
        >= {
            "event_kind": "alert",
            "event_dataset": "cylance.threat",
            "observer_vendor": "Cylance",
            "observer_product": "Protect",
            "event_severity": 10,
            "rule_name": "PUP / Generic",
            "event_created": fields["bridge_received_at"],
            "file_name": "threatfile.exe",
            "file_size": 1500000,
            "file_hash_md5": hashes["md5"],
            "file_hash_sha256": hashes["sha256"],
            **hashes,
            "cylance_score": -1.0,
            "cylance_signed": "true",
            "cylance_detected_by": "Background Threat Detection",
        }.items()
    )
    gone = {"cylance_name", "cylance_md5", "cylance_sha256", "cylance_file_size"}
    assert not gone & fields.keys()
    assert "cylance_cert_timestamp" not in fields


def test_a_detection_of_the_document(judge: Judge) -> None:
    """The sample has id and name of the device swapped."""
    fields = fields_of(judge, SAMPLES["detection"])
    assert (
        fields.items()
        >= {
            "event_kind": "alert",
            "event_dataset": "cylance.detection",
            "observer_vendor": "Cylance",
            "observer_product": "Optics",
            "event_severity": 5,
            "cylance_severity": "Medium",
            "rule_name": "Fileless Powershell Malware",
            "event_created": "2019-05-10T22:00:56.000000Z",
            "timestamp": "2019-05-10T22:00:54.289Z",
            "host_hostname": "user-laptop-a123",
            "host_id": GUID,
            "cylance_status": "New",
        }.items()
    )
    mapped = (
        "detection_description",
        "received_time",
        "occurrence_time",
        "device_name",
        "device_id",
    )
    assert not {f"cylance_{name}" for name in mapped} & fields.keys()


@pytest.mark.parametrize(
    ("sample", "kind", "product"),
    [
        ("device", "state", "Protect"),
        ("memory_protection", "event", "Protect"),
        ("threat_device", "event", "Protect"),
        ("detection_with_details", "alert", "Optics"),
    ],
)
def test_each_kind_has_its_dataset(judge: Judge, sample: str, kind: str, product: str) -> None:
    fields = fields_of(judge, SAMPLES[sample])
    assert fields["event_kind"] == kind
    assert fields["event_dataset"] == f"cylance.{sample.removesuffix('_with_details')}"
    assert fields["observer_product"] == product


def test_memory_protection_names_file_user_and_device(judge: Judge) -> None:
    assert (
        fields_of(judge, SAMPLES["memory_protection"]).items()
        >= {
            "file_path": "C:\\Temp\\dump it.exe",
            "file_name": "dump it.exe",
            "file_hash_sha256": "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9",
            "user_name": "example\\zoe",
            "host_id": "1c7b6b0a-4d1e-4c1f-9b0a-3c2d1e0f9a8b",
        }.items()
    )


def test_a_device_names_itself(judge: Judge) -> None:
    fields = fields_of(judge, SAMPLES["device"])
    assert fields["host_hostname"] == "laptop-7"
    assert fields["host_ip"] == ["192.0.2.17", "2001:db8::17"]
    assert "cylance_device_ip_addresses" not in fields


@pytest.mark.parametrize(
    ("score", "severity"),
    [(-1, 10), (-0.98, 10), (-0.94, 9), (-0.55, 6), (-0.04, 0), (0, 0), (0.7, 0), (1, 0)],
)
def test_the_severity_of_a_file_follows_its_score(
    judge: Judge, score: float, severity: int
) -> None:
    fields = made(judge, "threat", sha256="aa", cylance_score=score)
    assert fields["event_severity"] == severity


def test_without_a_score_there_is_no_severity(judge: Judge) -> None:
    assert "event_severity" not in made(judge, "threat", sha256="aa", cylance_score=None)


@pytest.mark.parametrize(
    ("word", "severity"),
    [("Informational", 1), ("Low", 3), ("MEDIUM", 5), ("High", 8), ("Odd", None), ("", None)],
)
def test_the_severity_of_a_detection_follows_its_word(
    judge: Judge, word: str, severity: int | None
) -> None:
    assert made(judge, "detection", Id="1", Severity=word).get("event_severity") == severity


@pytest.mark.parametrize(
    ("classes", "name"),
    [
        (("Malware", "Trojan"), "Malware / Trojan"),
        (("Malware", ""), "Malware"),
        (("", "Trojan"), "Trojan"),
        (("", ""), None),
    ],
)
def test_the_rule_name_of_a_file_is_its_class(
    judge: Judge, classes: tuple[str, str], name: str | None
) -> None:
    fields = made(judge, "threat", classification=classes[0], sub_classification=classes[1])
    assert fields.get("rule_name") == name


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ({"Name": "PC-1", "CylanceId": GUID}, ("pc-1", GUID)),
        ({"Name": GUID.upper(), "CylanceId": "PC-1"}, ("pc-1", GUID)),
        ({"Name": GUID.replace("-", ""), "CylanceId": "PC-1"}, ("pc-1", GUID)),
        ({"Name": "PC-1", "CylanceId": "odd"}, ("pc-1", "odd")),
        ({"Name": GUID, "CylanceId": None}, (None, GUID)),
        ({"Name": "PC-1"}, ("pc-1", None)),
    ],
)
def test_the_id_of_a_device_is_the_guid(
    judge: Judge, device: dict[str, str], expected: tuple[str | None, str | None]
) -> None:
    fields = made(judge, "detection", Id="1", Device=device)
    assert (fields.get("host_hostname"), fields.get("host_id")) == expected


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (["fe80::1%7", "-", "192.0.2.1"], ["192.0.2.1"]),
        (["pc-1"], None),
        ([], None),
        ([f"192.0.2.{n}" for n in range(6)], [f"192.0.2.{n}" for n in range(4)]),
    ],
)
def test_only_addresses_become_addresses(
    judge: Judge, addresses: list[str], expected: list[str] | None
) -> None:
    """What an index would refuse, and what does not fit, stays in Cylance's own field."""
    fields = made(judge, "device", id=GUID, name="PC-1", ip_addresses=addresses)
    assert fields.get("host_ip") == expected
    if addresses:
        assert json.loads(fields["cylance_device_ip_addresses"]) == addresses


def test_a_search_for_a_host_or_a_hash_finds_both_sources(judge: Judge) -> None:
    """The names are those of the other source."""
    other = json.loads((DATA / "cybereason-platform" / "forwarder_malware_added.json").read_text())
    fields = fields_of(judge, SAMPLES["threat_device"])
    assert {"host_hostname", "file_hash_sha256", "event_severity"} <= other.keys() & fields.keys()
    assert fields["host_hostname"].islower()
    assert fields["file_hash_sha256"].islower()


FILEBEAT = ("filebeat_event_type", "filebeat_fields_event_type", "event_type")


@pytest.mark.parametrize("name", FILEBEAT)
@pytest.mark.parametrize("sample", ["threat", "detection", "memory_protection"])
def test_lines_of_a_log_file_end_in_the_same_fields(judge: Judge, sample: str, name: str) -> None:
    """As they come from Filebeat through Graylog's Beats input, without the bridge."""
    item = json.loads((DATA / "cylance" / f"{sample}.in").read_text())
    given = {"message": json.dumps(item), "source": "ubuntu", name: "cylance"}
    [verdict] = judge.run(given).messages
    assert verdict.errors == ()
    fields = stored(verdict)
    of_bridge = fields_of(judge, SAMPLES[sample])
    own = {"event_created", "event_type", "timestamp", "message", "source", "level", "event_uid"}
    shared = {
        key: value
        for key, value in of_bridge.items()
        if key not in own and not key.startswith(("bridge_", "full_message"))
    }
    assert {key: fields.get(key) for key in shared} == shared
    times = {"threat": None, "detection": "2019-05-10T22:00:54.000Z"}
    if moment := times.get(sample):
        assert fields["timestamp"] == moment


@pytest.mark.parametrize(
    "message",
    [
        "{",
        "{}",
        "[1]",
        "Error: 503 {}",
        '{"sha256": {"a": [1]}, "cylance_score": "x"}',
        '{"cylance_score": 1e999}',
        '{"violation_type": [], "created": "2019-99-99T99:99:99"}',
        '{"a": "\\ud800"}',
    ],
)
def test_other_lines_of_a_log_file_raise_nothing(judge: Judge, message: str) -> None:
    [verdict] = judge.run({"message": message, "filebeat_event_type": "cylance"}).messages
    assert verdict.errors == ()
    assert verdict.fields["message"] == message


def test_lines_of_something_else_are_left_alone(judge: Judge) -> None:
    given = {"message": '{"sha256": "aa"}', "filebeat_event_type": "not_cylance"}
    assert judge.run(given).ran == ()
