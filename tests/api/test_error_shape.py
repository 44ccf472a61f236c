"""Every route, called in every wrong way, answers a problem of one shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from headwater.api.errors import STATUS, TYPE
from headwater.api.openapi import openapi_document
from headwater.api.routes import API, resources
from headwater.app import InProcessTransport, create_services
from headwater.schemas import kinds
from headwater.settings import Settings
from headwater.store import open_store

NOBODY = "00000000-0000-4000-8000-000000000000"
FILLED = {
    "{id}": NOBODY,
    "{fqn:path}": "no.such.thing",
    "{kind}": "mlmodel",
    "{producer:path}": "dbt",
    "{group}": "mlmodels",
    "{type}": "metric",
    "{user:path}": NOBODY,
    "{alias:path}": "champion",
    "{selector:path}": "latest",
    "{version}": "0.1",
    "{other}": "0.2",
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def table() -> list[tuple[str, tuple[str, ...]]]:
    """Every path, filled in with what is not there, and the methods that it takes."""
    store = open_store("sqlite://")
    services = create_services(store, Settings())
    found = [(path, resource.methods) for path, resource in resources(services).items()]
    store.close()
    return found


def collection_of(path: str) -> str:
    """A collection whose entities have what a path asks for."""
    return "modelVersions" if "/stage" in path or "/aliases/" in path else "mlmodels"


def filled(path: str) -> str:
    for name, value in {**FILLED, "{collection}": collection_of(path)}.items():
        path = path.replace(name, value)
    return path


def _spelled(path: str) -> str:
    """A path of the description as the router spells it."""
    for name in ("fqn", "producer", "user", "alias", "selector"):
        path = path.replace(f"{{{name}}}", f"{{{name}:path}}")
    return path


def generic(path: str) -> str:
    """A path with ``{collection}`` for the collection that it names."""
    first, second, third, collection, *rest = path.split("/")
    collection = "{collection}" if collection in COLLECTIONS else collection
    return "/".join((first, second, third, collection, *rest))


def bodied() -> Iterator[tuple[str, str]]:
    """Every path, filled in, and method that take a body; of the kinds, one stands for all."""
    for path, item in openapi_document()["paths"].items():
        collection = path.split("/")[3]
        if collection not in COLLECTIONS or collection == collection_of(path):
            for method, operation in item.items():
                if "requestBody" in operation:
                    yield filled(_spelled(path)), method.upper()


COLLECTIONS = {kind.collection for kind in kinds().values()}
ROUTES = [(filled(path), methods) for path, methods in table()]
BODIED = [*bodied()]


@pytest.fixture(scope="module")
def site() -> Iterator[httpx.Client]:
    transport = InProcessTransport(open_store("sqlite://"))
    with httpx.Client(
        base_url="http://localhost",
        transport=transport,
        event_hooks={"request": [_as_producer]},
    ) as client:
        yield client


def _as_producer(request: httpx.Request) -> None:
    """A producer's own edges are for that producer alone."""
    if "/producers/" in request.url.path:
        request.headers["X-Headwater-Producer"] = FILLED["{producer:path}"]


def check(answer: httpx.Response, *statuses: int) -> None:
    assert answer.status_code in statuses, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["code"] in STATUS
    assert problem["type"] == TYPE + problem["code"]
    assert problem["title"]
    assert problem["message"] == problem["detail"] != ""
    for fault in problem["errors"]:
        assert fault.keys() == {"pointer", "message"}
        assert fault["pointer"] == "" or fault["pointer"].startswith("/")


@pytest.mark.parametrize(("path", "methods"), ROUTES)
def test_methods_that_a_path_does_not_take(
    site: httpx.Client, path: str, methods: tuple[str, ...]
) -> None:
    for method in METHODS:
        if method not in methods:
            answer = site.request(method, path)
            check(answer, 405)
            assert answer.headers["allow"] == ", ".join(methods)


@pytest.mark.parametrize(("path", "methods"), ROUTES)
def test_unknown_query_parameters(site: httpx.Client, path: str, methods: tuple[str, ...]) -> None:
    for method in methods:
        if method != "HEAD":
            answer = site.request(method, path, params={"nosuch": "1"}, **body(path, method))
            check(answer, 400)
            assert "'nosuch'" in answer.json()["message"]


@pytest.mark.parametrize("path", [path for path, _ in ROUTES if NOBODY in path or "such" in path])
def test_things_that_are_not_there(site: httpx.Client, path: str) -> None:
    methods = dict(ROUTES)[path]
    for method in methods:
        answer = site.request(method, path, **body(path, method))
        if method == "HEAD":
            assert answer.status_code == 404
        else:
            check(answer, 404)


