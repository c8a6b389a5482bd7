"""The admin server: what the bridge does, asked over HTTP.

On a unix socket in the spool directory, for the owner of the process alone, everything; on an
optional TCP address health, metrics and counts, and the rest only with a token.

`server` listens and guards, `snapshot` is what the bridge knows about itself at one moment; each
other module answers for one subject. A new subject is a function `(admin, request) -> Response` and
a line in `routes`.
"""

from __future__ import annotations

from bridge.admin.routes import ROUTES
from bridge.admin.server import SOCKET, Admin
from bridge.admin.snapshot import Reloads, Running, Snapshot, take

__all__ = ["ROUTES", "SOCKET", "Admin", "Reloads", "Running", "Snapshot", "take"]
