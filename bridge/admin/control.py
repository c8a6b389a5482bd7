"""What changes something."""

from __future__ import annotations

from dataclasses import asdict

from bridge.admin.server import Admin
from bridge.httpd import Request, Response, as_json


async def reload(admin: Admin, request: Request) -> Response:
    """Read the configuration again; the answer says what changed, or what is wrong."""
    return as_json(asdict(await admin.running.reload()))
