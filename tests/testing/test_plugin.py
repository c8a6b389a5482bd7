"""The example plugin: its own distribution, installed beside the bridge, tested and run."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bridge.config import Address
from bridge.httpd import HttpServer, Request, Response
from tests.test_package import ROOT, Environment, environment

PLUGIN = ROOT / "examples" / "plugin"
MAX_LINES = 40
CONFIG = """
inputs: {watch: {type: reachability, endpoint: "127.0.0.1:1", interval_seconds: 0.1}}
outputs: {chat: {type: webhook, url: "http://127.0.0.1:%d/secret-path"}}
spool: {directory: spool, min_free_bytes: 0}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The plugin in an environment of its own, beside the bridge of this one."""
    source = tmp_path_factory.mktemp("source") / "plugin"
    shutil.copytree(PLUGIN, source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    found = environment(tmp_path_factory.mktemp("environment"), str(source))
    [site] = found.folder.glob("lib/python*/site-packages")
    (site / "bridge.pth").write_text(str(ROOT))
    return found


@pytest.mark.parametrize("name", ["reachability", "webhook"])
def test_a_component_is_short(name: str) -> None:
    lines = (PLUGIN / "gelf_bridge_example" / f"{name}.py").read_text().splitlines()
    assert sum(1 for line in lines if line.strip()) <= MAX_LINES


def test_it_passes_its_own_tests(installed: Environment) -> None:
    output = installed.run("python", "-m", "pytest", "-q", "-c", os.devnull, str(PLUGIN / "tests"))
    assert " passed" in output
    assert "failed" not in output


def test_the_bridge_knows_its_components(installed: Environment) -> None:
    listed = installed.run("python", "-m", "bridge", "components")
    assert "gelf-bridge-example 1.0.0" in listed
    text = installed.run("python", "-m", "bridge", "explain", "reachability")
    assert "interval_seconds: number, more than 0, default 30" in text
    config = installed.run("python", "-m", "bridge", "init", "reachability", "webhook")
    assert "endpoint: graylog.example.org:12201" in config
    assert "url: ${env:URL}" in config


async def test_its_events_go_all_the_way(installed: Environment, tmp_path: Path) -> None:
    heard: asyncio.Queue[object] = asyncio.Queue()

    async def chat(request: Request) -> Response:
        heard.put_nowait((request.path, request.json()))
        return Response(204)

    server = HttpServer(chat)
    await server.listen(Address("127.0.0.1", 0))
    (tmp_path / "bridge.yaml").write_text(CONFIG % server.addresses[0][1])
    process = await asyncio.create_subprocess_exec(
        *(str(installed.folder / "bin" / "python"), "-m", "bridge", "run", "-c", "bridge.yaml"),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
    )
    hearing, ending = asyncio.ensure_future(heard.get()), asyncio.ensure_future(process.wait())
    await asyncio.wait((hearing, ending), timeout=20, return_when=asyncio.FIRST_COMPLETED)
    if not ending.done():
        process.terminate()
    _, log = await process.communicate()
    await server.close()
    assert hearing.done(), log.decode()
    assert hearing.result() == ("/secret-path", {"text": "127.0.0.1:1 is unreachable"})
    assert await ending == 0
    assert b"secret-path" not in log


def test_the_page_about_it_shows_its_code() -> None:
    """What the page shows are lines of the files."""
    page = (PLUGIN / "README.md").read_text()
    files = [*PLUGIN.rglob("*.py"), PLUGIN / "setup.cfg"]
    sources = [path.read_text() for path in files]
    shown = [
        part.partition("\n")[2] for part in page.split("```")[1::2] if part[:3] in ("pyt", "ini")
    ]
    assert len(shown) == 3
    for text in shown:
        for paragraph in text.strip().split("\n\n"):
            assert any(paragraph in source for source in sources), paragraph
