"""`gelf-bridge support`: everything somebody who helps needs, and nothing that is secret."""

from __future__ import annotations

import asyncio
import json
import stat
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import main
from tests.bridges import CONFIG, record, running

SECRET = "0123456789abcdef-token"
FROM_FILE = "hunter2-from-a-file"
FROM_ENVIRONMENT = "hunter3-from-the-environment"


async def bundle(folder: Path, *options: str) -> dict[str, str]:
    """What the file holds."""
    target = folder / "support.tar.gz"
    arguments = ["support", "-c", str(folder / "bridge.yaml"), "-o", str(target), *options]
    done = await asyncio.to_thread(CliRunner().invoke, main, arguments)
    assert done.exit_code == 0, done.output
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with tarfile.open(target) as archive:
        found = {member.name: archive.extractfile(member) for member in archive}
        return {
            name.partition("/")[2]: file.read().decode() for name, file in found.items() if file
        }


def config(folder: Path) -> str:
    (folder / "secret").write_text(FROM_FILE)
    text = CONFIG.replace(
        '127.0.0.1:0"', '127.0.0.1:0", fields: {a: "${env:A}", b: "${file:secret}"}'
    )
    return text % 1 + f'admin: {{address: "127.0.0.1:0", token: "{SECRET}"}}\n'


async def test_it_holds_what_helps_and_no_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A", FROM_ENVIRONMENT)
    log = tmp_path / "bridge.log"
    log.write_text(f"INFO all is well\nDEBUG {SECRET} {FROM_FILE} {FROM_ENVIRONMENT}\n")
    async with running(tmp_path, config(tmp_path)) as bridge:
        await bridge.send(record(1, " msg=private"))
        await bridge.accepted(1)
        found = await bundle(tmp_path, "--log", str(log))
    assert set(found) == {
        "README.txt",
        "version.json",
        "config.yaml",
        "check.txt",
        "status.txt",
        "status.json",
        "history.json",
        "metrics.txt",
        "spool.txt",
        "system.txt",
        "log.txt",
    }
    assert set(found) - {"README.txt"} <= set(found["README.txt"].replace(",", " ").split())
    whole = "".join(found.values())
    for secret in (SECRET, FROM_FILE, FROM_ENVIRONMENT, "private"):
        assert secret not in whole
    assert "token: '***'" in found["config.yaml"]
    assert "a: ${env:A}" in found["config.yaml"]
    assert "1 received = 1 accepted" in found["status.txt"]
    assert json.loads(found["status.json"])["components"][0]["id"] == "malops"
    assert "gelf_bridge_info" in found["metrics.txt"]
    assert "worker-0.db" in found["spool.txt"]
    assert "INFO all is well" in found["log.txt"]
    assert json.loads(found["version.json"])["gelf-bridge"]


async def test_it_helps_with_a_broken_configuration_and_a_stopped_bridge(tmp_path: Path) -> None:
    (tmp_path / "bridge.yaml").write_text((CONFIG % 1).replace("address", "adress"))
    found = await bundle(tmp_path)
    assert "did you mean address?" in found["check.txt"]
    assert "the bridge is not running" in found["status.txt"]
    assert "No such file" in found["spool.txt"]


async def test_secrets_of_a_broken_configuration_stay_hidden_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A", FROM_ENVIRONMENT)
    log = tmp_path / "bridge.log"
    log.write_text(FROM_ENVIRONMENT)
    (tmp_path / "bridge.yaml").write_text(config(tmp_path) + "unknown: 1\n")
    found = await bundle(tmp_path, "--log", str(log))
    assert FROM_ENVIRONMENT not in "".join(found.values())


async def test_an_existing_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "bridge.yaml").write_text(CONFIG % 1)
    (tmp_path / "support.tar.gz").write_text("mine")
    options = [
        "support",
        "-c",
        str(tmp_path / "bridge.yaml"),
        "-o",
        str(tmp_path / "support.tar.gz"),
    ]
    done = CliRunner().invoke(main, options)
    assert (done.exit_code, "File exists" in done.output) == (1, True)
    assert (tmp_path / "support.tar.gz").read_text() == "mine"
