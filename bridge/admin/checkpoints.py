"""Where the streams of pollers go on, and letting go of that.

The functions work on a spool and a query, so that the command `checkpoint` can call them itself
when no bridge is running.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from bridge.errors import SpoolError
from bridge.httpd import Refusal
from bridge.spool import Spool

Query = Mapping[str, str]


async def checkpoints(spool: Spool, query: Query) -> list[dict[str, Any]]:
    """All checkpoints, or those of one `input`; a long `state` is only measured."""
    found = [asdict(one) for one in await spool.checkpoints()]
    return [
        one | {"value": _shortened(one["value"])}
        for one in found
        if query.get("input") in (None, one["input"])
    ]


async def reset(spool: Spool, query: Query) -> dict[str, int]:
    """Forget where an `input` goes on, in one `stream` or in all."""
    if not query.get("input"):
        raise Refusal(400, "say which: input")
    return {"count": await spool.delete_checkpoints(query["input"], query.get("stream"))}


async def move(spool: Spool, query: Query) -> dict[str, int]:
    """Give checkpoints and seen keys of the input `old` to the input `new`."""
    old, new = query.get("old"), query.get("new")
    if not old or not new:
        raise Refusal(400, "say which: old and new")
    try:
        return {"count": await spool.move(old, new)}
    except SpoolError as error:
        raise Refusal(409, str(error)) from None


def _shortened(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(state := value.get("state"), dict):
        return value | {"state": {name: _size(one) for name, one in state.items()}}
    return value


def _size(value: Any) -> Any:
    return f"{len(value)} entries" if isinstance(value, (dict, list)) else value


WORK: Final = {
    ("GET", "/checkpoints"): checkpoints,
    ("POST", "/checkpoints/reset"): reset,
    ("POST", "/checkpoints/move"): move,
}
