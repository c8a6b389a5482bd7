"""`gelf-bridge check` and the command group, run as a user runs them."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.cli.connect import try_spool
from bridge.config import SpoolConfig
from bridge.plugins import EntryPoints
from bridge.testing import FakeGraylog
from tests.bridges import CONFIG, running

GOOD = """\
inputs:
  malops: {type: cef, address: "127.0.0.1:5514", redact: {message: "${env:PATTERN:-secret}"}}
outputs:
  graylog: {type: gelf_tcp, endpoint: "graylog.example.org:12201", tls: true}
  second: {type: gelf_http, url: "https://[2001:db8::1]:12202", except: {event_types: [noise]}}
spool: {directory: spool}
"""
BAD = """\
inputs:
  malops: {type: cef, adress: "127.0.0.1:5514", fields: {a: "${env:NO_SUCH_VARIABLE}"}}
outputs:
  graylog: {type: gelf_tpc, endpoint: "graylog.example.org:12201"}
  second: {type: gelf_tcp, endpoint: "[2001:db8::1]:12201", only: {inputs: [malpos]}}
"""
BAD_PROBLEMS = """\
bridge.yaml:1:1: spool: is missing
bridge.yaml:2:23: inputs.malops.adress: no such option, did you mean address?
bridge.yaml:2:61: inputs.malops.fields.a: the environment variable NO_SUCH_VARIABLE is not set; \
set it, or give a default: ${env:NO_SUCH_VARIABLE:-…}
bridge.yaml:4:19: outputs.graylog.type: no such output type, did you mean gelf_tcp? Known: TYPES
bridge.yaml:5:77: outputs.second.only.inputs[0]: no such input, did you mean malops? Known: malops
"""


def bridge(
    *arguments: str, folder: Path, code: int, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run the command in `folder`; it must end with `code`."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "bridge", *arguments],
        cwd=folder,
        env=os.environ | {"LC_ALL": "C.UTF-8"} | environ,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def problems(text: str) -> str:
    """The list of output types grows with the outputs."""
    return text.replace("TYPES", ", ".join(EntryPoints().types("output")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bridge.yaml").write_text(GOOD)
    return tmp_path


def test_a_good_configuration_gets_one_calm_line(folder: Path) -> None:
    done = bridge("check", "-c", "bridge.yaml", folder=folder, code=0)
    assert done.stdout == (
        "bridge.yaml: all is well: "
        "input malops (cef); outputs graylog (gelf_tcp), second (gelf_http)\n"
    )
    assert done.stderr == ""
    assert [path.name for path in folder.iterdir()] == ["bridge.yaml"], "nothing was started"


def test_it_says_which_outputs_promise_less(folder: Path) -> None:
    text = GOOD.replace(", tls: true", "").replace("type: gelf_http, url", "type: gelf_udp, x")
    text = text.replace('x: "https://[2001:db8::1]:12202"', 'endpoint: "[2001:db8::1]:12201"')
    (folder / "bridge.yaml").write_text(text)
    _, plain, udp = bridge("check", "-c", "bridge.yaml", folder=folder, code=0).stdout.splitlines()
    assert plain.startswith("outputs.graylog: plain TCP proves delivery on a direct connection")
    assert udp.startswith("outputs.second: UDP promises nothing")
    told = bridge("check", "-c", "bridge.yaml", "--json", folder=folder, code=0).stdout
    assert set(json.loads(told)["remarks"]) == {"graylog", "second"}


def test_every_problem_of_a_bad_one_is_printed(folder: Path) -> None:
    (folder / "bridge.yaml").write_text(BAD)
    done = bridge("check", "-c", "bridge.yaml", folder=folder, code=78)
    assert done.stderr == problems(BAD_PROBLEMS)
    assert done.stdout == ""


async def test_the_port_of_the_running_bridge_is_no_problem(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    async with FakeGraylog() as graylog:
        text = CONFIG.replace("127.0.0.1:0", f"127.0.0.1:{port}") % graylog.port
        async with running(tmp_path, text) as one:
            done = await asyncio.to_thread(
                bridge, "check", "-c", "bridge.yaml", "--connect", folder=tmp_path, code=0
            )
            assert (
                f"input malops (cef): ok: the running bridge, process {os.getpid()}, listens "
                in (done.stdout)
            )
            (tmp_path / "bridge.yaml").write_text(text.replace("malops", "other"))
            other = await asyncio.to_thread(
                bridge, "check", "-c", "bridge.yaml", "--connect", folder=tmp_path, code=1
            )
            assert "input other (cef): cannot listen on tcp" in other.stdout
            assert one.port() == port


def test_the_spool_s_place_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def problem(**options: object) -> str:
        return try_spool(
            SpoolConfig.model_validate({"directory": tmp_path / "new", **options})
        ).problem

    assert problem(min_free_bytes=0) == ""
    file = tmp_path / "file"
    file.touch()
    assert f"can write nothing into {file}" in problem(directory=file / "spool")
    assert not (tmp_path / "new").exists()
    disk = os.statvfs_result((4096, 4096, 1 << 20, 2048, 2048, 9, 9, 9, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda place: disk)
    told = "248.0 MiB too little is free for min_free_bytes: inputs would wait"
    assert problem(min_free_bytes=256 << 20) == told


def test_json_tells_what_is_configured(folder: Path) -> None:
    done = bridge("check", "--config", "bridge.yaml", "--json", folder=folder, code=0)
    assert json.loads(done.stdout) == {
        "ok": True,
        "source": "bridge.yaml",
        "inputs": {"malops": "cef"},
        "outputs": {"graylog": "gelf_tcp", "second": "gelf_http"},
        "remarks": {},
        "problems": [],
    }


def test_json_tells_every_problem(folder: Path) -> None:
    (folder / "bridge.yaml").write_text(BAD)
    done = bridge("check", "-c", "bridge.yaml", "--json", folder=folder, code=78)
    report = json.loads(done.stdout)
    assert report["ok"] is False
    assert report["problems"][1] == {
        "source": "bridge.yaml",
        "line": 2,
        "column": 23,
        "path": "inputs.malops.adress",
        "message": "no such option, did you mean address?",
    }
    assert len(report["problems"]) == 5
    assert done.stderr == ""


@pytest.mark.parametrize("command", [["check"], ["check", "--json"], ["run"]])
def test_a_file_that_cannot_be_read_is_one_problem(folder: Path, command: list[str]) -> None:
    done = bridge(*command, "-c", "missing.yaml", folder=folder, code=78)
    output = done.stdout + done.stderr
    assert "cannot be read: No such file or directory" in output
    told = [line for line in output.splitlines() if not line.startswith("gelf-bridge: not started")]
    assert len(told) == 1


def test_run_refuses_a_bad_configuration_before_anything_starts(folder: Path) -> None:
    (folder / "bridge.yaml").write_text(BAD + "spool: {directory: spool}\n")
    done = bridge("run", "-c", "bridge.yaml", folder=folder, code=78)
    *told, last = done.stderr.splitlines(keepends=True)
    assert "".join(told) == problems(BAD_PROBLEMS).partition("\n")[2]
    assert last == "gelf-bridge: not started: mend the configuration first\n"
    assert not (folder / "spool").exists()


def test_secrets_from_the_environment_are_not_printed(folder: Path) -> None:
    done = bridge("check", "-c", "bridge.yaml", folder=folder, code=78, PATTERN="(hunter2")
    assert done.stderr == (
        "bridge.yaml:2:68: inputs.malops.redact.message: is not a regular expression\n"
    )


def test_without_a_file_it_is_a_usage_error(folder: Path) -> None:
    done = bridge("check", folder=folder, code=2)
    assert "Missing option '-c' / '--config'" in done.stderr


def test_an_unknown_command_is_a_usage_error(folder: Path) -> None:
    assert "No such command 'chekc'" in bridge("chekc", folder=folder, code=2).stderr


def test_help_lists_the_commands_in_a_sensible_order(folder: Path) -> None:
    output = bridge("--help", folder=folder, code=0).stdout
    assert output.index("  run ") < output.index("  check ") < output.index("  demo ")


def test_a_command_pays_only_for_what_it_needs() -> None:
    """`--version` imports neither YAML nor pydantic, `check` no HTTP client."""
    code = (
        "import sys; from bridge.cli import main\n"
        "try: main([{arguments}], standalone_mode=False)\n"
        "except SystemExit: pass\n"
        "print(sorted({{'pydantic', 'yaml', 'httpx', 'rich', 'asyncio'}} & set(sys.modules)))"
    )

    def imported(arguments: str) -> str:
        program = code.format(arguments=arguments)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[-1]

    assert imported("'--version'") == "[]"
    assert "httpx" not in imported("'check', '--help'")
