"""Who answers what."""

from __future__ import annotations

from bridge.admin import backfill, checkpoints, control, dead, page, status, tap
from bridge.admin.server import Admin, Route, Routes
from bridge.admin.snapshot import Speaker
from bridge.httpd import Request, Response


async def metrics(admin: Admin[Speaker], request: Request) -> Response:
    """As `bridge.admin.metrics`, whose library is loaded only for those who ask."""
    from bridge.admin.metrics import metrics

    return await metrics(admin, request)


ROUTES: Routes = {
    ("GET", "/"): Route(page.page, open=True),
    ("GET", "/healthz"): Route(status.healthz, open=True),
    ("GET", "/readyz"): Route(status.readyz, open=True),
    ("GET", "/status"): Route(status.status, open=True),
    ("GET", "/history"): Route(status.history, open=True),
    ("GET", "/metrics"): Route(metrics, open=True),
    ("GET", "/tap"): Route(tap.tap),
    ("POST", "/reload"): Route(control.reload),
    ("POST", "/replay"): Route(control.replay),
    ("POST", "/backfill"): Route(backfill.backfill),
    **{way: Route(dead.over_http(work)) for way, work in {**dead.WORK, **checkpoints.WORK}.items()},
}
