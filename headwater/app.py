"""The application: the only place that puts store, services and API together.

Importing it offers the application to ``Headwater.open``, which works in process.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import httpx
import uvicorn
from fastapi import FastAPI
from typing_extensions import override

from headwater.api import Services, Streams, build_api, is_loopback
from headwater.api.openapi import openapi_document
from headwater.catalog import Actor, CatalogService, EventService, SearchService, TokenService
from headwater.catalog.archive import export_catalog
from headwater.catalog.record import RecordService
from headwater.catalog.sign_in import is_on
from headwater.errors import ClientError, HeadwaterError, InvalidInputError
from headwater.lineage import LineageService, derive
from headwater.names import quote
from headwater.schemas import use_folder
from headwater.sdk import register_in_process
from headwater.settings import Settings
from headwater.store import Store, open_store
from headwater.version import __version__

_log = logging.getLogger("headwater.app")

_DAY = 86_400  # seconds
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Options of ``mallopt``, in bytes, by glibc's ``malloc.h``."""
_SELF = Actor("headwater", "bot", "headwater")


def create_app(store: Store, settings: Settings | None = None) -> FastAPI:
    """Return the application over an open store, which stays the caller's to close.

    It asks for tokens once there were any.

    Raises:
        InvalidInputError: The organisation's own schemas cannot be used.
    """
    return build_api(create_services(store, settings or Settings()))


def create_services(store: Store, settings: Settings, *, follow: bool = True) -> Services:
    """Return what the routes speak to.

    Args:
        follow: Let streams of events wait for what comes.

    Raises:
        InvalidInputError: The organisation's own schemas cannot be used.
    """
    _use_schemas(settings)
    catalog = CatalogService(store, derive=derive)
    catalog.ensure_built_in()
    if settings.mlflow_alias != "none":
        service = quote(settings.mlflow_service)
        catalog.model_versions.champion = service, settings.mlflow_alias
    return Services(
        catalog=catalog,
        lineage=LineageService(store),
        search=SearchService(store),
        events=EventService(store),
        records=RecordService(store, catalog),
        store=store,
        settings=settings,
        tokens=TokenService(store, catalog),
        streams=Streams(follow=follow),
    )


def _use_schemas(settings: Settings) -> None:
    """Use the organisation's own schemas; without any, those that are in use stay."""
    if settings.schemas:
        use_folder(settings.schemas)
        try:
            openapi_document()  # refuses names that the API has itself
        except InvalidInputError:
            use_folder(None)
            raise


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def serve(settings: Settings, *, announce: Callable[[str], None] = _print) -> None:
    """Serve until interrupted.

    Args:
        settings: Where to listen, and the store.
        announce: Told one line with the address, once connections are taken.

    Raises:
        InvalidInputError: Others can reach the host and sign-in is off, the address is not free, or
            the organisation's own schemas cannot be used.
        StoreError: The store cannot be opened.
    """
    _use_schemas(settings)  # before the store is opened, which may index by kind
    _keep_memory()
    if not is_loopback(settings.host):
        _check_sign_in(settings)
    with closing(_listen(settings)) as listener, closing(_open(settings.store)) as store:
        services = create_services(store, settings)
        config = uvicorn.Config(
            build_api(services),
            access_log=False,
            lifespan="off",
            log_level="warning",
            # Without tokens what came through a proxy is refused: nothing may hide that it did.
            proxy_headers=False,
            server_header=False,
            # Longer than clients keep idle connections: none meets one that just closed.
            timeout_keep_alive=75,
            timeout_graceful_shutdown=5,
            ws="none",
        )
        server = _Server(config, services)
        with services.threads, _interruptible(server), _trimmed_daily(store, settings):
            announce(f"Headwater {__version__} serves at {_address(settings.host, listener)}")
            server.run(sockets=[listener])


def _keep_memory() -> None:
    """Keep the memory of large answers for the next ones, where the C library is glibc.

    It may hand a freed block back at once, by chance of where that lies: then the system clears one
    for each page of a list anew, which takes as long as half of the page.
    """
    with suppress(AttributeError, OSError, TypeError):  # other C libraries have no such option
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_TRIM_THRESHOLD, 64 << 20)
        mallopt(_MMAP_THRESHOLD, 32 << 20)


class _Server(uvicorn.Server):
    """Ends streams before it waits for what is still being answered, and the rest after that."""

    def __init__(self, config: uvicorn.Config, services: Services) -> None:
        super().__init__(config)
        self._services = services

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._services.streams.end()
        await super().shutdown(sockets)
        await self._services.close()


