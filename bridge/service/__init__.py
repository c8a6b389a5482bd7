"""The running bridge: starts the parts, restarts inputs that fail, reloads, drains and stops.

One process is a `Service`. With `workers` there are several: a `Fleet` is their parent, which sees
each as a `Member`, and a worker knows its `Parent`.
"""

from __future__ import annotations

from bridge.service.service import Service

__all__ = ["Service"]
