"""Reading the log of events: up to now, or on and on."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal, Self

from headwater.errors import ClientError, InvalidInputError, StoreError
from headwater.sdk.address import KindLike
from headwater.sdk.problem import error_of
from headwater.sdk.session import Session
from headwater.sdk.wire import Stream, Wire

Event = dict[str, Any]

_PAGE = 500
_AGAIN = 0.25  # seconds until a stream is asked for that had ended well
_LOST = 1.0  # seconds until one is that was lost; doubles with each failure
_LONGEST = 30.0


class Events(Iterator[Event]):
    """Events, oldest first; a context manager, too.

    Attributes:
        cursor: The number to go on from, as ``after`` of a later call. It counts what the loop was
            given already: keep it when an event has been dealt with, and none is missed.
    """

    def __init__(
        self,
        wire: Wire,
        filters: Mapping[str, Any],
        *,
        after: int | str,
        follow: bool,
        limit: int | None,
    ) -> None:
        try:
            self.cursor = int(after)
        except ValueError:
            raise InvalidInputError(f"after is the number of an event, not {after!r}") from None
        self._wire = wire
        self._filters = filters
        self._follow = follow
        self._left = limit
        self._closed = threading.Event()
        self._stream: Stream | None = None
        self._source = self._read()

    def __next__(self) -> Event:
        if self._left == 0:
            self.close()
        event = next(self._source)
        if self._left is not None:
            self._left -= 1
        self.cursor = event["number"]
        return event

    def close(self) -> None:
        """End it, from this thread or another one; closing twice is allowed."""
        self._closed.set()
        with suppress(ValueError):  # another thread waits in it, whose connection ends
            self._source.close()
        if self._stream is not None:
            self._stream.interrupt()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Events after {self.cursor}>"

    def _read(self) -> Generator[Event]:
        yield from self._behind()
        pause = _AGAIN
        while self._follow and not self._closed.wait(pause):
            try:
                yield from self._streamed()
                pause = _AGAIN
            except (ClientError, StoreError) as error:
                if self._closed.is_set():
                    return
                if self._wire.is_closed or error.details.get("status", 500) < 500:
                    raise
                pause = _LOST if pause == _AGAIN else min(2 * pause, _LONGEST)

    def _behind(self) -> Iterator[Event]:
        """What there is already, page by page; wrong filters are refused here."""
        more = True
        while more and not self._closed.is_set():
            limit = _PAGE if self._left is None else max(1, min(self._left, _PAGE))
            params = {**self._filters, "after": self.cursor, "limit": limit}
            answer = self._wire.send("GET", "/events", params=params).data
            yield from answer["data"]
            self.cursor = int(answer["paging"]["after"])
            more = answer["paging"]["more"]

    def _streamed(self) -> Iterator[Event]:
        """What one connection brings."""
        params = {**self._filters, "after": self.cursor}
        with self._wire.stream("/events", params=params) as self._stream:
            if self._closed.is_set():  # while it was asked for
                return
            for number, name, data in _frames(self._stream):
                if name == "problem":
                    raise error_of(500, data) or ClientError("the server ended the events")
                if data is not None:
                    yield data
                if number is not None:
                    self.cursor = number  # of what the filters held back, too


class EventCalls(Session):
    """Reading events; see ``Headwater``."""

    def events(
        self,
        *,
        after: int | str = 0,
        kinds: KindLike | Sequence[KindLike] | None = None,
        types: str | Sequence[str] | None = None,
        major: bool = False,
        follow: bool = False,
        limit: int | None = None,
    ) -> Events:
        """Iterate over what happened, oldest first: up to now, or as it happens.

        Args:
            after: Number of the last event that is known already: the ``cursor`` of what a call
                returned.
            kinds: Only events of entities of these kinds.
            types: Only events of these types, such as ``entityUpdated``.
            major: Only events of major versions.
            follow: Wait for more at the end, until ``close``; lost connections are made anew, and
                nothing is missed or told twice.
            limit: The most to return; None for all.

        Raises:
            EventsGoneError: The server no longer keeps what came next. Start with 0, and read what
                changed from the entities.

        Example:
            >>> with hw.events(after=cursor, kinds=Table, major=True, follow=True) as events:
            ...     for event in events:
            ...         warn(event["entity"]["fullyQualifiedName"])
            ...         save(events.cursor)
        """
        asked = [kinds] if isinstance(kinds, (str, type)) else list(kinds or ())
        filters = {
            "kind": [self._kind(each).name for each in asked],
            "type": [types] if isinstance(types, str) else list(types or ()),
            "major": "true" if major else None,
        }
        return Events(self._wire, filters, after=after, follow=follow, limit=limit)


_Frame = tuple[int | None, Literal["problem", ""], Any]


def _frames(chunks: Iterable[bytes]) -> Iterator[_Frame]:
    """Cut a stream of Server-Sent Events (WHATWG HTML, 9.2) into number, name and data."""
    number: int | None = None
    name: Literal["problem", ""] = ""
    data: list[bytes] = []
    for line in _lines(chunks):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"id":
            number = int(value)
        elif field == b"event" and value == b"problem":
            name = "problem"
        elif field == b"data":
            data.append(value)
        elif not line:
            if data or number is not None:
                yield number, name, json.loads(b"\n".join(data)) if data else None
            number, name, data = None, "", []


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines, which feeds alone end: text may hold what Unicode calls a line's end."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r")
