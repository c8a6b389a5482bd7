"""What the output `file` writes, shipped by Filebeat as in examples/, read by rules in Graylog."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge import gelf
from bridge.config import load
from bridge.graylog.judge import Judge
from bridge.outputs import Batch
from bridge.outputs.file import File
from bridge.plugins import EntryPoints
from tests.graylog.samples import DATA, after_rules, cylance, rule_set, stored
from tests.graylog.test_document_rule import RULE, pipeline
from tests.outputs.running import Host

EXAMPLES = Path(__file__).parents[2] / "examples"
ENVIRON = dict.fromkeys(["TENANT_ID", "APP_ID", "APP_SECRET", "REGION_CODE"], "euc1")
SAMPLES = {sample.name: sample for sample in cylance()}
KINDS = ["threat", "detection"]


def written(kind: str, folder: Path) -> str:
    """The line that the bridge of examples/file.yaml writes for a sample."""
    text = (EXAMPLES / "file.yaml").read_text()
    config = load(text, "file.yaml", ENVIRON, EntryPoints())
    assert config.inputs["protect"].message == "raw"  # type: ignore[attr-defined]
    output = config.outputs["log"].model_copy(update={"path": folder / "events.log"})
    event = SAMPLES[kind].event
    document = gelf.encode(event | {"message": event["full_message"]})
    asyncio.run(write(File(output, Host().context()), document))
    (line,) = (folder / "events.log").read_text().splitlines()
    return line


async def write(output: File, document: bytes) -> None:
    await output.connect()
    await output.send(Batch(1, "protect", 1, document))
    await output.close()


def delivered(line: str, name: str, prefix: str) -> dict[str, Any]:
    """The message that a Beats input makes of a line (`org.graylog.plugins.beats.Beats2Codec`):
    every field but the message under its flattened name, behind the prefix."""
    (source,) = yaml.safe_load((EXAMPLES / name).read_text())["filebeat.inputs"]
    assert source["fields_under_root"]
    fields = {f"{prefix}{key}": value for key, value in source["fields"].items()}
    about = {f"{prefix}log_file_path": source["paths"][0], f"{prefix}agent_type": "filebeat"}
    return {"message": line, "source": "collector", **fields, **about}


@pytest.mark.parametrize("name", ["filebeat.yml", "sidecar.yml"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_rule_of_the_document_reads_it(
    judge: Judge, kind: str, name: str, tmp_path: Path
) -> None:
    judge.load([RULE], [pipeline("normalize_cylance", 0, "own")])
    outcome = judge.run(delivered(written(kind, tmp_path), name, ""))
    fields = outcome.messages[0].indexed
    item = json.loads((DATA / "cylance" / f"{kind}.in").read_text())
    renamed = {"md5": "md5", "sha256": "sha256", "name": "file_name"}
    for key, value in item.items():
        if value is not None:
            assert fields[renamed.get(key, f"cylance_{key}")] == value, key


@pytest.mark.parametrize("prefix", ["filebeat_", ""])
@pytest.mark.parametrize("kind", KINDS)
def test_our_rules_read_it_with_and_without_the_prefix(
    judge: Judge, kind: str, prefix: str, tmp_path: Path
) -> None:
    ours = rule_set("cylance", "ecs")
    judge.load([rule.text for rule in ours.rules], [each.text for each in ours.pipelines])
    outcome = judge.run(delivered(written(kind, tmp_path), "filebeat.yml", prefix))
    fields = outcome.messages[0].indexed
    expected = stored(after_rules(judge, SAMPLES[kind].document))
    for name in ("event_kind", "event_dataset", "event_severity", "file_hash_sha256", "rule_name"):
        assert fields.get(name) == expected.get(name), name
    assert fields["event_dataset"] == f"cylance.{kind}"
