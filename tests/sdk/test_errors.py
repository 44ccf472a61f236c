"""What goes wrong on the way: each failure is one clear error, and only reads are tried again."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import headwater
from headwater import (
    ClientError,
    ConflictError,
    CreateMlModel,
    Headwater,
    HeadwaterError,
    InvalidInputError,
    MlModel,
    NotFoundError,
    StoreError,
)
from headwater.sdk.problem import error_of

Answer = tuple[int, str, bytes]


@contextmanager
def answering(answer: Callable[[str], Answer | None]) -> Iterator[tuple[str, list[str]]]:
    """A server that is no Headwater: it answers what ``answer`` says, or hangs up on None."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append(self.command)
            self.rfile.read(int(self.headers.get("content-length", 0)))
            found = answer(self.command)
            self.close_connection = True
            if found is None:
                return
            status, kind, body = found
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_PATCH = answer  # noqa: N815  (the base calls them so)

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def test_a_web_page_is_no_answer() -> None:
    page = (200, "text/html; charset=utf-8", b"<html>please log in</html>")
    with answering(lambda _: page) as (url, _), Headwater(url) as hw:
        with pytest.raises(ClientError, match="text/html") as caught:
            hw.get(MlModel, "headwater.churn")
        assert url in caught.value.message
        assert "log in" in caught.value.details["start"]


@pytest.mark.parametrize("status", [301, 404, 502])
def test_a_status_without_a_problem_document_is_a_client_error(status: int) -> None:
    answer = (status, "application/json", b'{"detail": "Not Found"}')
    with (
        answering(lambda _: answer) as (url, _),
        Headwater(url) as hw,
        pytest.raises(ClientError, match=str(status)),
    ):
        hw.health()


def test_an_entity_that_cannot_be_read_names_the_place() -> None:
    answer = (200, "application/json", b'{"id": "x"}')
    with (
        answering(lambda _: answer) as (url, _),
        Headwater(url) as hw,
        pytest.raises(ClientError, match="newer"),
    ):
        hw.get(MlModel, "headwater.churn")


def test_a_read_is_tried_three_times() -> None:
    with answering(lambda _: None) as (url, asked), Headwater(url) as hw:
        with pytest.raises(ClientError, match="cannot reach"):
            hw.health()
        assert asked == ["GET"] * 3


def test_a_read_that_works_the_second_time_works() -> None:
    answers = iter([None, (200, "application/json", b'{"status": "ok"}')])
    with answering(lambda _: next(answers)) as (url, _), Headwater(url) as hw:
        assert hw.health() == {"status": "ok"}


def test_a_write_is_never_tried_again() -> None:
    with answering(lambda _: None) as (url, asked), Headwater(url) as hw:
        with pytest.raises(ClientError):
            hw.create_or_update(CreateMlModel(name="churn", algorithm="A"))
        with pytest.raises(ClientError):
            hw.create(CreateMlModel(name="churn", algorithm="A"))
        assert asked == ["PUT", "POST"]


def test_a_server_that_is_not_there_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    told = pytest.raises(ClientError, match=f"127.0.0.1:{port}.*headwater serve")
    with Headwater(f"http://127.0.0.1:{port}") as hw, told:
        hw.health()


def test_a_server_that_does_not_answer_is_not_waited_for_twice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Headwater(url, timeout=0.05) as hw, pytest.raises(ClientError, match="in time"):
            hw.health()


@pytest.mark.parametrize("path", ["", "/", "/api", "/api/v1", "/api/v1/"])
def test_the_address_may_have_the_path_of_the_api(server_url: str, path: str) -> None:
    with Headwater(server_url + path) as hw:
        assert hw.health()["status"] == "ok"


