"""What changes something."""

from __future__ import annotations

from dataclasses import asdict

from bridge.admin.server import Admin
from bridge.admin.snapshot import Running, Speaker
from bridge.errors import BridgeError
from bridge.httpd import Refusal, Request, Response, as_json


async def reload(admin: Admin[Speaker], request: Request) -> Response:
    """Read the configuration again; the answer says what changed, or what is wrong."""
    return as_json(asdict(await admin.running.reload()))


async def replay(admin: Admin[Running], request: Request) -> Response:
    """Take the lines of the body as records of the input `input`; answers when they are durable."""
    lines = [line.rstrip(b"\r") for line in request.body.split(b"\n")]
    name = request.query.get("input", "")
    try:
        taken = await admin.running.replay(name, [line for line in lines if line])
    except BridgeError as error:
        raise Refusal(422, str(error)) from None
    return as_json(asdict(taken))
