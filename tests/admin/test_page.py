"""The status page, alone and in a real browser."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.health import State
from bridge.outputs.gelf_tcp import MAX_FRAME
from bridge.testing import FakeGraylog
from tests.bridges import CONFIG, record, running

SCRIPT = Path(__file__).parent / "page.mjs"
PACKAGES = ["playwright-core@1", "axe-core@4"]
ADMIN = 'admin: {address: "127.0.0.1:0"}\n'


async def test_it_is_one_file_under_a_strict_policy(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG % 1 + ADMIN) as bridge:
        _, port = bridge.service.admin.addresses[0]
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(f"http://127.0.0.1:{port}/")
    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"].startswith("'sha256-")
    assert policy["style-src"].startswith("'sha256-")
    assert not any("unsafe" in value for value in policy.values())
    assert not re.search(r"(src|href)=[\"'](?!data:,)", answer.text), "it loads nothing"
    assert not re.search(r"\bstyle=|\bon[a-z]+=\"|innerHTML", answer.text)


def missing(reason: str) -> None:
    """A browser test that cannot run: skipped, but where it is required a failure."""
    if os.environ.get("GELF_BRIDGE_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def packages() -> Path:
    """What drives the browser, fetched by npm once, outside of the tree."""
    if not (npm := shutil.which("npm")) or not shutil.which("node"):
        missing("node and npm are not installed")
    folder = Path(tempfile.gettempdir()) / f"gelf-bridge-browser-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if not (folder / "node_modules" / "axe-core").is_dir():
        command = [str(npm), "install", "--silent", "--no-audit", "--no-fund", *PACKAGES]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            missing(f"npm cannot fetch {PACKAGES}: {done.stderr or done.stdout}")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium")
    if not found:
        missing("chromium is not installed")
    return str(found)


async def look(packages: Path, chromium: str, url: str, awaited: str) -> dict[str, Any]:
    """What the browser sees, by device."""
    pictures = os.environ.get("GELF_BRIDGE_PICTURES", "")
    process = await asyncio.create_subprocess_exec(
        *("node", str(SCRIPT), url, chromium, awaited, pictures),
        cwd=packages,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, error = await process.communicate()
    assert process.returncode == 0, error.decode()
    found: dict[str, Any] = json.loads(output)
    return found


@pytest.mark.timeout(120)
async def test_a_person_sees_everything_and_axe_has_no_complaint(
    tmp_path: Path, packages: Path, chromium: str
) -> None:
    text = CONFIG.replace("outputs:", "outputs:\n  lost: {type: gelf_tcp, endpoint: '127.0.0.1:1'}")
    async with FakeGraylog() as graylog, running(tmp_path, text % graylog.port + ADMIN) as bridge:
        await bridge.send(*(record(n, " msg=a=b c") for n in range(12)))
        await bridge.delivered(12)
        await bridge.until("lost", State.RETRYING)
        for _ in range(2):
            await bridge.service.admin.history.take()
        bridge.service.health.report(
            "malops", State.OK, "<b>markup</b><img src=x onerror=alert(1)>"
        )
        _, port = bridge.service.admin.addresses[0]
        url = f"http://127.0.0.1:{port}/"
        found = await look(packages, chromium, url, "lost is retrying")
    for name, seen in found.items():
        assert seen["violations"] == [], name
        assert seen["complaints"] == [], name
        assert seen["overflow"] == 0, f"{name}: nothing has to be scrolled sideways"
        assert seen["markup"] == 0, "what components say is text"
        assert set(seen["requests"]) == {url, f"{url}history", f"{url}status"}
        assert seen["plots"] == 4, "two outputs, an input, the spool"
        for words in (
            "<b>markup</b>",
            "127.0.0.1 writes unescaped equals: 12 times",
            "connection refused",
            "= delivered",
            "oldest undelivered",
            f"{tmp_path}/spool",
        ):
            assert words in seen["text"], name
    assert found["desktop"]["background"] != found["phone"]["background"]


@pytest.mark.timeout(120)
async def test_dead_letters_wait_although_all_runs(
    tmp_path: Path, packages: Path, chromium: str
) -> None:
    async with FakeGraylog() as graylog, running(tmp_path, CONFIG % graylog.port + ADMIN) as bridge:
        await bridge.service.spool.append("malops", [b"x" * (MAX_FRAME + 1)])
        async with asyncio.timeout(10):
            while not await bridge.service.spool.dead_counts():
                await asyncio.sleep(0.02)
        _, port = bridge.service.admin.addresses[0]
        told = "All runs; 1 dead letter waits for a decision: gelf-bridge dead list"
        found = await look(packages, chromium, f"http://127.0.0.1:{port}/", told)
    assert all(told in seen["text"] for seen in found.values())
