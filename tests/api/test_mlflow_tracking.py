"""What is passed on to the tracking server, what never reaches it, and what is not handed back."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from headwater.api import build_api
from headwater.api.dialects.mlflow.tracking import _transport
from headwater.app import InProcessTransport, create_services
from headwater.catalog import CatalogService, TokenService
from headwater.catalog.token import NewToken
from headwater.errors import InvalidInputError
from headwater.settings import Settings
from headwater.store import Store
from headwater.store.draft import Actor
from tests.api.test_mlflow_registry import refused

BASE = "http://localhost"
LARGE = 20_000_000
SECRET = "only for this test"  # noqa: S105  (it opens nothing)


class Upstream(ThreadingHTTPServer):
    """A tracking server that remembers what it was asked, and answers as a test wants."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str, dict[str, str], int]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.content = b'{"ok": true}'
        self.lines: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def _answer(self) -> None:
        size = self._length()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append((self.command, self.path, headers, size))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        if self.server.lines:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            framed = (b"%x\r\n%b\r\n" % (len(each), each) for each in self.server.lines)
            self.wfile.write(b"".join(framed) + b"0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(self.server.content)

    def _length(self) -> int:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return len(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        size = 0
        while chunk := int(self.rfile.readline(), 16):
            size += len(self.rfile.read(chunk))
            self.rfile.readline()
        self.rfile.readline()
        return size

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def opened(store: Store, **settings: Any) -> Iterator[httpx.Client]:
    transport = InProcessTransport(store, Settings(**settings), sign_in=True)
    with httpx.Client(base_url=BASE, transport=transport) as client:
        yield client


@pytest.fixture
def client(store: Store, upstream: Upstream) -> Iterator[httpx.Client]:
    with opened(store, mlflow_tracking_uri=upstream.url + "/") as client:
        yield client


def test_a_file_that_comes_line_by_line_is_not_passed_on_so(
    client: httpx.Client, upstream: Upstream
) -> None:
    upstream.lines = [b"line %d\n" % number for number in range(50_000)]
    for _ in range(2):  # the second over the same connection
        answer = client.get("/api/2.0/mlflow-artifacts/artifacts/file")
        assert answer.content == b"".join(upstream.lines)

    async def pieces() -> int:
        async with (
            httpx.AsyncClient(transport=_transport()) as asked,
            asked.stream("GET", upstream.url) as answer,
        ):
            return len([each async for each in answer.aiter_raw()])

    assert asyncio.run(pieces()) < 500


Signed = Callable[[str], dict[str, str]]


@pytest.fixture
def signed(store: Store) -> Signed:
    """Headers of somebody with a role."""
    tokens = TokenService(store, CatalogService(store))

    def made(role: Any) -> NewToken:
        return tokens.create(f"the {role}", role=role, actor=Actor())

    return lambda role: {"Authorization": f"Bearer {made(role).secret}"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/2.0/mlflow/runs/get?run_id=a&b=%2F"),
        ("POST", "/api/2.0/mlflow/runs/search"),
        ("PATCH", "/api/3.0/mlflow/traces/tr-1/tags"),
        ("GET", "/api/2.0/mlflow-artifacts/artifacts/1/a%20b/model%C3%A9"),
        ("GET", "/ajax-api/3.0/mlflow/traces/tr-1"),
        ("DELETE", "/ajax-api/2.0/mlflow-artifacts/artifacts/1/a"),
    ],
)
def test_everything_else_is_passed_on_as_it_came(
    client: httpx.Client, upstream: Upstream, method: str, path: str
) -> None:
    body = None if method in ("GET", "DELETE") else {"a": 1}
    answer = client.request(method, path, json=body)
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    ((asked, where, _, size),) = upstream.asked
    assert (asked, where) == (method, path)
    assert size == (len(json.dumps({"a": 1}, separators=(",", ":"))) if body else 0)


def test_errors_of_the_tracking_server_are_its_own(
    client: httpx.Client, upstream: Upstream
) -> None:
    upstream.status, upstream.content = 404, b'{"error_code": "RESOURCE_DOES_NOT_EXIST"}'
    answer = client.get("/api/2.0/mlflow/runs/get", params={"run_id": "a"})
    assert (answer.status_code, answer.content) == (404, upstream.content)


def test_files_go_both_ways_whatever_they_are_and_however_large(
    client: httpx.Client, upstream: Upstream
) -> None:
    path = "/api/2.0/mlflow-artifacts/artifacts/1/model.bin"

    def chunks() -> Iterator[bytes]:
        for _ in range(LARGE // 1_000_000):
            yield b"x" * 1_000_000

    sent = client.put(path, content=chunks(), headers={"Content-Type": "text/html"})
    assert sent.status_code == 200
    assert upstream.asked[0][3] == LARGE
    upstream.content = b"y" * LARGE
    assert client.get(path).content == upstream.content


def test_other_writes_are_json(client: httpx.Client, upstream: Upstream) -> None:
    for path in ("/api/2.0/mlflow/runs/create", "/ajax-api/2.0/mlflow/upload-artifact"):
        refused(
            client.post(path, content=b"a=b", headers={"Content-Type": "text/plain"}),
            415,
            "BAD_REQUEST",
        )
    refused(client.put("/api/2.0/mlflow-artifacts/artifacts", content=b"x"), 415, "BAD_REQUEST")
    assert upstream.asked == []


def test_what_the_caller_is_known_by_stays_here(
    store: Store, upstream: Upstream, signed: Signed
) -> None:
    how = {"mlflow_tracking_username": "headwater", "mlflow_tracking_password": "its own"}
    with opened(store, mlflow_tracking_uri=upstream.url, **how) as client:
        headers = {
            **signed("editor"),
            "Cookie": "session=1",
            "Connection": "close, X-Secret",
            "X-Secret": "1",
            "Proxy-Authorization": "Basic eDp5",
            "TE": "trailers",
            "X-Forwarded-For": "10.0.0.1",
            "X-Headwater-Producer": "me",
            "X-Mlflow-Workspace": "default",
        }
        assert client.get("/api/2.0/mlflow/runs/get", headers=headers).status_code == 200
    sent = upstream.asked[0][2]
    assert sent["authorization"] == "Basic aGVhZHdhdGVyOml0cyBvd24="
    assert sent["host"] == upstream.url.removeprefix("http://")
    assert sent["x-mlflow-workspace"] == "default"
    assert sent["x-forwarded-for"] == "unknown"
    gone = ("cookie", "x-secret", "proxy-authorization", "te")
    assert not {*gone, "x-headwater-producer"} & sent.keys()


@pytest.mark.parametrize(("token", "sent"), [(SECRET, f"Bearer {SECRET}"), ("", None)])
def test_a_token_signs_in_at_the_tracking_server_or_nothing_does(
    store: Store, upstream: Upstream, token: str, sent: str | None
) -> None:
    with opened(store, mlflow_tracking_uri=upstream.url, mlflow_tracking_token=token) as client:
        client.get("/api/2.0/mlflow/runs/get", headers={"Authorization": "Basic eDp5"})
    assert upstream.asked[0][2].get("authorization") == sent


def test_what_the_tracking_server_sets_is_not_handed_back(
    client: httpx.Client, upstream: Upstream
) -> None:
    upstream.headers = {
        "Set-Cookie": "a=b",
        "X-Kept": "1",
        "Connection": "X-Hop",
        "X-Hop": "1",
        "Content-Type": "text/html",
        "Content-Security-Policy": "default-src *",
    }
    answer = client.get("/api/2.0/mlflow-artifacts/artifacts/page.html")
    assert (answer.headers["x-kept"], answer.headers["content-type"]) == ("1", "text/html")
    assert not {"set-cookie", "x-hop", "server"} & answer.headers.keys()
    assert answer.headers.get_list("content-security-policy") == [
        "default-src 'none'; frame-ancestors 'none'"
    ]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_no_caller_gets_another_one_s_cookie(client: httpx.Client, upstream: Upstream) -> None:
    upstream.headers = {"Set-Cookie": "a=b; Path=/"}
    for _ in range(2):
        client.get("/api/2.0/mlflow/runs/get")
    assert "cookie" not in upstream.asked[1][2]


def test_the_tracking_server_is_told_who_asks(
    store: Store, upstream: Upstream, signed: Signed
) -> None:
    # It lets callers of its own host do more.
    headers = signed("editor")

    async def ask(host: str) -> None:
        services = create_services(store, Settings(mlflow_tracking_uri=upstream.url))
        transport = httpx.ASGITransport(build_api(services), client=(host, 9))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.get("/api/2.0/mlflow/runs/get", headers=headers)
            assert answer.status_code == 200
        await services.close()
        services.threads.shutdown()

    for host in ("127.0.0.1", "10.0.0.1"):
        asyncio.run(ask(host))
    told = [sent["x-forwarded-for"] for _, _, sent, _ in upstream.asked]
    assert told == ["127.0.0.1", "10.0.0.1"]


def test_redirects_and_sign_in_of_the_tracking_server_go_no_further(
    client: httpx.Client, upstream: Upstream
) -> None:
    upstream.status, upstream.headers = 307, {"Location": f"{upstream.url}/elsewhere"}
    answer = client.get("/api/2.0/mlflow/runs/get")
    message = refused(answer, 503, "TEMPORARILY_UNAVAILABLE")
    assert "HEADWATER_MLFLOW_TRACKING_URI" in message
    assert "location" not in answer.headers
    assert upstream.url not in answer.text
    upstream.status, upstream.headers = 401, {"WWW-Authenticate": "Basic"}
    answer = client.get("/api/2.0/mlflow/runs/get")
    refused(answer, 503, "TEMPORARILY_UNAVAILABLE")
    assert len(upstream.asked) == 2


@pytest.mark.parametrize(
    "path",
    [
        "/api/2.0/mlflow/%2e%2e/secret",
        "/api/2.0/mlflow/%252e%252e/secret",
        "/api/2.0/mlflow/%2e/runs/get",
        "/api/2.0/mlflow//runs/get",
        "/api/2.0/mlflow/runs%2Fget",
        "/api/2.0/mlflow/runs%5Cget",
        "/api/2.0/mlflow/runs%252fget",
        "/api/2.0/mlflow-artifacts/artifacts/a%2f..%2f..%2fb",
        "/api/2.0/mlflow-artifacts/artifacts/..",
        "/api/2.0/mlflow-artifacts/artifacts/..;/users/get",
        "/api/2.0/mlflow/runs/get%0d%0aX: y",
        "/api/2.0/mlflow/runs/%" + "25" * 20 + "2e",
        "/api/2.0/mlflow/runs/%00",
    ],
)
def test_paths_that_two_servers_read_differently_are_refused(
    client: httpx.Client, upstream: Upstream, path: str
) -> None:
    url = httpx.URL(BASE).copy_with(raw_path=path.encode())
    answer = client.send(httpx.Request("GET", url))
    assert answer.status_code in (400, 404), answer.text
    assert upstream.asked == []


@pytest.mark.parametrize("path", ["registered-models", "Registered-Models/get", "model-versions"])
def test_the_registry_of_the_tracking_server_is_out_of_reach(
    client: httpx.Client, upstream: Upstream, path: str
) -> None:
    for api in ("/api/2.0/mlflow/", "/ajax-api/3.0/mlflow/"):
        refused(client.get(api + path), 404, "ENDPOINT_NOT_FOUND")
    assert upstream.asked == []


def test_viewers_read_what_is_listed_and_nothing_else(
    client: httpx.Client, upstream: Upstream, signed: Signed
) -> None:
    headers = signed("viewer")
    body: object
    for method, path in (
        ("GET", "/api/2.0/mlflow/runs/get"),
        ("POST", "/api/2.0/mlflow/runs/search"),
        ("POST", "/api/2.0/mlflow/experiments/search"),
        ("POST", "/api/2.0/mlflow/logged-models/search"),
        ("POST", "/api/3.0/mlflow/traces/search"),
        ("GET", "/api/2.0/mlflow-artifacts/artifacts"),
        ("GET", "/api/2.0/mlflow-artifacts/artifacts/1/model"),
    ):
        body = {} if method == "POST" else None
        answer = client.request(method, path, headers=headers, json=body)
        assert answer.status_code == 200, answer.text
    passed = len(upstream.asked)
    for method, path in (
        ("POST", "/api/2.0/mlflow/runs/create"),
        ("POST", "/api/2.0/mlflow/runs/search/more"),
        ("GET", "/api/3.0/mlflow/gateway/secrets/get"),
        ("GET", "/api/2.0/mlflow/users/get"),
        ("GET", "/ajax-api/2.0/mlflow/gateway-proxy"),
        ("PUT", "/api/2.0/mlflow-artifacts/artifacts/1/model"),
        ("DELETE", "/api/2.0/mlflow-artifacts/artifacts/1/model"),
    ):
        body = {} if method == "POST" else None
        answer = client.request(method, path, headers=headers, json=body)
        refused(answer, 403, "PERMISSION_DENIED")
    assert len(upstream.asked) == passed


def test_who_may_do_what_there_is_for_admins(
    client: httpx.Client, upstream: Upstream, signed: Signed
) -> None:
    paths = (
        "users/create",
        "experiments/permissions/create",
        "gateway/secrets/create",
        "assistant/message",
    )
    editor, admin = signed("editor"), signed("admin")
    for path in paths:
        answer = client.post(f"/api/2.0/mlflow/{path}", json={}, headers=editor)
        refused(answer, 403, "PERMISSION_DENIED")
    assert upstream.asked == []
    for path in paths:
        assert client.post(f"/api/2.0/mlflow/{path}", json={}, headers=admin).status_code == 200


def test_without_a_tracking_server_the_setting_is_named(store: Store) -> None:
    with opened(store) as client:
        message = refused(client.get("/api/2.0/mlflow/runs/get"), 404, "ENDPOINT_NOT_FOUND")
    assert "HEADWATER_MLFLOW_TRACKING_URI" in message


def test_a_tracking_server_that_is_away_is_told_without_its_address(
    store: Store, upstream: Upstream
) -> None:
    with opened(store, mlflow_tracking_uri="http://127.0.0.1:9") as client:
        answer = client.get("/api/2.0/mlflow/runs/get")
    assert "127.0.0.1" not in refused(answer, 503, "TEMPORARILY_UNAVAILABLE")


@pytest.mark.parametrize("uri", ["mlflow", "ftp://a", "http://", "http://u:p@a", "http://a?b"])
def test_an_address_that_is_none_is_refused_at_start(uri: str) -> None:
    with pytest.raises(InvalidInputError, match="HEADWATER_MLFLOW_TRACKING_URI"):
        Settings.from_env(environ={"HEADWATER_MLFLOW_TRACKING_URI": uri})


def test_secrets_are_not_shown_with_the_settings() -> None:
    settings = Settings(mlflow_tracking_password=SECRET, mlflow_tracking_token=SECRET)
    assert SECRET not in repr(settings)


def register(client: httpx.Client, **asked: str) -> httpx.Response:
    path = "/api/2.0/mlflow/"
    client.post(path + "registered-models/create", json={"name": "churn"})
    return client.post(path + "model-versions/create", json={"name": "churn", **asked})


def test_a_local_path_is_a_source_within_the_artifacts_of_its_run(
    client: httpx.Client, upstream: Upstream
) -> None:
    upstream.content = b'{"run": {"info": {"artifact_uri": "/runs/1/artifacts"}}}'
    made = register(client, source="file:///runs/1/artifacts/model", run_id="r 1")
    assert made.status_code == 200, made.text
    assert upstream.asked[-1][:2] == ("GET", "/api/2.0/mlflow/runs/get?run_id=r+1")
    for source in ("/runs/1/artifacts/../2", "/runs/1/artifacts2/model", "/etc/passwd"):
        refused(register(client, source=source, run_id="r 1"), 400, "INVALID_PARAMETER_VALUE")
    upstream.status = 404
    again = register(client, source="/runs/1/artifacts/model", run_id="r 1")
    refused(again, 400, "INVALID_PARAMETER_VALUE")


def test_the_run_and_the_files_of_a_logged_model_are_asked_for(
    client: httpx.Client, upstream: Upstream
) -> None:
    id_ = "m-" + "0a" * 16
    info = {"source_run_id": "r1", "artifact_uri": "s3://models/1"}
    upstream.content = json.dumps({"model": {"info": info}}).encode()
    made = register(client, source=f"models:/{id_}", model_id=id_).json()["model_version"]
    assert (made["source"], made["run_id"], made["model_id"]) == (f"models:/{id_}", "r1", id_)
    assert upstream.asked[-1][1] == f"/api/2.0/mlflow/logged-models/{id_}"
    about = {"name": "churn", "version": made["version"]}
    found = client.get("/api/2.0/mlflow/model-versions/get-download-uri", params=about)
    assert found.json() == {"artifact_uri": "s3://models/1"}
    upstream.status = 500  # it is not known then, and the version is made all the same
    assert register(client, source=f"models:/{id_}").json()["model_version"]["run_id"] == ""


def test_sign_in_takes_the_token_as_a_password_and_viewers_only_read(
    client: httpx.Client, signed: Signed
) -> None:
    token = signed("viewer")["Authorization"].removeprefix("Bearer ")
    path = "/api/2.0/mlflow/registered-models/"
    nobody = client.get(path + "search")
    refused(nobody, 401, "UNAUTHENTICATED")
    assert nobody.headers["www-authenticate"].startswith("Basic")
    for user in ("anybody", "", "a"):
        assert client.get(path + "search", auth=(user, token)).status_code == 200
    refused(client.get(path + "search", auth=(token, "x")), 401, "UNAUTHENTICATED")
    created = client.post(path + "create", json={"name": "a"}, auth=("a", token))
    refused(created, 403, "PERMISSION_DENIED")
    editor = signed("editor")
    assert client.post(path + "create", json={"name": "a"}, headers=editor).status_code == 200
    latest = client.post(path + "get-latest-versions", json={"name": "a"}, auth=("a", token))
    assert latest.status_code == 200
    model = client.get(path + "get", params={"name": "a"}, auth=("a", token)).json()
    assert model["registered_model"]["user_id"] == "the editor"
    for header in ("Basic", "Basic !", "Basic eA==", "Digest x"):
        answer = client.get(path + "search", headers={"Authorization": header})
        refused(answer, 401, "UNAUTHENTICATED")


def test_without_tokens_only_this_machine_is_answered(client: httpx.Client) -> None:
    path = "/api/2.0/mlflow/registered-models/search"
    for headers in ({"Host": "elsewhere"}, {"X-Forwarded-For": "1.2.3.4"}, {"Origin": "http://a"}):
        refused(client.get(path, headers=headers), 403, "PERMISSION_DENIED")


def test_artifacts_of_another_run_are_no_source(client: httpx.Client, upstream: Upstream) -> None:
    create = "/api/2.0/mlflow/model-versions/create"
    assert client.post("/api/2.0/mlflow/registered-models/create", json={"name": "m"}).is_success
    upstream.content = b'{"run": {"info": {"artifact_uri": "mlflow-artifacts:/1/me/artifacts"}}}'
    for mine in ("mlflow-artifacts:/1/me/artifacts/model", "mlflow-artifacts:/1/me%2Fartifacts"):
        answer = client.post(create, json={"name": "m", "source": mine, "run_id": "me"})
        assert answer.is_success, answer.text
    for other in (
        "mlflow-artifacts:/1/other/artifacts/model",
        "mlflow-artifacts://host/1/me/artifacts/model",
        "http://host/api/2.0/mlflow-artifacts/artifacts/1/other/model",
    ):
        answer = client.post(create, json={"name": "m", "source": other, "run_id": "me"})
        assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    upstream.status = 404
    answer = client.post(create, json={"name": "m", "source": other, "run_id": "me"})
    assert answer.is_success  # nothing is known of the run
