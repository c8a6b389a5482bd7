"""The input `cylance`: polls the Cylance User API (CylancePROTECT, CylanceOPTICS) and emits events.

From the outside in: `poller` (the input), `lists` (asking for pages and details), `walk` (no row
slips past), `client` (one request), `auth` (the login), `gate` (whose turn it is), `normalize`
(rows to events), `streams` (what there is to read). `fake` is an API to test against.
"""

from __future__ import annotations

from bridge.inputs.cylance.options import CylanceConfig
from bridge.inputs.cylance.poller import CylanceInput

__all__ = ["CylanceConfig", "CylanceInput"]
