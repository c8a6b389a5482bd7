"""Dashboards and saved searches: a view, and the search that it shows."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import ClassVar

from bridge.graylog.client import Graylog, Json
from bridge.graylog.entity import Body, Entity, Kind, trimmed


class Views(Kind):
    """Views of one type; the body of one that shall be has `search` beside the view's own keys."""

    type: ClassVar[str]
    path: ClassVar[str]

    async def load(self, graylog: Graylog) -> list[Entity]:
        return [
            Entity(self, each["title"], each, each["description"] or "", each["id"])
            for each in await graylog.pages(self.path, "elements")
        ]

    async def whole(self, graylog: Graylog, entity: Entity) -> Entity:
        return replace(entity, body=await graylog.get(f"/views/{entity.id}"))

    def content(self, body: Body) -> Json:
        return {
            "summary": body["summary"],
            "pages": [_page(body["state"][key]) for key in sorted(body["state"])],
        }

    async def create(self, graylog: Graylog, new: Entity) -> str:
        return str((await graylog.create("/views", await self._with_search(graylog, new)))["id"])

    async def update(self, graylog: Graylog, old: Entity, new: Entity) -> None:
        body = await self._with_search(graylog, new)
        await graylog.put(f"/views/{old.id}", graylog.wrapped(body))

    async def delete(self, graylog: Graylog, old: Entity) -> None:
        await graylog.delete(f"/views/{old.id}")

    async def _with_search(self, graylog: Graylog, new: Entity) -> Body:
        """A view points to a search that is stored before it; Graylog clears away those unused."""
        search = {"id": secrets.token_hex(12), **new.body["search"]}
        await graylog.post("/views/search", search)
        own = {key: value for key, value in new.body.items() if key != "search"}
        named = {"type": self.type, "title": new.name, "description": new.description}
        return own | named | {"search_id": search["id"]}


def _page(state: Json) -> Json:
    """One page, whatever order the server gives to its widgets."""
    kept: Body = trimmed(state)
    widgets = sorted(map(_widget, kept.get("widgets", [])), key=lambda each: str(each["id"]))
    return kept | {"widgets": widgets}


def _widget(widget: Body) -> Body:
    """A widget without the limits that the server takes from its pivots and says again."""
    derived = ("row_limit", "column_limit")
    config = {key: value for key, value in widget["config"].items() if key not in derived}
    return widget | {"config": config}


class Dashboards(Views):
    """Dashboards; titles are not unique."""

    word = "dashboard"
    rights = "dashboards"
    type = "DASHBOARD"
    path = "/dashboards"

    def right(self, verb: str) -> str:
        return super().right("edit" if verb == "delete" else verb)


class Searches(Views):
    """Saved searches; titles are not unique."""

    word = "saved search"
    rights = "view"
    type = "SEARCH"
    path = "/search/saved"


DASHBOARDS = Dashboards()
SEARCHES = Searches()
