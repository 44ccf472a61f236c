"""The table of statuses, and what nobody foresaw."""

from __future__ import annotations

import asyncio
import logging
import uuid

import httpx
import pytest
from fastapi import FastAPI, Request

from headwater.api.errors import STATUS, install, problem
from headwater.api.resource import Resource
from headwater.errors import HeadwaterError, InvalidInputError, PreconditionError, StoreError


def tree(root: type[HeadwaterError]) -> set[type[HeadwaterError]]:
    return {root}.union(*(tree(each) for each in root.__subclasses__()))


def test_every_error_has_a_status_and_a_title() -> None:
    codes = {error.code for error in tree(HeadwaterError)}
    assert codes <= STATUS.keys()
    assert all(400 <= status < 600 and title for status, title in STATUS.values())


def test_invalid_input_is_400_without_a_body_and_422_with_one() -> None:
    error = InvalidInputError.at("/name", "is required")
    assert problem(error, "GET").status_code == 400
    assert problem(error, "POST").status_code == 422


def test_details_stand_beside_the_problem_and_never_in_its_place() -> None:
    error = PreconditionError("changed", current={"name": "a"}, rev=3, status="mine", odd=uuid.UUID)
    found = httpx.Response(412, content=bytes(problem(error, "PUT").body)).json()
    assert (found["current"], found["rev"]) == ({"name": "a"}, 3)
    assert (found["status"], found["code"]) == (412, "precondition-failed")


def get(app: FastAPI, path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path)

    return asyncio.run(ask())


@pytest.fixture
def failing() -> FastAPI:
    """An application whose resources fail in every way that they can."""

    async def unforeseen(request: Request) -> None:
        raise RuntimeError("secret of the inside")

    async def failed(request: Request) -> None:
        raise StoreError("the disk is full")

    app = FastAPI()
    install(app)
    app.add_route("/unforeseen", Resource(GET=unforeseen))  # type: ignore[arg-type]  # as in native.py
    app.add_route("/failed", Resource(GET=failed))  # type: ignore[arg-type]  # as above

    @app.get("/native")
    async def native(number: int) -> int:
        raise RuntimeError("secret of the inside")

    return app


@pytest.mark.parametrize("path", ["/unforeseen", "/native?number=1"])
def test_what_nobody_foresaw_is_logged_and_not_told(
    failing: FastAPI, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    answer = get(failing, path)
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert "secret" not in answer.text
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "secret of the inside" in caplog.text


def test_a_failing_store_is_logged_and_told(
    failing: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    answer = get(failing, "/failed")
    assert (answer.status_code, answer.json()["message"]) == (503, "the disk is full")
    assert "the disk is full" in caplog.text


def test_parameters_of_fastapi_routes_are_problems_too(failing: FastAPI) -> None:
    answer = get(failing, "/native?number=x")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-input")
    assert answer.json()["errors"][0]["pointer"] == "/number"