@pytest.mark.parametrize(
    ("path", "methods"),
    [(path, methods) for path, methods in table() if "{collection}" in path or "{kind}" in path],
)
def test_kinds_and_collections_that_are_not_there(
    site: httpx.Client, path: str, methods: tuple[str, ...]
) -> None:
    for method in set(methods) - {"HEAD"}:
        nowhere = filled(path.replace("{collection}", "nosuch").replace("{kind}", "nosuch"))
        check(site.request(method, nowhere, **body(filled(path), method)), 404)


@pytest.mark.parametrize(("path", "method"), BODIED)
def test_bodies_that_are_not_json(site: httpx.Client, path: str, method: str) -> None:
    headers = {"Content-Type": "application/json"}
    check(site.request(method, path, content=b"{", headers=headers), 400)
    check(site.request(method, path, headers=headers), 400)
    check(site.request(method, path, content=b"{}", headers={"Content-Type": "text/plain"}), 415)


@pytest.mark.parametrize(("path", "method"), [(p, m) for p, m in BODIED if m != "PATCH"])
def test_bodies_that_say_nothing_valid(site: httpx.Client, path: str, method: str) -> None:
    bodies: list[Any] = [{"nosuch": 1}, [[]], "text", 1, True]
    for sent in bodies:
        answer = site.request(method, path, json=sent)
        if isinstance(sent, list) and path.endswith("bulk"):
            assert answer.json()["failed"][0]["code"] == "invalid-input"
        else:
            check(answer, 422)


@pytest.mark.parametrize(
    "path", ["/nosuch", "/api", "/api/v1", "/api/v1/", "/api/v2/mlmodels", "/api/v1/mlmodels/",
             "/api/v1/lineage", "/api/v1/mlmodels/a/b", "/api/v1/mlmodels/name", "//", "/openapi"]
)  # fmt: skip
def test_paths_that_lead_nowhere(site: httpx.Client, path: str) -> None:
    check(site.get("http://localhost" + path), 404)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "limit=1.5", "limit=%C2%B2",
        "limit=99999999999999999999", "limit=1&limit=2", "after=***", "after=%FF", "include=some",
        "total=yes", "parent=nobody&include=all&x=", "a%zz=1",
    ],
)  # fmt: skip
def test_parameters_of_a_list_that_cannot_be(site: httpx.Client, query: str) -> None:
    check(site.get(f"/api/v1/mlmodels?{query}"), 400)


@pytest.mark.parametrize(
    "query",
    ["asOf=yesterday", "asOf=2026-13-01", "asOf=99999999999999999999", "asOf=", "include=deleted"],
)
def test_parameters_of_an_entity_that_cannot_be(site: httpx.Client, query: str) -> None:
    check(site.get(f"/api/v1/mlmodels/{NOBODY}?{query}"), 400)


@pytest.mark.parametrize(
    "query", ["upstream=-1", "downstream=101", "level=table", "limit=0", "asOf=x", "depth=1"]
)
def test_parameters_of_a_walk_that_cannot_be(site: httpx.Client, query: str) -> None:
    check(site.get(f"/api/v1/lineage/mlmodel/{NOBODY}?{query}"), 400)


@pytest.mark.parametrize("value", ["3", '"x"', 'W/"3"', '"1", "2"', "*", '""', '"-1"'])
def test_an_if_match_that_cannot_be(site: httpx.Client, value: str) -> None:
    path, headers = f"/api/v1/mlmodels/{NOBODY}", {"If-Match": value}
    check(site.patch(path, json={}, headers=headers), 400)
    check(site.delete(path, headers=headers), 400)


def test_impact_needs_a_name(site: httpx.Client) -> None:
    check(site.get("/api/v1/lineage/impact"), 400)
    check(site.get("/api/v1/lineage/impact?fqn=nobody"), 404)
    check(site.get("/api/v1/lineage/impact?fqn=nobody&kind=nosuch"), 400)


def test_a_head_request_says_as_much_as_a_get(site: httpx.Client) -> None:
    for path, methods in ROUTES:
        if "GET" in methods:
            head, get = site.head(path), site.get(path)
            assert head.status_code == get.status_code
            assert head.headers.raw == get.headers.raw
            assert head.content == b""


def test_the_description_lists_every_route_and_no_other() -> None:
    described = {
        (_spelled(generic(path)), method.upper())
        for path, item in openapi_document()["paths"].items()
        for method in item
    }
    served = {
        (generic(path), method)
        for path, methods in table()
        for method in methods
        if path.startswith(API) and method != "HEAD"
    }
    assert described == served


VALID: dict[str, Any] = {
    "bulk": [],
    "rename": {"name": "other"},
    "release": {"field": "description"},
    "records": [{"data": {"value": 1}}],
    "votes": {"vote": "up"},
    "stage": {"stage": "none"},
}
"""Bodies by what a path has in it, where not every object is one."""


def body(path: str, method: str) -> dict[str, Any]:
    """A body that is not at fault where the path already is."""
    if (path, method) not in BODIED:
        return {}
    return {"json": next((VALID[word] for word in path.split("/") if word in VALID), {})}
