"""100,000 threats by backfill: as fast as the server gives them, with flat memory.

.venv/bin/pytest -m long -s tests/long/test_cylance_backfill.py
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from pathlib import Path

import httpx
import jwt
import pytest
import yaml

from bridge.config import SpoolConfig
from bridge.inputs.cylance.fake import APP_ID, APP_SECRET, TENANT_ID
from bridge.spool import Spool

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

COUNT = 100_000
DAYS = 30
PAGE = 200
MIB = 1024.0


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )


async def plain_seconds(base_url: str) -> float:
    """How long the server takes to give every page to a client that does nothing else."""
    async with httpx.AsyncClient(base_url=base_url, trust_env=False, timeout=60) as http:
        now = int(time.time())
        claims = {"iss": "http://cylance.com", "sub": APP_ID, "tid": TENANT_ID, "jti": "plain"}
        signed = jwt.encode(claims | {"iat": now, "exp": now + 1800}, APP_SECRET)
        answer = await http.post("/auth/v2/token", json={"auth_token": signed})
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        began = time.monotonic()
        for page in range(1, COUNT // PAGE + 1):
            query = {"page": page, "page_size": PAGE}
            answer = await http.get("/threats/v2", params=query, headers=headers)
            assert len(answer.json()["page_items"]) == PAGE
        return time.monotonic() - began


def resident(pid: int) -> float:
    """MiB of memory that a process has at the moment."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / MIB if found else 0.0


async def watch(process: asyncio.subprocess.Process) -> list[float]:
    """Its memory, four times a second, until it ends."""
    memory: list[float] = []
    ended = asyncio.ensure_future(process.communicate())
    while not ended.done():
        memory.append(resident(process.pid))
        await asyncio.wait([ended], timeout=0.25)
    out, _ = ended.result()
    assert process.returncode == 0, out.decode()
    assert "threats: 100%" in out.decode()
    return [one for one in memory if one]


async def test_a_hundred_thousand_threats(tmp_path: Path) -> None:
    server = await start("-m", "tests.long.cylance_server", str(COUNT), str(DAYS))
    assert server.stdout
    base_url = (await server.stdout.readline()).decode().strip()
    plain = await plain_seconds(base_url)
    protect = {
        "type": "cylance",
        "base_url": base_url,
        "tenant_id": TENANT_ID,
        "app_id": APP_ID,
        "app_secret": APP_SECRET,
        "proxy": "none",
        "streams": ["threats"],
        "details": False,
    }
    document = {
        "inputs": {"protect": protect},
        "outputs": {"lines": {"type": "file", "path": str(tmp_path / "events.ndjson")}},
        "spool": {"directory": str(tmp_path / "spool"), "min_free_bytes": 0},
    }
    (tmp_path / "bridge.yaml").write_text(yaml.safe_dump(document))
    began = time.monotonic()
    config = str(tmp_path / "bridge.yaml")
    bridge = await start("-m", "bridge", "backfill", "protect", "--since", "-31d", "-c", config)
    memory = await watch(bridge)
    seconds = time.monotonic() - began
    server.kill()
    await server.wait()
    spool = await Spool.open(SpoolConfig(directory=tmp_path / "spool", min_free_bytes=0))
    accepted = (await spool.balance()).inputs["protect"].accepted
    await spool.close()
    quarter = len(memory) // 4
    early, late = max(memory[quarter : 2 * quarter]), max(memory[-quarter:])
    print(
        f"\n{accepted:,} events in {seconds:.1f} s ({accepted / seconds:,.0f}/s); the pages alone, "
        f"read by a client that does nothing: {plain:.1f} s; memory {early:.0f} MiB in the second "
        f"quarter, {late:.0f} MiB in the last"
    )
    assert accepted == COUNT
    assert late - early < 16
    assert seconds < 2.5 * plain + 10
