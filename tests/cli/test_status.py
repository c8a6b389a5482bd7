"""`gelf-bridge status`, `reload` and `tap` as a user runs them, on a running bridge."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.cli.status import lines
from bridge.testing import FakeGraylog
from tests.bridges import CONFIG, record, running


async def command(*arguments: str, folder: Path, code: int = 0) -> tuple[str, str]:
    """What a command prints to its two outputs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "bridge", *arguments),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, error = await process.communicate()
    assert process.returncode == code, error.decode()
    return output.decode(), error.decode()


async def test_status_tells_states_balances_and_deviations(tmp_path: Path) -> None:
    async with FakeGraylog() as graylog, running(tmp_path, CONFIG % graylog.port) as bridge:
        await bridge.send(*(record(n, " msg=a=b c") for n in range(12)))
        await bridge.delivered(12)
        output, _ = await command("status", "-c", "bridge.yaml", folder=tmp_path)
        port = bridge.port()
    for moving in (r"process \d+, up for \d+ s", r"(?<=ok for )\d+ s", r"[\d.]+ [KM]?i?B of"):
        output = re.sub(moving, "…", output)
    assert re.sub(r"gelf-bridge \S+", "gelf-bridge", output) == (
        "gelf-bridge …\n"
        "\n"
        "inputs\n"
        f"  malops (cef): ok for …: listening on tcp 127.0.0.1:{port}\n"
        "    12 received = 12 accepted + 0 repeated + 0 in flight\n"
        "    127.0.0.1 writes unescaped equals: 12 times\n"
        "\n"
        "outputs\n"
        f"  graylog (gelf_tcp): ok for …: connected\n"
        "    12 accepted = 12 delivered + 0 spooled + 0 buried + 0 filtered + 0 dropped\n"
        "\n"
        "spool\n"
        f"  {tmp_path}/spool: … 1.0 GiB\n"
    )


async def test_json_is_the_whole_of_it(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1):
        output, _ = await command("status", "-c", "bridge.yaml", "--json", folder=tmp_path)
    found = json.loads(output)
    assert [one["id"] for one in found["components"]] == ["malops", "graylog"]
    assert found["pid"] == os.getpid()


async def test_a_bridge_that_does_not_run_is_one_calm_line(tmp_path: Path) -> None:
    (tmp_path / "bridge.yaml").write_text(CONFIG % 1)
    for name in ("status", "tap", "reload"):
        _, error = await command(name, "-c", "bridge.yaml", folder=tmp_path, code=1)
        assert error == (
            "gelf-bridge: the bridge is not running: nothing answers on spool/admin.sock; if it "
            "was started, the end of its log says why it stopped\n"
        )


async def test_status_answers_although_the_file_was_spoilt_meanwhile(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        bridge.path.write_text((CONFIG % 1).replace("address", "adress"))
        _, error = await command("reload", "-c", "bridge.yaml", folder=tmp_path, code=78)
        assert "no such option, did you mean address?" in error
        assert error.endswith("The bridge keeps the configuration it has.\n")
        output, _ = await command("status", "-c", "bridge.yaml", folder=tmp_path)
    assert "cannot be used:\n  " in output
    assert "no such option, did you mean address?" in output


async def test_without_a_spool_directory_the_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "bridge.yaml").write_text("inputs: {}\n")
    _, error = await command("status", "-c", "bridge.yaml", folder=tmp_path, code=78)
    assert error.startswith("bridge.yaml:1:1: spool.directory: this says where to find")


async def test_reload_says_what_changed(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        output, _ = await command("reload", "-c", "bridge.yaml", folder=tmp_path)
        assert output == "nothing has changed\n"
        bridge.path.write_text((CONFIG % 1).replace("malops", "front"))
        output, _ = await command("reload", "-c", "bridge.yaml", "--json", folder=tmp_path)
        assert json.loads(output)["changes"] == [
            "input malops is no longer configured: stopped",
            "input front is new: started",
        ]


async def test_tap_shows_what_graylog_will_store(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        options = ["-c", "bridge.yaml", "--count", "1", "--field", "cef_external_id=7"]
        tap = asyncio.ensure_future(command("tap", *options, folder=tmp_path))
        async with asyncio.timeout(10):
            while not bridge.service.taps.active:
                await asyncio.sleep(0.01)
        await bridge.send(record(6), record(7, " act=login"))
        output, _ = await tap
    assert output.startswith("malops: ")
    assert "\n  cef_device_action login\n" in output
    assert "\n  cef_external_id 7\n" in output


def test_a_balance_that_does_not_add_up_is_said(tmp_path: Path) -> None:
    balance = {"received": 3, "accepted": 1, "repeated": 1, "in_flight": 0, "holds": False}
    component = {
        "kind": "input",
        "id": "malops",
        "type": "cef",
        "state": "ok",
        "detail": "\x1b[2J",
        "since": 0.0,
        "balance": balance,
        "counts": [{"name": "kernel_drops", "label": "", "count": 7}],
        "deviations": [
            {"sender": f"192.0.2.{n}", "name": "x", "words": "does so", "count": 1}
            for n in range(12)
        ],
        "dead": 0,
    }
    reloads = {"count": 1, "at": 90.0, "problems": [], "changes": []}
    spool = {
        "directory": "/var/lib/gelf-bridge",
        "bytes": 0,
        "max_bytes": 1,
        "oldest": None,
        "full": "it holds 9 bytes of at most 1",
        "trouble": "",
        "aside": [],
    }
    snapshot = {
        "version": "1",
        "pid": 1,
        "started_at": 0.0,
        "now": 100.0,
        "reloads": reloads,
        "components": [component],
        "spool": spool,
    }
    text = "\n".join(lines(snapshot))
    assert "0 in flight: this does not add up" in text
    assert "kernel drops: 7" in text
    assert "and 2 more of the kind" in text
    assert "\\x1b[2J" in text
    assert "the configuration was read again 10 s ago" in text
    assert "full, so that inputs wait: it holds 9 bytes of at most 1" in text


def test_it_pays_only_for_what_it_needs(tmp_path: Path) -> None:
    """So it answers at once, on a busy machine too."""
    (tmp_path / "bridge.yaml").write_text(CONFIG % 1)
    code = (
        "import sys\n"
        "from bridge.cli import main\n"
        "try: main(['status', '-c', 'bridge.yaml'], standalone_mode=False)\n"
        "except BaseException: pass\n"
        "heavy = {'pydantic', 'httpx', 'rich', 'asyncio', 'orjson', 'prometheus_client', 'sqlite3'}"
        "\nprint(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_configuration_can_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bridge.yaml").write_text(CONFIG % 1)
    monkeypatch.setenv("GELF_BRIDGE_CONFIG", str(tmp_path / "bridge.yaml"))
    done = CliRunner().invoke(main, ["status"])
    assert done.exit_code == 1
    assert f"nothing answers on {tmp_path}/spool/admin.sock" in done.stderr


@pytest.mark.parametrize(
    ("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)]
)
async def test_colours_are_for_terminals_that_want_them(
    tmp_path: Path, environ: dict[str, str], coloured: bool
) -> None:
    async with running(tmp_path, CONFIG % 1) as bridge:
        ours, theirs = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bridge", "status", "-c", str(bridge.path)),
            stdout=theirs,
            env={name: value for name, value in os.environ.items() if name != "NO_COLOR"} | environ,
        )
        await process.wait()
        os.close(theirs)
        shown = os.read(ours, 65_536)
        os.close(ours)
    assert b"malops" in shown
    assert (b"\x1b[" in shown) is coloured
