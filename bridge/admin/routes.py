"""Who answers what."""

from __future__ import annotations

from bridge.admin import control, status
from bridge.admin.server import Route, Routes

ROUTES: Routes = {
    ("GET", "/healthz"): Route(status.healthz, open=True),
    ("GET", "/readyz"): Route(status.readyz, open=True),
    ("GET", "/status"): Route(status.status, open=True),
    ("GET", "/history"): Route(status.history, open=True),
    ("POST", "/reload"): Route(control.reload),
}