@pytest.mark.parametrize("url", ["localhost:8585", "sqlite:///x.db", "x.db", "", "http://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidInputError, match="open"):
        Headwater(url)


def test_a_proxy_from_the_environment_is_not_asked_for_this_machine(
    server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Headwater(server_url) as hw:
        assert hw.health()["status"] == "ok"


def test_a_closed_client_says_so(hw: Headwater) -> None:
    hw.close()
    hw.close()
    with pytest.raises(ClientError, match="closed"):
        hw.health()


@pytest.mark.parametrize("value", [float("nan"), {1, 2}])
def test_what_json_cannot_hold_is_not_sent(hw: Headwater, value: Any) -> None:
    with pytest.raises(InvalidInputError, match="JSON"):
        hw.create_or_update({"name": "churn", "algorithm": value}, kind="mlmodel")


@pytest.mark.parametrize("value", [b"x", {(1, 2): 1}, "\ud800", float("inf")])
def test_what_json_cannot_hold_is_pointed_at(hw: Headwater, value: Any) -> None:
    body = {"name": "churn", "a/b": [1, {"c": value}]}
    with pytest.raises(InvalidInputError) as caught:
        hw.create_or_update(body, kind="mlmodel")
    assert [fault["pointer"] for fault in caught.value.errors] == ["/a~1b/1/c"]


def test_what_nests_without_end_is_not_sent(hw: Headwater) -> None:
    circle: list[Any] = []
    circle.append(circle)
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    for value in (circle, deep):
        with pytest.raises(InvalidInputError, match="JSON"):
            hw.create_or_update({"name": "churn", "algorithm": value}, kind="mlmodel")


def test_a_refused_request_has_a_pointer_for_each_fault(hw: Headwater) -> None:
    with pytest.raises(InvalidInputError) as caught:
        hw.create_or_update({"name": "", "mlFeatures": [{}]}, kind="mlmodel")
    pointers = {fault["pointer"] for fault in caught.value.errors}
    assert pointers >= {"/algorithm", "/name", "/mlFeatures/0/name"}


def test_a_store_that_cannot_be_opened_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        Headwater.open(tmp_path / "no" / "such" / "folder.db")
    with pytest.raises(InvalidInputError, match="oracle"):
        Headwater.open("oracle://x")


def every_error() -> list[type[HeadwaterError]]:
    found = [getattr(headwater, name) for name in headwater.__all__ if name.endswith("Error")]
    assert len(found) >= 11
    return found


@pytest.mark.parametrize("cls", every_error())
def test_every_code_comes_back_as_its_class(cls: type[HeadwaterError]) -> None:
    problem = {
        "type": "about:blank",
        "title": "x",
        "status": 400,
        "detail": "what happened",
        "code": cls.code,
        "message": "what happened",
        "rev": 7,
    }
    error = error_of(400, json.loads(json.dumps(problem)))
    assert type(error) is cls
    assert error is not None
    assert (error.message, error.details) == ("what happened", {"rev": 7})


@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (404, NotFoundError),
        (409, ConflictError),
        (413, InvalidInputError),
        (422, InvalidInputError),
    ],
)
def test_a_code_of_a_newer_server_is_told_by_its_status(
    status: int, cls: type[HeadwaterError]
) -> None:
    error = error_of(status, {"code": "brand-new", "message": "why"})
    assert type(error) is cls
    assert error.details == {"code": "brand-new"}


def test_a_name_that_is_not_there_tells_those_that_end_so(hw: Headwater) -> None:
    for service in ("a", "b"):
        hw.create({"name": service, "serviceType": "Mlflow"}, kind="mlmodelService")
        hw.create({"name": "churn.v2", "algorithm": "x", "service": service}, kind="mlmodel")
    names = ['mlmodel:a."churn.v2"', 'mlmodel:b."churn.v2"']
    with pytest.raises(NotFoundError, match=r'did you mean mlmodel:a\."churn') as caught:
        hw.get(MlModel, '"churn.v2"')
    assert caught.value.details["candidates"] == names
    with pytest.raises(NotFoundError, match="did you mean") as caught:
        hw.resolve('"churn.v2"')
    assert caught.value.details["candidates"] == names
    assert [hw.get(MlModel, name).name for name in names] == ["churn.v2"] * 2
    with pytest.raises(NotFoundError, match=r"'customers'$"):
        hw.get(MlModel, "customers")


def test_find_does_not_look_for_what_was_meant() -> None:
    problem = b'{"code": "not-found", "message": "there is no a", "kind": "mlmodel", "fqn": "a"}'
    answer = (404, "application/problem+json", problem)
    with answering(lambda _: answer) as (url, asked), Headwater(url) as hw:
        assert hw.find(MlModel, "a") is None
        assert asked == ["GET"]
        with pytest.raises(NotFoundError, match=r"there is no a$"):  # nor is a search there
            hw.get(MlModel, "a")
