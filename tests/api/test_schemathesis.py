"""Every operation of the description, tried with what it allows and with what it does not.

Schemathesis makes up the requests, always the same ones; where a path or body names something, most
of the times it names what is there. ``HEADWATER_SCHEMATHESIS`` multiplies how many there are.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import requests
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import CheckFunction
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from headwater.api import build_api
from headwater.api.auth import PRODUCER
from headwater.api.openapi import openapi_document
from headwater.app import create_services
from headwater.schemas import find_kind
from headwater.settings import Settings
from headwater.store import Store, open_store
from tests.api.filled import ME, Filled

TIMES = int(os.environ.get("HEADWATER_SCHEMATHESIS", "1"))
GROUPS = [tag["name"] for tag in openapi_document()["tags"]]
TELLING = {"mlmodels", "modelVersions", "tables", "lineage", "search", "events", "tokens", "system"}
"""Groups that are looked at more closely: what else there is differs from them by schema alone."""
REJECTION = checks.negative_data_rejection
CHECKS: list[CheckFunction] = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    REJECTION,
]
Operation = APIOperation[Any, Any, Any, Any]


class Site:
    """A served application over a filled catalog, and the session of an admin."""

    def __init__(self, address: str, filled: Filled, secret: str) -> None:
        self.address = address
        self.filled = filled
        self.session = requests.Session()
        self.headers = {"Authorization": f"Bearer {secret}"}

    def ask(self, case: Case[Any], pick: int) -> None:
        """Send a request and check the answer."""
        if pick % 4:
            _name_what_is_there(case, self.filled, pick)
        case.call_and_validate(
            self.address,
            session=self.session,
            headers=self.headers,
            checks=CHECKS,
            # A bulk write reports its faulty items beside what became of the others.
            excluded_checks=[REJECTION] if case.operation.path.endswith("/bulk") else [],
            timeout=60,
        )


@contextmanager
def served(store: Store) -> Iterator[Site]:
    services = create_services(store, Settings())
    filled = Filled(services)
    token = services.tokens.create("root", role="admin", actor=ME)
    config = uvicorn.Config(
        build_api(services), port=0, log_level="warning", lifespan="off", timeout_keep_alive=75
    )
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield Site(address, filled, token.secret)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def operations(group: str) -> list[Operation]:
    """The operations of a group; those that delete come last, so that something is there."""
    schema = schemathesis.openapi.from_dict(openapi_document())
    schema.config.generation.update(with_security_parameters=False)
    found = [
        each.ok() for each in schema.include(tag=group).get_all_operations() if isinstance(each, Ok)
    ]
    return sorted(found, key=_order)


def _order(operation: Operation) -> int:
    if operation.method.upper() != "DELETE":
        return 0
    return 2 if operation.path.endswith(("/{id}", "/{fqn}")) else 1


def explore(site: Site, group: str, examples: int) -> list[str]:
    """Try every operation of a group; return what was wrong."""
    wrong = []
    for operation in operations(group):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            if mode is GenerationMode.NEGATIVE and operation.label in ANYTHING_GOES:
                continue
            try:
                _try(site, operation, mode, examples)
            except (FailureGroup, requests.RequestException) as error:
                said = [str(each) for each in getattr(error, "exceptions", [error])]
                wrong.append(f"{operation.label} ({mode.value}) {' '.join(said)[:3000]}")
    return wrong


ANYTHING_GOES = {
    "POST /api/v1/lineage/mlmodels/{id}",
    "GET /api/v1/tokens",
    "DELETE /api/v1/tokens/{id}",
    "GET /api/v1/health",
    "GET /api/v1/schemas",
    "GET /api/v1/schemas/{kind}",
}
"""Operations that have no parameter which could be of a wrong type."""


def _try(site: Site, operation: Operation, mode: GenerationMode, examples: int) -> None:
    @settings(
        max_examples=examples * TIMES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), pick=st.integers(0, 2**16))
    def run(case: Case[Any], pick: int) -> None:
        site.ask(case, pick)

    run()


def _name_what_is_there(case: Case[Any], filled: Filled, pick: int) -> None:
    """Put what the catalog holds where a request names something, unless it must be wrong."""
    if case.meta is not None and case.meta.generation.mode is GenerationMode.NEGATIVE:
        return
    path = case.operation.path
    which = find_kind(path.split("/")[3])
    kind = which.name if which else "mlmodel"
    for place, known in (
        (case.path_parameters, _path(path, kind, filled, pick)),
        (case.query, _query(path, filled, pick)),
        (case.headers, {PRODUCER: "dbt", "If-Match": f'"{filled.one(kind, pick).rev}"'}),
        (case.body, _body(path, kind, filled, pick)),
    ):
        if isinstance(place, Mapping):
            for name in [name for name in place if name in known]:
                place[name] = known[name]
    if case.method == "PATCH" and isinstance(case.body, Mapping):
        case.body = {"description": f"The {pick}th."}
    if (parent := filled.parent(kind, pick)) and "parent" in case.query:
        case.query["parent"] = parent[1]
    case.query.pop("after", None)
    if pick % 2:  # what was written before has another rev by now
        case.headers.pop("If-Match", None)


def _path(path: str, kind: str, filled: Filled, pick: int) -> dict[str, str]:
    one = filled.one(kind, pick)
    words = ("latest", "production", "champion", "v", "1")
    return {
        "id": filled.gone[kind] if path.endswith("/restore") else one.id,
        "fqn": one.fqn,
        "user": filled.one("user", pick).id,
        "kind": kind,
        "version": one.version,
        "other": "0.1",
        "selector": words[pick % len(words)],
        "alias": "champion",
        "type": ("metric", "usage", "lifecycle")[pick % 3],
        "producer": "dbt",
    }


def _query(path: str, filled: Filled, pick: int) -> dict[str, str]:
    model = filled.one("mlmodel", pick).fqn
    found = {
        "fqn": filled.column(pick),
        "kind": "column",
        "model": model,
        "selector": "latest",
        "asOf": ("version:0.1", "200", "2999-01-01")[pick % 3],
        "at": "2999-01-01",
        "q": ("churn", "people age", "warehouse*")[pick % 3],
    }
    if path.endswith("/path"):
        return {**found, "from": filled.column(pick), "to": f"mlmodel:{model}"}
    if path.endswith("/diff"):
        return {**found, "from": "200", "to": "version:0.2"}
    if path.endswith(("/search", "/events")):
        del found["kind"]
    return found


def _body(path: str, kind: str, filled: Filled, pick: int) -> dict[str, Any]:
    parent = filled.parent(kind, pick)
    ends = {
        "fromEntity": filled.column(pick),
        "toEntity": f"mlmodel:{filled.one('mlmodel', pick).fqn}",
    }
    return {**ends, "field": "description", **({parent[0]: parent[1]} if parent else {})}


def test_every_operation_is_of_a_group() -> None:
    described = [each for item in openapi_document()["paths"].values() for each in item.values()]
    assert sum(len(operations(group)) for group in GROUPS) == len(described)


@pytest.mark.parametrize("group", GROUPS)
def test_sqlite(group: str) -> None:
    store = open_store("sqlite://")
    with served(store) as site:
        wrong = explore(site, group, 8 if group in TELLING else 3)
    store.close()
    assert not wrong, "\n\n".join(wrong)


def test_neo4j(neo4j_url: str) -> None:
    store = open_store(neo4j_url)
    with served(store) as site:
        wrong = [
            each for group in GROUPS for each in explore(site, group, 4 if group in TELLING else 1)
        ]
    store.close()
    assert not wrong, "\n\n".join(wrong)
