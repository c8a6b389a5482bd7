"""How the bridge is: for people (`/status`), for whoever restarts it, and for load balancers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bridge.admin.server import Admin
from bridge.admin.snapshot import Snapshot, Speaker
from bridge.httpd import Request, Response, as_json


async def healthz(admin: Admin[Speaker], request: Request) -> Response:
    """200 as long as the event loop turns."""
    return Response(body=b"ok\n")


async def readyz(admin: Admin[Speaker], request: Request) -> Response:
    """200 when every input can accept events, else 503 and why not."""
    reasons = (await admin.running.snapshot()).not_ready
    body = "".join(f"{reason}\n" for reason in reasons) or "ready\n"
    return Response(503 if reasons else 200, body.encode("utf-8", "replace"))


async def status(admin: Admin[Speaker], request: Request) -> Response:
    """The whole snapshot as JSON."""
    return as_json(as_dict(await admin.running.snapshot()))


async def history(admin: Admin[Speaker], request: Request) -> Response:
    """Rates of the last quarter of an hour."""
    return as_json(admin.history.rates())


def as_dict(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as JSON has it; each balance says whether it `holds`."""
    found = asdict(snapshot)
    for shown, component in zip(found["components"], snapshot.components, strict=True):
        if component.balance:
            shown["balance"]["holds"] = component.balance.holds
    found["not_ready"] = snapshot.not_ready
    return found
