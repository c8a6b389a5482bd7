"""`/`: one page that a person keeps open. It holds everything it needs and loads nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from importlib.resources import files

from bridge.admin.server import Admin
from bridge.admin.snapshot import Speaker
from bridge.httpd import Request, Response


async def page(admin: Admin[Speaker], request: Request) -> Response:
    """The page, with a policy that lets in only its own style and script, by their hashes."""
    body, policy = _page()
    headers = {"Content-Security-Policy": policy}
    return Response(body=body, content_type="text/html; charset=utf-8", headers=headers)


@lru_cache(maxsize=1)
def _page() -> tuple[bytes, str]:
    text = (files("bridge.admin") / "page.html").read_text("utf-8")
    return text.encode(), "; ".join(
        (
            "default-src 'none'",
            "base-uri 'none'",
            "connect-src 'self'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "img-src data:",
            f"script-src {_hash(text, 'script')}",
            f"style-src {_hash(text, 'style')}",
        )
    )


def _hash(text: str, tag: str) -> str:
    """How CSP names the one inline element of a kind (Content Security Policy 3, §2.3.1)."""
    [inside] = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    digest = hashlib.sha256(inside.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
