"""The running bridge: starts the parts, restarts inputs that fail, reloads, drains and stops."""

from __future__ import annotations

from bridge.service.service import Service

__all__ = ["Service"]
