"""Events as they happen: Server-Sent Events (WHATWG HTML, 9.2) out of the event log.

A stream is a reader of the log's cursor that asks on by itself, so what holds of pages holds of it:
it misses nothing, and says so when events behind its cursor are no longer kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from time import monotonic

import pydantic_core
from anyio import Event, create_task_group, move_on_after
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from headwater.api.answer import ALWAYS, JSON
from headwater.api.errors import problem
from headwater.catalog import EventPage
from headwater.errors import HeadwaterError
from headwater.store.base import EventRecord

MEDIA = b"text/event-stream"
PAGE = 500
POLL = 0.5
"""Seconds after which the log is read again for what other processes wrote."""
HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent, so that nobody takes the stream for dead."""
LIFE = 600.0
"""Seconds after which a stream ends, and the client comes back."""
_RETRY = b"retry: 1000\n\n"

Ask = Callable[[int], Awaitable[EventPage]]
"""Reads the page behind a cursor."""


class Streams:
    """What all streams of an application listen to. Used by one event loop.

    Attributes:
        follow: Whether streams wait for what comes; otherwise they end with what there is.
        ended: The server shuts down.
    """

    def __init__(self, *, follow: bool = True) -> None:
        self.follow = follow
        self.ended = False
        self._turn: Event | None = None

    def turn(self) -> Event:
        """What is set when something is written from now on."""
        if self._turn is None:
            self._turn = Event()
        return self._turn

    def wake(self) -> None:
        """Let streams look at once: this process has written."""
        if self._turn is not None:
            self._turn.set()
            self._turn = None

    def end(self) -> None:
        """Let every stream end, so that the server can."""
        self.ended = True
        self.wake()


@dataclass(slots=True)
class _Cursor:
    """How far a stream is."""

    page: EventPage
    turn: Event
    told: int
    """The last event number that the client was told."""
    silent_since: float


class EventStream(Response):
    """The answer that goes on.

    Args:
        streams: Tells of writes, and of the end.
        ask: Reads the log, with the stream's filters.
        first: The first page, read before anything is answered: what is wrong has its status.
        turn: Taken before the first page was read.
    """

    def __init__(self, streams: Streams, ask: Ask, first: EventPage, turn: Event) -> None:
        self.status_code = 200
        self.background = None
        self.raw_headers = [
            (b"content-type", MEDIA),
            (b"x-accel-buffering", b"no"),  # for proxies that would hold it back
            *ALWAYS,
        ]
        self._streams = streams
        self._ask = ask
        self._first = first
        self._turn = turn

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client goes, the server ends, or the stream is old enough."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        if scope["method"] != "HEAD":
            async with create_task_group() as tasks:

                async def until_gone() -> None:
                    while (await receive())["type"] != "http.disconnect":
                        pass
                    tasks.cancel_scope.cancel()

                tasks.start_soon(until_gone)
                await self._send_events(send)
                tasks.cancel_scope.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_events(self, send: Send) -> None:
        begun = monotonic()
        at = _Cursor(self._first, self._turn, -1, begun)
        await _send(send, _RETRY)
        while True:
            if chunk := self._chunk(at):
                await _send(send, chunk)
            if self._streams.ended or monotonic() - begun > LIFE:
                return
            if not at.page.more:
                if not self._streams.follow:
                    return
                with move_on_after(POLL):
                    await at.turn.wait()
            # Taken before the log is read: what is written meanwhile wakes the next wait.
            at.turn = self._streams.turn()
            try:
                at.page = await self._ask(at.page.after)
            except HeadwaterError as error:
                answer = bytes(problem(error, "GET").body)
                await _send(send, b"event: problem\ndata: " + answer + b"\n\n")
                return

    def _chunk(self, at: _Cursor) -> bytes:
        """What there is to send: events, or after a long silence how far the log was read."""
        now = monotonic()
        if at.page.events:
            at.told, at.silent_since = at.page.events[-1].number, now
            return b"".join(_frames(at.page))
        if now - at.silent_since < HEARTBEAT:
            return b""
        at.silent_since = now
        if at.told == at.page.after:
            return b":\n\n"
        # Without data it is no event, and yet the client goes on from there (9.2.6, "dispatch").
        at.told = at.page.after
        return b"id: %d\n\n" % at.told


def _frames(page: EventPage) -> Iterator[bytes]:
    for record in page.events:
        # A break within JSON text is white space; in a stream it would end the line.
        data = event_json(record).replace("\r", " ").replace("\n", " ")
        yield b"id: %d\ndata: %s\n\n" % (record.number, data.encode())


async def _send(send: Send, chunk: bytes) -> None:
    await send({"type": "http.response.body", "body": chunk, "more_body": True})


def event_json(record: EventRecord) -> str:
    """An event as answers spell it, as JSON text."""
    event = record.event
    fields = {
        "number": record.number,
        "sequence": record.seq,
        "at": record.at,
        "type": event.type,
        "entity": {
            "id": event.entity_id,
            "type": event.kind,
            "fullyQualifiedName": event.fqn,
            "version": event.version,
        },
        "actor": record.actor,
        **({"producer": record.producer} if record.producer else {}),
    }
    # The payload is JSON text already.
    return f'{pydantic_core.to_json(fields).decode()[:-1]},"payload":{event.payload}}}'


def is_asked_for(accept: str) -> bool:
    """Whether an ``Accept`` header asks for a stream rather than for a page."""
    for each in accept.lower().split(","):
        media = each.partition(";")[0].strip().encode()
        if media in (MEDIA, JSON):
            return media == MEDIA
    return False
