"""The input `cylance`: walks the lists of the API and makes an event of every row.

`client` asks, `walk` sees to it that no row slips past, `normalize` makes events, the base class
keeps the positions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Final

from bridge.errors import BridgeError, Denied, Retryable
from bridge.event import Event
from bridge.inputs import Context, Deviation, InputConfig
from bridge.inputs.cylance.client import Access, Client
from bridge.inputs.cylance.kinds import KINDS
from bridge.inputs.cylance.lists import Lists
from bridge.inputs.cylance.names import Names
from bridge.inputs.cylance.normalize import Item, guid, merged, normalize, sighting
from bridge.inputs.cylance.options import CylanceConfig
from bridge.inputs.cylance.streams import (
    DEVICES,
    SIGHTINGS,
    STREAMS,
    THREAT_DEVICES,
    Stream,
    content,
    identity,
    key,
    stamps,
    uid,
)
from bridge.inputs.cylance.walk import Walk
from bridge.inputs.poller import Page, Poller

PORTION: Final = 20
"""So many rows with details make a page."""
DAY: Final = 86_400.0
REFRESHES: Final = 8
"""How often within a look back a threat is asked again for late sightings."""
MAX_REMEMBERED: Final = 200_000
DEVIATIONS: Final = {
    "details_missing": Deviation(
        "gave no details of an event that it lists",
        "Three attempts failed, the details are gone, or the application lacks the right to read "
        "them (then the log names it). The event has what the list says; `details: false` asks "
        "for no details at all.",
    ),
    "rows_without_id": Deviation(
        "lists rows without an id",
        "Such a row is known by everything in it, so it becomes another event when it changes.",
    ),
}


class CylanceInput(Poller):
    """The Cylance User API in, events out."""

    Config: ClassVar[type[InputConfig]] = CylanceConfig
    kinds: ClassVar[Mapping[str, str]] = KINDS
    deviations: ClassVar[Mapping[str, Deviation]] = DEVIATIONS

    config: CylanceConfig

    def __init__(self, config: Any, context: Context) -> None:
        super().__init__(config, context)
        self.streams = self.config.streams
        self.account = guid(self.config.tenant_id)
        self._names = Names(context.kinds)
        self._asked: dict[tuple[str, float], float] = {}
        self._client: Client
        self._lists: Lists

    async def open(self) -> None:
        config = self.config
        access = Access(config.address, config.tenant_id, config.app_id, config.app_secret)
        self._client = Client(access, config, self.context.clock)
        self._lists = Lists(self._client, self.context, self)

    async def close(self) -> None:
        await self._client.aclose()

    async def now(self) -> float:
        await self.patiently("login", partial(self._client.logged_in, self._lists.login_failed))
        return self._client.now()

    def interval(self, stream: str) -> float:
        is_inventory = stream == DEVICES.name
        return self.config.inventory_interval_seconds if is_inventory else super().interval(stream)

    @property
    def history(self) -> Sequence[str]:
        return [name for name in self.streams if STREAMS[name].since]

    def pages(
        self, stream: str, since: float, until: float | None = None, *, oldest: float = 0.0
    ) -> AsyncIterator[Page]:
        if stream == DEVICES.name:
            return self._inventory()
        if stream == THREAT_DEVICES.name:
            return self._sightings(since, oldest)
        return self._rows(STREAMS[stream], since, until, oldest)

    # The kinds of walks

    async def _rows(
        self, stream: Stream, since: float, until: float | None, oldest: float
    ) -> AsyncIterator[Page]:
        """A list of which every row is an event."""
        async for found in self._walk(stream).between(since, until):
            items = [item for item in found.items if _is_recent(stream, item, oldest)]
            size = PORTION if stream.detail and self.config.details else len(items)
            portions = [items[start : start + size] for start in range(0, len(items), size or 1)]
            for portion in portions[:-1]:
                yield Page(await self._events(stream, portion))
            last = portions[-1] if portions else []
            yield Page(await self._events(stream, last), found.reached)

    async def _sightings(self, since: float, oldest: float) -> AsyncIterator[Page]:
        """A list of threats; each leads to the list of where it was found.

        It is walked to its end: a threat that was found again stands later in it.
        """
        async for found in self._walk(THREAT_DEVICES).between(since, None):
            for threat in found.items:
                question = (identity(self.account, THREAT_DEVICES, threat), oldest)
                if self._is_answered(question) or not key(THREAT_DEVICES, threat):
                    continue
                async for rows in self._walk(SIGHTINGS, threat).everything():
                    recent = [row for row in rows if _is_recent(SIGHTINGS, row, oldest)]
                    items = [sighting(threat, row) for row in recent]
                    yield Page(await self._events(SIGHTINGS, items))
                self._asked[question] = self.context.clock.monotonic()
            yield Page((), found.reached)

    async def _inventory(self) -> AsyncIterator[Page]:
        """All devices; those are events that changed since the last complete walk."""
        state = await self.state(DEVICES.name) or {"walks": 0, "known": {}}
        known: dict[str, str] = {}
        async for items in self._walk(DEVICES).everything():
            changed: dict[str, Item] = {}
            for item in items:
                name, now = key(DEVICES, item) or content(item), content(item)[:12]
                if state["known"].get(name) != now:
                    walk = str(state["walks"])
                    changed[uid(self.account, DEVICES.kind, name, now, walk)] = item
                known[name] = now
            yield Page(await self._events(DEVICES, [*changed.values()], [*changed]))
        yield Page((), self._client.now(), {"walks": state["walks"] + 1, "known": known})

    def _walk(self, stream: Stream, row: Item | None = None) -> Walk:
        return self._lists.walk(stream, self.config.overlap_seconds, row)

    def _is_answered(self, question: tuple[str, float]) -> bool:
        """Whether the sightings of a threat were asked for a short while ago."""
        if len(self._asked) > MAX_REMEMBERED:
            self._asked.clear()
        age = self.context.clock.monotonic() - self._asked.get(question, float("-inf"))
        return age < self.config.look_back_seconds / REFRESHES

    # From rows to events

    async def _events(
        self, stream: Stream, items: Sequence[Item], uids: Sequence[str] | None = None
    ) -> list[Event]:
        """The events of some rows; details are asked for where they are not in the spool yet."""
        uids = uids or [identity(self.account, stream, item) for item in items]
        asks = bool(stream.detail and self.config.details and items)
        unseen = await self.context.unseen(uids) if asks else set()
        return [
            await self._event(stream, item, uid, uid in unseen)
            for item, uid in zip(items, uids, strict=True)
        ]

    async def _event(self, stream: Stream, item: Item, uid: str, asks: bool) -> Event:
        detail = await self._lists.detail(stream, item) if asks else {}
        event = normalize(
            stream.kind,
            merged(item, detail) if detail else item,
            now=self._client.now(),
            tenant_id=self.account,
            sender=self._client.host,
            admit=self._names.admit,
        )
        event["event_uid"] = uid
        if detail is None:
            event["bridge_flags"] = "details_missing"
            self.context.count("details_missing", label=self._client.host)
        if not key(stream, item):
            self.context.count("rows_without_id", label=self._client.host)
        return event

    # Trying it

    async def check(self) -> None:
        """Log in and read one row of each stream; raises BridgeError with everything amiss."""
        self._gives_up_at = self.context.clock.monotonic()
        async with self.opened():
            await self._client.login()
            amiss: dict[str, None] = {}
            for name in self.streams:
                try:
                    await self._try(STREAMS[name])
                except (Denied, Retryable) as error:
                    amiss[str(error)] = None
            if amiss:
                raise BridgeError("; ".join(amiss))

    async def _try(self, stream: Stream) -> None:
        """Read one row and, where we would, what it leads to."""
        rows = (await self._lists.page(stream, 1, size=1)).items
        if rows and stream is THREAT_DEVICES:
            await self._lists.page(SIGHTINGS, 1, row=rows[0], size=1)
        elif rows and stream.detail and self.config.details:
            await self._lists.ask_detail(stream, rows[0])


def _is_recent(stream: Stream, item: Item, oldest: float) -> bool:
    """Whether a row belongs to what was asked for; in doubt it does.

    A list that takes bounds is trusted: only a server that ignores them shows rows of long ago.
    """
    newest = max(stamps(stream, item), default=oldest)
    return newest >= (oldest - DAY if stream.since else oldest)