@contextmanager
def _trimmed_daily(store: Store, settings: Settings) -> Iterator[None]:
    """Drop events that the settings no longer keep, now and every day, beside what is done."""
    if settings.events_keep_days is None:
        yield
        return
    kept, ended = settings.events_keep_days * _DAY * 1000, threading.Event()

    def trim() -> None:
        while not ended.is_set():
            try:
                EventService(store).trim(actor=_SELF, older_than_ms=kept)
            except HeadwaterError as error:  # tomorrow is another day
                _log.warning("old events were not dropped: %s", error.message)
            ended.wait(_DAY)

    thread = threading.Thread(target=trim, name="headwater-trim")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _open(url: str) -> Store:
    """Open the store of a server; one of an older layout that has no file is saved first."""
    return open_store(url, back_up=_save)


def _save(store: Store) -> None:
    file = Path(f"headwater-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.ndjson.gz")
    export_catalog(store, file)
    # Not where the address is announced: whoever waits for that reads the first line.
    sys.stderr.write(f"Headwater saved the store to {file}, before it changes its layout\n")


@contextmanager
def _interruptible(server: uvicorn.Server) -> Iterator[None]:
    """Let both usual signals end a server quietly, so that what follows still runs.

    Uvicorn shuts down at them and then raises them again, which would end the process at once; and
    those that come before it listens to them are remembered. An exception would be lost where it
    is raised while something is being finalized.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    if threading.current_thread() is not threading.main_thread():  # no other may set handlers
        yield
        return
    before = {each: signal.signal(each, end) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _check_sign_in(settings: Settings) -> None:
    """Check that strangers would be asked for a token."""
    with closing(_open(settings.store)) as store:
        if not is_on(store):
            raise InvalidInputError(
                f"{settings.host!r} can be reached from other machines, and whoever does could"
                " change everything: sign-in is off. Make the first token, with `headwater token"
                " create NAME --role admin --store URL`, or listen on 127.0.0.1"
            )


def _listen(settings: Settings) -> socket.socket:
    host, port = settings.host, settings.port
    host = host.removeprefix("[").removesuffix("]")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        if sys.platform != "win32":  # there it would share the port with whoever has it
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise InvalidInputError(
                f"port {port} of {host} is taken, perhaps by another Headwater; choose one with"
                " --port or HEADWATER_PORT"
            ) from error
        raise InvalidInputError(f"cannot listen on {host} port {port}: {error.strerror}") from error
    return listener


def _address(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    return f"http://[{host.strip('[]')}]:{port}" if ":" in host else f"http://{host}:{port}"


class InProcessTransport(httpx.BaseTransport):
    """Answers requests by the application itself, on an event loop in a thread of its own.

    The loop is its own so that it works wherever the caller runs: in a script, in a thread, or
    inside a notebook's running loop. Safe to use from many threads at once.

    Args:
        store: Closed when the transport is.
        settings: How to answer.
        sign_in: Ask for tokens as a server does. Otherwise the caller, who has opened the store
            and may do everything to it, is the local person.
    """

    def __init__(
        self, store: Store, settings: Settings | None = None, *, sign_in: bool = False
    ) -> None:
        self._store = store
        # A whole answer is read at once, so that of a stream must end.
        services = create_services(store, settings or Settings(), follow=False)
        app = build_api(services, sign_in=sign_in)
        self._services = services
        self._inner = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._lock = threading.Lock()  # no request may be handed to a loop that is ending
        self._thread = threading.Thread(target=self._run, name="headwater", daemon=True)
        self._thread.start()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; the whole answer is read when this returns."""
        request.read()
        with self._lock:
            if self._closing.is_set():
                raise ClientError("this client is closed")
            answer = asyncio.run_coroutine_threadsafe(self._answer(request), self._loop)
        return answer.result()

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        content = await response.aread()
        return httpx.Response(response.status_code, headers=response.headers, content=content)

    def close(self) -> None:
        """Let running requests end, then close the store. Closing twice is allowed."""
        with self._lock:
            if self._closing.is_set():
                return
            self._loop.call_soon_threadsafe(self._closing.set)
            self._thread.join()
        self._services.threads.shutdown()
        self._store.close()

    def _run(self) -> None:
        # One task for the loop's whole life: anyio, which asks remote stores, keeps its worker
        # threads for as long as the loop's main task.
        self._loop.run_until_complete(self._until_closed())
        self._loop.close()

    async def _until_closed(self) -> None:
        await self._closing.wait()
        running = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*running, return_exceptions=True)
        await self._services.close()


def in_process_transport(url: str) -> httpx.BaseTransport:
    """Open a store and return a transport that answers as a server of it would.

    Raises:
        InvalidInputError: The environment's settings, or the schemas they name, cannot be used.
        StoreError: The store cannot be opened.
    """
    settings = Settings.from_env(store=url)
    _use_schemas(settings)
    store = open_store(url)
    try:
        return InProcessTransport(store, settings)
    except BaseException:
        store.close()
        raise


register_in_process(in_process_transport)
