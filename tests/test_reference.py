"""The generated reference leaves nothing out. Whether it is fresh, `make generate-check` tells."""

from __future__ import annotations

import re

import typer

from headwater import Headwater
from headwater.api.openapi import openapi_document
from headwater.cli.main import app
from headwater.schemas import kinds
from tools.reference import cli
from tools.reference_rest import API, rest
from tools.reference_sdk import sdk


def headings(page: str) -> set[str]:
    return set(re.findall(r"^##+ (.+)$", page, re.MULTILINE))


def test_rest_tells_every_route_those_of_all_kinds_once() -> None:
    told = headings(rest())
    collections = "|".join(kind.collection for kind in kinds().values())
    generic = re.compile(rf"^/({collections})(?=/|$)")
    for path, item in openapi_document()["paths"].items():
        own = path.removeprefix(API)
        shared = generic.sub("/{collection}", own).replace("/name/{fqn}", "/{id}", 1)
        for method in map(str.upper, item):
            assert {f"{method} {own}", f"{method} {shared}"} & told, path


def test_links_between_routes_and_shapes_hold() -> None:
    page = rest()
    anchors = {title.lower() for title in headings(page)}
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= anchors


def test_the_sdk_s_page_tells_every_method() -> None:
    methods = {f"Headwater.{name}" for name in dir(Headwater) if not name.startswith("_")}
    assert methods <= headings(sdk())


def test_the_commands_page_tells_every_command() -> None:
    commands = {f"headwater {name}" for name in typer.main.get_command(app).commands}  # type: ignore[attr-defined]  # it is a group
    assert commands <= headings(cli())
