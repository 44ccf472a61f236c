"""Paths lead to resources: words before parameters, and a name that ends a path is all the rest."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import ASGIApp, Scope

from headwater.api.router import Paths

PATTERNS = (
    "/",
    "/things",
    "/things/{id}",
    "/things/special",
    "/{collection}",
    "/{collection}/{id}",
    "/{collection}/name/{fqn:path}",
    "/{collection}/{id}/restore",
    "/{collection}/{id}/with/{user:path}",
)


@pytest.fixture(scope="module")
def paths() -> Paths:
    return Paths(nothing, resources={pattern: named(pattern) for pattern in PATTERNS})


async def nothing(scope: Scope, *_: Any) -> None:
    scope["found"] = None


def named(pattern: str) -> ASGIApp:
    async def resource(scope: Scope, *_: Any) -> None:
        scope["found"] = pattern, scope["path_params"]

    return resource


def found(paths: Paths, path: str, **beside: str) -> Any:
    """What answers: the pattern and the parameters, or None."""
    scope = {"type": "http", "path": path, **beside}
    asyncio.run(paths(scope, never, never))
    return scope["found"]


async def never(*_: Any) -> Any:
    raise AssertionError("nobody asks for the body, and nobody answers")


@pytest.mark.parametrize(
    ("path", "pattern", "parameters"),
    [
        ("/", "/", {}),
        ("/things", "/things", {}),
        ("/things/special", "/things/special", {}),
        ("/things/1", "/things/{id}", {"id": "1"}),
        ("/others", "/{collection}", {"collection": "others"}),
        ("/others/special", "/{collection}/{id}", {"collection": "others", "id": "special"}),
        # A word that leads nowhere further is a parameter.
        ("/things/1/restore", "/{collection}/{id}/restore", {"collection": "things", "id": "1"}),
        ("/things/name/a", "/{collection}/name/{fqn:path}", {"collection": "things", "fqn": "a"}),
        ("/x/name/a/b/", "/{collection}/name/{fqn:path}", {"collection": "x", "fqn": "a/b/"}),
        ("/x/name/restore", "/{collection}/name/{fqn:path}", {"collection": "x", "fqn": "restore"}),
        ("/x/name/", "/{collection}/name/{fqn:path}", {"collection": "x", "fqn": ""}),
        ("/x/name", "/{collection}/{id}", {"collection": "x", "id": "name"}),
        (
            "/x/1/with/a/b",
            "/{collection}/{id}/with/{user:path}",
            {"collection": "x", "id": "1", "user": "a/b"},
        ),
    ],
)
def test_a_path_leads_to_one_resource(
    paths: Paths, path: str, pattern: str, parameters: dict[str, str]
) -> None:
    assert found(paths, path) == (pattern, parameters)


@pytest.mark.parametrize("path", ["", "*", "//", "/x/", "/x/1/", "/x/1/2", "/x/1/with", "/x/1/2/3"])
def test_other_paths_lead_nowhere(paths: Paths, path: str) -> None:
    assert found(paths, path) is None


def test_what_lies_below_another_application_is_found(paths: Paths) -> None:
    assert found(paths, "/hw/things", root_path="/hw") == ("/things", {})


def test_one_place_has_one_name() -> None:
    with pytest.raises(ValueError, match="'id' and 'key'"):
        Paths(nothing, resources={"/a/{id}": named("one"), "/a/{key}/b": named("other")})
