"""One path of the API: which methods it takes, and how work is kept off the event loop."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from anyio import fail_after, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from headwater.api.body import parse, read
from headwater.api.errors import malformed, method_not_allowed, problem
from headwater.api.query import Query
from headwater.api.stream import Streams
from headwater.catalog import CatalogService, EventService, SearchService, TokenService
from headwater.catalog.record import RecordService
from headwater.errors import StoreError
from headwater.lineage import LineageService
from headwater.settings import Settings
from headwater.store.base import Store

T = TypeVar("T")
_THREADS = 40  # as many as anyio has
Handler = Callable[[Request], Awaitable[Response]]


class Resource:
    """An ASGI application for one path.

    FastAPI's own routes would solve dependencies and serialise anew for every request, which costs
    more than the rest of a read.

    Args:
        handlers: By method; ``GET`` answers ``HEAD`` too, whose body the server leaves out.
    """

    def __init__(self, **handlers: Handler) -> None:
        if "GET" in handlers:
            handlers["HEAD"] = handlers["GET"]
        self.methods = tuple(sorted(handlers))
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever goes wrong is answered as a problem."""
        method = scope["method"]
        handler = self._handlers.get(method)
        try:
            if handler is None:
                raise method_not_allowed(method, ", ".join(self.methods))
            answer = await handler(Request(scope, receive))
        except Exception as error:  # noqa: BLE001  (nothing is swallowed: it is answered, or logged)
            answer = problem(error, method)
        await answer(scope, receive, send)


def _threads() -> Executor:
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="headwater")


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes speak to.

    Attributes:
        threads: Where a local store is written, and read at length; whoever serves ends them.
        closing: What is awaited when the event loop ends.
    """

    catalog: CatalogService
    lineage: LineageService
    search: SearchService
    events: EventService
    records: RecordService
    store: Store
    settings: Settings
    tokens: TokenService
    streams: Streams = field(default_factory=Streams)
    threads: Executor = field(default_factory=_threads)
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    async def close(self) -> None:
        """Release what the event loop holds."""
        for each in self.closing:
            await each()

    async def read(self, call: Callable[[], T]) -> T:
        """Run a short read: at once where the store answers in microseconds, else in a thread."""
        return call() if self.store.local else await self.long_read(call)

    async def long_read(self, call: Callable[[], T]) -> T:
        """Run a read that may take its time, in a thread, so that others need not wait for it."""
        return await self._in_thread(call, self.settings.read_timeout)

    async def write(self, request: Request, call: Callable[[Any], T]) -> T:
        """Read the request's JSON body and give it to a write, both in a thread."""
        raw = await read(request.receive)
        nesting = self.settings.max_nesting
        return await self.act(lambda: call(parse(raw, max_nesting=nesting)))

    async def act_without_body(self, request: Request, query: Query, call: Callable[[], T]) -> T:
        """Run a write that takes no body.

        Raises:
            RequestError: Status 400: there is one that says something.
        """
        if (raw := await read(request.receive)).strip() not in (b"", b"{}"):
            parse(raw, max_nesting=self.settings.max_nesting)
            takes = f"; it has query parameters: {', '.join(query.known)}" if query.known else ""
            raise malformed(f"this operation takes no body{takes}")
        return await self.act(call)

    async def act(self, call: Callable[[], T]) -> T:
        """Run a write that needs no body."""
        done = await self._in_thread(
            call, self.settings.write_timeout, " Whether the write was made is not known."
        )
        self.streams.wake()
        return done

    async def _in_thread(self, call: Callable[[], T], seconds: float, beside: str = "") -> T:
        """Run a call in a thread, and wait for a remote store no longer than it is given.

        Raises:
            StoreError: It did not answer in time; the call goes on, and its answer is dropped.
        """
        if self.store.local:  # anyio's way there and back would take half as long again
            return await get_running_loop().run_in_executor(self.threads, call)
        try:
            with fail_after(seconds):
                return await to_thread.run_sync(call, abandon_on_cancel=True)
        except TimeoutError as error:
            message = f"the store did not answer within {seconds:g} s.{beside}"
            raise StoreError(message) from error
