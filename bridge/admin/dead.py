"""Dead letters: what an output would never take, and what shall become of it.

The functions work on a spool and a query, so that the command `dead` can call them itself when no
bridge is running.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from bridge.admin.server import Admin, Answer
from bridge.admin.snapshot import Running
from bridge.httpd import Refusal, Request, Response, as_json
from bridge.spool import Spool

PAGE: Final = 500

Query = Mapping[str, str]


async def letters(spool: Spool, query: Query) -> list[dict[str, Any]]:
    """Up to `limit` (at most 500) letters after the id `after`, of one `output` or of all."""
    limit = min(number(query, "limit", PAGE), PAGE)
    after = number(query, "after", 0)
    found = await spool.dead_letters(query.get("output"), after, limit)
    return [asdict(letter) for letter in found]


async def letter(spool: Spool, query: Query) -> dict[str, Any]:
    """One letter by its `id`, with its `document` as text."""
    wanted = number(query, "id", 0)
    found = await spool.dead_letters(None, wanted - 1, 1)
    document = await spool.document(wanted)
    if document is None or not found:
        raise Refusal(404, f"there is no dead letter {wanted}")
    return {**asdict(found[0]), "document": document.decode("utf-8", "replace")}


async def retry(spool: Spool, query: Query) -> dict[str, int]:
    """Spool letters again, for the output that had buried them."""
    return {"count": sum([await spool.retry_dead(ids) async for ids in chosen(spool, query)])}


async def drop(spool: Spool, query: Query) -> dict[str, int]:
    """Forget letters for ever."""
    return {"count": sum([await spool.delete_dead(ids) async for ids in chosen(spool, query)])}


async def chosen(spool: Spool, query: Query) -> AsyncIterator[list[int]]:
    """The ids in `ids` (joined by commas), or page by page those of `output`, or of all."""
    if "ids" in query:
        try:
            yield [int(one) for one in query["ids"].split(",")]
        except ValueError:
            raise Refusal(400, "ids are numbers, joined by commas") from None
        return
    if not query.get("output") and query.get("all") != "yes":
        raise Refusal(400, "say which: ids, output or all=yes")
    page = await spool.dead_letters(query.get("output"), 0, PAGE)
    while page:
        yield [one.id for one in page]
        page = await spool.dead_letters(query.get("output"), page[-1].id, PAGE)


def number(query: Query, name: str, default: int) -> int:
    """A number in a query; raises Refusal."""
    value = query.get(name, str(default))
    if not value.isdecimal() or len(value) > 15:
        raise Refusal(400, f"{name} must be a number")
    return int(value)


def over_http(work: Callable[[Spool, Query], Awaitable[Any]]) -> Answer:
    """One of these functions as an answer of the admin server."""

    async def answer(admin: Admin[Running], request: Request) -> Response:
        return as_json(await work(admin.running.spool, request.query))

    return answer


WORK: Final = {
    ("GET", "/dead"): letters,
    ("GET", "/dead/letter"): letter,
    ("POST", "/dead/retry"): retry,
    ("POST", "/dead/drop"): drop,
}
