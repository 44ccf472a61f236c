"""What happened: page by page, or as it happens."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from headwater.api.answer import page
from headwater.api.auth import still_admitted
from headwater.api.errors import malformed
from headwater.api.query import MAX_LIMIT, Query, whole_number
from headwater.api.resource import Resource, Services
from headwater.api.stream import PAGE, EventStream, event_json, is_asked_for
from headwater.catalog import EventPage


def event_resources(services: Services) -> dict[str, Resource]:
    """Resources by path, below the API's base."""
    return {"/events": Resource(GET=_Routes(services).events)}


class _Routes:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def events(self, request: Request) -> Response:
        query = Query(request.scope, ("after", "limit", "major"), ("kind", "type"))
        after = _resumed(request, query.number("after", 0))
        limit = query.number("limit", 100, low=1, high=MAX_LIMIT)
        ask = partial(
            self._services.events.page,
            kinds=query.texts("kind"),
            types=query.texts("type"),
            major=query.flag("major"),
        )
        if is_asked_for(request.headers.get("accept", "")):
            if query.text("limit") is not None:
                raise malformed("a stream has no limit; it goes on until the client leaves")
            return await self._stream(request, ask, _resumed(request, after))
        found = await self._services.long_read(lambda: ask(after=after, limit=limit))
        # The cursor is there at the end too: what comes later is asked for behind it.
        paging = {"after": str(found.after), "more": found.more}
        return page(map(event_json, found.events), paging)

    async def _stream(
        self, request: Request, ask: Callable[..., EventPage], after: int
    ) -> Response:
        async def read(after: int) -> EventPage:
            await still_admitted(request)
            return await self._services.long_read(lambda: ask(after=after, limit=PAGE))

        turn = self._services.streams.turn()
        return EventStream(self._services.streams, read, await read(after), turn)


def _resumed(request: Request, after: int) -> int:
    """The cursor to go on from: a client that comes back names the last event that it got."""
    last = request.headers.get("last-event-id")
    return whole_number("Last-Event-ID", last) if last else after
