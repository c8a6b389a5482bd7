"""The dead letters of several files, asked for as if they were in one.

Each worker has ids of its own, so an id says which file it is in, whatever `workers` is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from bridge.admin.dead import PAGE, Query, number
from bridge.httpd import Refusal
from bridge.spool.schema import LETTERS

Ask = Callable[[str, str, Query], Awaitable[Any]]
"""Method, path and query for one file → what `bridge.admin.dead` answers."""
Asks = Mapping[int, Ask]
"""By worker."""


async def letters(asks: Asks, query: Query) -> list[dict[str, Any]]:
    """As `dead.letters`: those of worker 0 first."""
    limit = min(number(query, "limit", PAGE), PAGE)
    found: list[dict[str, Any]] = []
    for worker in sorted(asks):
        if len(found) < limit:
            rest = {**query, "limit": str(limit - len(found))}
            found += await asks[worker]("GET", "/dead", rest)
    return found


async def letter(asks: Asks, query: Query) -> dict[str, Any]:
    """As `dead.letter`."""
    wanted = number(query, "id", 0)
    if wanted // LETTERS not in asks:
        raise Refusal(404, f"there is no dead letter {wanted}")
    found: dict[str, Any] = await asks[wanted // LETTERS]("GET", "/dead/letter", query)
    return found


async def retry(asks: Asks, query: Query) -> dict[str, int]:
    """As `dead.retry`."""
    return await _changed(asks, "/dead/retry", query)


async def drop(asks: Asks, query: Query) -> dict[str, int]:
    """As `dead.drop`."""
    return await _changed(asks, "/dead/drop", query)


async def _changed(asks: Asks, path: str, query: Query) -> dict[str, int]:
    queries = dict.fromkeys(sorted(asks), query)
    if "ids" in query:
        queries = {worker: {"ids": ids} for worker, ids in _by_file(query["ids"]).items()}
    answers = [await asks[one]("POST", path, queries[one]) for one in queries if one in asks]
    return {"count": sum(one["count"] for one in answers)}


def _by_file(ids: str) -> dict[int, str]:
    """The ids of each worker, joined by commas again."""
    found: dict[int, list[str]] = {}
    try:
        for one in ids.split(","):
            found.setdefault(int(one) // LETTERS, []).append(one)
    except ValueError:
        raise Refusal(400, "ids are numbers, joined by commas") from None
    return {worker: ",".join(own) for worker, own in found.items()}


WORK: Final = {
    ("GET", "/dead"): letters,
    ("GET", "/dead/letter"): letter,
    ("POST", "/dead/retry"): retry,
    ("POST", "/dead/drop"): drop,
}
